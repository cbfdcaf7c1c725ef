# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path
import signal
import socket
import subprocess
import sys
import time

from dp_bringup import ros_domain
from dp_bringup import run_local
from dp_bringup.run_local import command
from dp_bringup.run_local import executable
from dp_bringup.run_local import LocalStack
from dp_bringup.run_local import StackError
from dp_bringup.run_local import write_parameters
from dp_bringup.stacks import NodeSpec
from dp_core.errors import ConfigError
import pytest
import yaml

NODE = f"""#!{sys.executable}
import sys, time
print('up', flush=True)
for _ in range(600):
    time.sleep(0.1)
"""


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Make a package 'fake' with the programs a, b and the failing c."""
    folder = tmp_path / 'prefix' / 'lib' / 'fake'
    folder.mkdir(parents=True)
    for name, text in (('a', NODE), ('b', NODE), ('c', f'#!{sys.executable}\n1 / 0\n')):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    marker = tmp_path / 'prefix' / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'fake'
    marker.parent.mkdir(parents=True)
    marker.touch()
    paths = os.environ.get('AMENT_PREFIX_PATH', '')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{tmp_path / "prefix"}:{paths}')
    return tmp_path


def is_alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition):
    end_s = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_all_processes_end_with_the_context(programs):
    specs = [NodeSpec('fake', name, name) for name in 'ab']
    with LocalStack(specs, programs / 'logs') as stack:
        pids = stack.pids
        wait_for(lambda: 'up' in (programs / 'logs' / 'b.log').read_text())
        stack.check()
        assert set(pids) == {'a', 'b'} and all(map(is_alive, pids.values()))
    assert not any(map(is_alive, pids.values()))


def test_an_error_inside_the_context_ends_them_too(programs):
    with pytest.raises(KeyError):
        with LocalStack([NodeSpec('fake', 'a', 'a')], programs / 'logs') as stack:
            pid = stack.pids['a']
            raise KeyError
    assert not is_alive(pid)


def test_a_node_that_ends_is_named_with_the_end_of_its_log(programs):
    specs = [NodeSpec('fake', 'a', 'a'), NodeSpec('fake', 'c', 'broken')]
    with LocalStack(specs, programs / 'logs') as stack:
        wait_for(lambda: not is_alive(stack.pids['broken']))
        with pytest.raises(StackError, match=r'broken has ended with exit code 1(.|\n)*ZeroDiv'):
            stack.check()


def test_a_viewer_may_be_closed(programs):
    specs = [NodeSpec('fake', 'c', 'viewer', is_required=False)]
    with LocalStack(specs, programs / 'logs') as stack:
        wait_for(lambda: not is_alive(stack.pids['viewer']))
        stack.check()


@pytest.mark.parametrize('code', [0, 3])
def test_an_errand_may_end_but_must_not_fail(programs, code):
    program = programs / 'prefix' / 'lib' / 'fake' / 'c'
    program.write_text(f'#!{sys.executable}\nraise SystemExit({code})\n')
    with LocalStack([NodeSpec('fake', 'c', 'errand', is_errand=True)], programs / 'logs') as stack:
        wait_for(lambda: not is_alive(stack.pids['errand']))
        if code == 0:
            stack.check()
        else:
            with pytest.raises(StackError, match='errand has ended with exit code 3'):
                stack.check()


def test_a_stack_is_done_when_what_it_is_there_for_is_done(programs):
    program = programs / 'prefix' / 'lib' / 'fake' / 'c'
    program.write_text(f'#!{sys.executable}\n')
    specs = [NodeSpec('fake', 'a', 'a'), NodeSpec('fake', 'c', 'work', is_purpose=True)]
    with LocalStack(specs, programs / 'logs') as stack:
        wait_for(lambda: stack.is_done)
        stack.check()


def test_a_missing_package_is_named_before_anything_starts():
    with pytest.raises(ConfigError, match="'rviz9'.*ros-.*-rviz9"):
        executable(NodeSpec('rviz9', 'rviz9', 'rviz'))


def test_the_command_line_is_that_of_ros(tmp_path):
    spec = NodeSpec(
        'p',
        'e',
        'n',
        parameter_files=(Path('first.yaml'),),
        parameters={'rate': 30.0, 'names': ('a', 'b'), 'flag': True},
        remappings=(('old', 'new'),),
        arguments=('-d', 'layout'),
        prefix=('ip', 'netns', 'exec', 'robot'),
    )
    file = write_parameters(spec, tmp_path / 'n.yaml')
    assert yaml.safe_load(file.read_text()) == {
        '/**': {'ros__parameters': {'rate': 30.0, 'names': ['a', 'b'], 'flag': True}}
    }
    words = '-d layout --ros-args --params-file first.yaml --params-file {} --remap old:=new'
    words = f'ip netns exec robot e {words}'
    assert command(spec, Path('e'), file) == words.format(file).split()


RUNNER = """import sys
from dp_bringup import run_local
from dp_bringup.stacks import NodeSpec
from dp_bringup.stacks import Ur5Pusht
is_purpose = len(sys.argv) > 2
Ur5Pusht.nodes = lambda self: tuple(
    NodeSpec('fake', name, name, is_purpose=is_purpose) for name in 'ab'
)
sys.exit(run_local.main(['--logs', sys.argv[1]]))
"""


def test_work_that_was_interrupted_is_not_done(programs):
    logs = programs / 'logs'
    runner = subprocess.Popen([sys.executable, '-c', RUNNER, str(logs), 'purpose'])
    wait_for(lambda: all((logs / f'{n}.log').exists() for n in 'ab'))
    wait_for(lambda: all('up' in (logs / f'{n}.log').read_text() for n in 'ab'))
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(timeout=30) == 130


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_process_survives_the_command(programs, number):
    logs = programs / 'logs'
    runner = subprocess.Popen(
        [sys.executable, '-c', RUNNER, str(logs)], stdout=subprocess.PIPE, text=True
    )
    files = [logs / f'{name}.log' for name in 'ab']
    wait_for(lambda: all(f.exists() and 'up' in f.read_text() for f in files))
    children = Path(f'/proc/{runner.pid}/task/{runner.pid}/children').read_text().split()
    assert len(children) == 2
    runner.send_signal(number)
    output, _ = runner.communicate(timeout=30)
    wait_for(lambda: not any(map(is_alive, children)))
    assert runner.returncode == (-9 if number == signal.SIGKILL else 0)
    assert number == signal.SIGKILL or 'running a, b' in output


@pytest.mark.parametrize('delay_s', [0.0, 0.15, 0.3, 0.5, 0.8])
def test_ctrl_c_at_any_time_leaves_no_process(programs, delay_s):
    mark = f'DP_TEST_MARK={programs.name}_{delay_s}'
    name, _, value = mark.partition('=')
    runner = subprocess.Popen(
        [sys.executable, '-c', RUNNER, str(programs / 'logs')],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, name: value},
    )
    time.sleep(delay_s)
    for _ in range(10):  # as a person does: while Python starts, it may swallow a Ctrl-C
        runner.send_signal(signal.SIGINT)
        try:
            runner.wait(timeout=5)
            break
        except subprocess.TimeoutExpired:
            continue
    assert runner.poll() is not None
    wait_for(lambda: not marked(mark))


def marked(mark):
    """Return the living processes whose environment carries a mark."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            environment = (folder / 'environ').read_bytes()
        except (PermissionError, FileNotFoundError, ProcessLookupError):
            continue
        if mark.encode() in environment.split(b'\0') and is_alive(folder.name):
            found.append(folder.name)
    return found


def test_a_stack_keeps_to_itself_unless_the_user_says_otherwise(monkeypatch):
    """A domain that the shell exports is that of the robots of a laboratory."""
    monkeypatch.setenv('ROS_DOMAIN_ID', '200')
    added = ros_domain.environment_of(None)
    assert 1 <= int(added['ROS_DOMAIN_ID']) <= 101
    assert added['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert ros_domain.environment_of(200) == {'ROS_DOMAIN_ID': '200'}
    with pytest.raises(ConfigError, match='--domain is 233, valid: 0 to 232'):
        ros_domain.environment_of(233)


def test_a_domain_in_use_is_not_taken(monkeypatch):
    monkeypatch.setattr(ros_domain, 'DOMAINS', range(77, 79))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        try:
            other.bind(('', 7400 + 250 * 77 + 10))
        except OSError:
            pass  # somebody has it already, which serves as well
        assert {ros_domain.free_domain() for _ in range(5)} <= {78, 77}
        assert not ros_domain._is_free(77)


def test_wrong_arguments_end_the_command_with_one_line(capsys):
    assert run_local.main(['--sim', 'gazebo']) == 1
    assert "sim is 'gazebo', valid: ['mujoco']" in capsys.readouterr().err
