# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The rules that keep the suite small and its parts apart, read from the source with `ast`."""

import ast
from pathlib import Path
import re
import statistics

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / 'src'
PACKAGES = ('dp_core', 'dp_policy_node', 'dp_data_tools', 'dp_sim', 'dp_bringup')
MODULES = sorted(
    path
    for package in PACKAGES
    for path in (SRC / package / package).rglob('*.py')
    if '__pycache__' not in path.parts
)
TESTS = sorted([*SRC.glob('*/test/**/*.py'), *(ROOT / 'tests').rglob('*.py')])

ROS = {
    'ament_index_python',
    'builtin_interfaces',
    'control_msgs',
    'cv_bridge',
    'diagnostic_msgs',
    'dp_msgs',
    'geometry_msgs',
    'launch',
    'launch_ros',
    'lifecycle_msgs',
    'message_filters',
    'rcl_interfaces',
    'rclpy',
    'rosbag2_py',
    'rosgraph_msgs',
    'sensor_msgs',
    'std_msgs',
    'std_srvs',
    'trajectory_msgs',
}
# Dependencies point one way: dp_bringup -> dp_policy_node, dp_data_tools, dp_sim -> dp_core.
FORBIDDEN = {
    'dp_core': ROS | {'dp_policy_node', 'dp_data_tools', 'dp_sim', 'dp_bringup'},
    'dp_policy_node': {'torch', 'diffusers', 'dp_data_tools', 'dp_sim', 'dp_bringup'},
    'dp_data_tools': {'dp_policy_node', 'dp_sim', 'dp_bringup'},
    'dp_sim': {'torch', 'diffusers', 'dp_policy_node', 'dp_data_tools', 'dp_bringup'},
    'dp_bringup': {'torch', 'diffusers'},
}
# What a recorder, a controller or a robot without PyTorch can use as well.
TORCH_FREE = (
    'contract.py',
    'observation.py',
    'decode.py',
    'picture.py',
    'sync.py',
    'chunk.py',
    'trajectory.py',
    'replay.py',
    'tracking_error.py',
    'limits.py',
    'watchdog.py',
    'interlock.py',
    'feedback.py',
    'following.py',
    'kinematics.py',
    'body_tree.py',
    'capsules.py',
    'clearance.py',
    'clearance_rules.py',
    'errors.py',
)
# Node files wire, they do not compute.
NODES = ('dp_policy_node/dp_policy_node/policy_node.py', 'dp_sim/dp_sim/sim_node.py')
# Files that talk to a person on a terminal.
COMMANDS = (
    'command.py',
    'command_node.py',
    'compare_runs.py',
    'cli.py',
    'execute.py',
    'demonstrate.py',
    'run_local.py',
    'demo.py',
    'bench.py',
    'latency_bench.py',
    'motion_plot.py',
    'outage.py',
    'outage_stopper.py',
    'soak.py',
    'stops.py',
    'motion_timing.py',
    'over_ros.py',
)
MAX_MODULE_LINES, MAX_FUNCTION_LINES, MAX_NODE_LINES, MAX_MEDIAN_LINES = 300, 60, 250, 120


def name(path):
    return str(path.relative_to(ROOT))


def tree(path):
    return ast.parse(path.read_text(encoding='utf-8'), filename=str(path))


def lines(path):
    return len(path.read_text(encoding='utf-8').splitlines())


def imports(path):
    """Return the top-level names a file imports absolutely, inside functions too."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.split('.')[0])
    return found


def imported_at_load(path, seen=()):
    """Return the files of dp_core that loading one of them loads, through module-level imports."""
    found = {path}
    for node in tree(path).body:
        if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('dp_core.'):
            other = SRC / 'dp_core' / Path(*node.module.split('.')).with_suffix('.py')
            if other.exists() and other not in seen:
                found |= imported_at_load(other, (*seen, *found))
    return found


@pytest.mark.parametrize('package', PACKAGES)
def test_dependencies_point_one_way(package):
    wrong = {
        name(path): sorted(bad)
        for path in MODULES
        if path.is_relative_to(SRC / package) and (bad := imports(path) & FORBIDDEN[package])
    }
    assert not wrong


def test_ros_stays_in_one_folder_of_the_data_tools():
    folder = SRC / 'dp_data_tools' / 'dp_data_tools'
    for path in MODULES:
        if path.is_relative_to(folder) and 'ros' not in path.relative_to(folder).parts:
            assert 'rclpy' not in imports(path), name(path)


@pytest.mark.parametrize('stage', TORCH_FREE)
def test_stages_before_and_after_the_network_load_without_torch(stage):
    path = SRC / 'dp_core' / 'dp_core' / stage
    assert path.exists(), f'{stage} has moved: name its new place here'
    for loaded in imported_at_load(path):
        assert not imports(loaded) & {'torch', 'diffusers'}, f'{stage} loads {name(loaded)}'


def test_modules_and_functions_stay_small():
    large = [
        f'{name(path)}: {lines(path)} lines' for path in MODULES if lines(path) > MAX_MODULE_LINES
    ]
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = node.end_lineno - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    large.append(f'{name(path)}:{node.lineno} {node.name}: {length} lines')
    assert not large, '\n'.join(large)
    assert statistics.median(map(lines, MODULES)) <= MAX_MEDIAN_LINES


@pytest.mark.parametrize('node', NODES)
def test_node_files_only_wire(node):
    assert lines(SRC / node) <= MAX_NODE_LINES


def test_libraries_do_not_print_and_leave_nothing_unfinished():
    wrong = []
    for path in MODULES:
        text = path.read_text(encoding='utf-8')
        for number, line in enumerate(text.splitlines(), start=1):
            if re.search(r'\b(TO' r'DO|FIX' r'ME|X' r'XX)\b', line):
                wrong.append(f'{name(path)}:{number} is unfinished')
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'print':
                if path.name not in COMMANDS and path.parent.name != 'verbs':
                    wrong.append(f'{name(path)}:{node.lineno} prints; use logging or return it')
            if isinstance(node, ast.ExceptHandler):
                caught = getattr(node.type, 'id', '') if node.type else 'everything'
                if caught in {'everything', 'Exception', 'BaseException'}:
                    wrong.append(f'{name(path)}:{node.lineno} catches {caught}; name the error')
            if isinstance(node, ast.Assert):
                wrong.append(f'{name(path)}:{node.lineno} asserts; raise an error that says what')
    assert not wrong, '\n'.join(wrong)


def test_every_source_file_carries_the_licence():
    files = [*MODULES, *TESTS, *SRC.glob('*/setup.py'), *SRC.glob('*/launch/*.py')]
    bare = [
        name(path)
        for path in files
        if 'SPDX-License-Identifier: Apache-2.0' not in path.read_text(encoding='utf-8')[:300]
    ]
    assert not bare


def test_tests_are_at_least_three_fifths_of_the_code():
    assert sum(map(lines, TESTS)) >= 0.6 * sum(map(lines, MODULES))


def test_no_file_names_a_place_of_one_machine():
    suffixes = {
        '.py',
        '.md',
        '.toml',
        '.yaml',
        '.yml',
        '.xml',
        '.cfg',
        '.sh',
        '.in',
        '.txt',
        '.json',
        '.rst',
    }
    files = [path for path in ROOT.glob('*') if path.is_file()]
    for folder in ('src', 'tests', 'tools', 'requirements', '.ci', 'docker', '.github'):
        files += [path for path in (ROOT / folder).rglob('*') if path.is_file()]
    place = re.compile(r'(?<![\w.])/(work|root|home|farm|Users)/\w|/tmp/\w')
    wrong = [
        f'{name(path)}:{number}'
        for path in files
        if (path.suffix in suffixes or path.name in {'Makefile', 'run'})
        and '__pycache__' not in path.parts
        and not any(
            part.startswith('.') and part != '.ci' for part in path.relative_to(ROOT).parts
        )
        for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), start=1)
        if place.search(line)
    ]
    assert not wrong


def test_commands_and_nodes_exist_where_setup_py_says():
    for package in PACKAGES:
        text = (SRC / package / 'setup.py').read_text(encoding='utf-8')
        for command, module, function in re.findall(r"'(\w+) = ([\w.]+):(\w+)'", text):
            path = SRC / package / Path(*module.split('.')).with_suffix('.py')
            assert path.exists(), f'{package}: {command} needs {name(path)}'
            names = {node.name for node in tree(path).body if isinstance(node, ast.FunctionDef)}
            assert function in names, f'{package}: {command} needs {function} in {name(path)}'


def test_manifests_name_every_ros_import():
    for package in PACKAGES:
        manifest = (SRC / package / 'package.xml').read_text(encoding='utf-8')
        declared = set(re.findall(r'<(?:exec_)?depend>([\w-]+)</', manifest))
        used = set()
        for path in MODULES:
            if path.is_relative_to(SRC / package):
                used |= imports(path) & (ROS | set(PACKAGES))
        assert used - {package} <= declared, f'{package}: {used - {package} - declared}'


def test_the_lock_holds_what_was_asked_for_and_names_no_host():
    lock = (ROOT / 'requirements' / 'lock.txt').read_text(encoding='utf-8')
    assert '://' not in lock
    locked = {line.split(' ;')[0] for line in lock.splitlines()}
    for source in ('ros.in', 'learn.in', 'dev.in'):
        for line in (ROOT / 'requirements' / source).read_text(encoding='utf-8').splitlines():
            if '==' in line:
                assert line in locked, f'{source} asks for {line}: run requirements/compile.sh'
