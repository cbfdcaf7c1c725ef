# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The launch file against a stand-in for launch, or the real one where it is installed."""

import importlib.util
import sys
import types

from dp_bringup.share import share
from dp_bringup.stacks import Ur5Pusht
from dp_core.errors import ConfigError
import pytest


class Action:
    """Remembers how it was made."""

    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs


class LaunchConfiguration:
    def __init__(self, name):
        self.name = name

    def perform(self, context):
        return context[self.name]


def load_launch(name):
    """Return the launch description of a launch file of this package."""
    path = share() / 'launch' / f'{name}.launch.py'
    spec = importlib.util.spec_from_file_location(f'{name}_launch', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate_launch_description()


@pytest.fixture
def description(monkeypatch):
    """Load the launch file with stand-ins for launch and launch_ros."""
    for name, names in {
        'launch': ('LaunchContext', 'LaunchDescription'),
        'launch.actions': ('DeclareLaunchArgument', 'OpaqueFunction', 'Shutdown'),
        'launch.substitutions': (),
        'launch_ros': (),
        'launch_ros.actions': ('Node',),
    }.items():
        module = types.ModuleType(name)
        for item in names:
            setattr(module, item, type(item, (Action,), {}))
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules['launch.substitutions'].LaunchConfiguration = LaunchConfiguration
    monkeypatch.delitem(sys.modules, 'dp_bringup.launch_actions', raising=False)
    yield load_launch('ur5_pusht')
    sys.modules.pop('dp_bringup.launch_actions', None)


def test_arguments_are_declared_with_description_and_choices(description):
    *declared, _ = description.args[0]
    for action, item in zip(declared, Ur5Pusht.arguments(), strict=True):
        assert action.args == (item.name,)
        assert action.kwargs['default_value'] == item.default
        assert action.kwargs['description'] == item.description
        assert action.kwargs['choices'] == (list(item.choices) or None)


def test_nodes_are_those_of_the_stack(description, tmp_path):
    (tmp_path / 'policy.yaml').write_text('')
    values = {item.name: item.default for item in Ur5Pusht.arguments()}
    values |= {'policy': str(tmp_path), 'seed': '3'}
    nodes = description.args[0][-1].kwargs['function'](values)
    specs = Ur5Pusht(policy=str(tmp_path), seed=3).nodes()
    for node, spec in zip(nodes, specs, strict=True):
        assert node.kwargs['package'] == spec.package
        assert node.kwargs['executable'] == spec.executable
        *files, last = node.kwargs['parameters']
        assert files == [str(file) for file in spec.parameter_files]
        assert last == {
            k: list(v) if isinstance(v, tuple) else v for k, v in spec.parameters.items()
        }
        assert node.kwargs['on_exit'] is not None  # without one of them, nothing goes on
        assert 'name' not in node.kwargs  # it would rename both nodes of the scene


@pytest.mark.parametrize(
    'is_errand, code, ends', [(False, 0, True), (True, 1, True), (True, 0, False)]
)
def test_an_errand_that_succeeds_does_not_end_the_stack(description, is_errand, code, ends):
    from dp_bringup.launch_actions import on_exit
    from dp_bringup.stacks import NodeSpec

    end = on_exit(NodeSpec('p', 'e', 'n', is_errand=is_errand))
    assert (end(types.SimpleNamespace(returncode=code), None) is not None) == ends
    assert on_exit(NodeSpec('p', 'e', 'n', is_required=False)) is None


def test_work_that_is_done_ends_the_stack(description):
    from dp_bringup.launch_actions import on_exit
    from dp_bringup.stacks import NodeSpec

    end = on_exit(NodeSpec('p', 'e', 'operator', is_purpose=True))
    reasons = [
        end(types.SimpleNamespace(returncode=code), None).kwargs['reason'] for code in (0, 1)
    ]
    assert reasons == ['operator has done its work', 'operator has ended']


def test_teaching_is_launched_in_the_same_way(description):
    taught = load_launch('ur5_teaching')
    *declared, start = taught.args[0]
    assert 'demos' in [action.args[0] for action in declared]
    values = {action.args[0]: action.kwargs['default_value'] for action in declared}
    assert len(start.kwargs['function'](values)) == 4


def test_an_unsupported_simulator_is_refused_by_name(description):
    values = {item.name: item.default for item in Ur5Pusht.arguments()} | {'sim': 'gazebo'}
    with pytest.raises(ConfigError, match="'gazebo'"):
        description.args[0][-1].kwargs['function'](values)
