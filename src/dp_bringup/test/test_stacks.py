# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses
from pathlib import Path
import re
import xml.etree.ElementTree as ElementTree

from dp_bringup import stacks
from dp_bringup.share import policy_folder
from dp_bringup.share import share
from dp_bringup.stacks import dds_environment
from dp_bringup.stacks import GENERATIONS
from dp_bringup.stacks import SEAMS
from dp_bringup.stacks import Ur5Pusht
from dp_core import trajectory
from dp_core.contract import Contract
from dp_core.errors import ConfigError
import pytest
import yaml


@pytest.fixture
def checkpoint(tmp_path):
    """Return a folder that passes for a checkpoint."""
    (tmp_path / 'policy.yaml').write_text('')
    return tmp_path


def parameters(file, node):
    return yaml.safe_load(file.read_text())[node]['ros__parameters']


def test_ur5_pusht_is_a_scene_and_a_policy_node(checkpoint):
    chosen = Ur5Pusht(policy=str(checkpoint), seed=7, inference_delay=0.1, device='cuda')
    sim, policy = chosen.nodes()
    assert (sim.package, sim.executable) == ('dp_sim', 'sim_node')
    assert sim.parameters['seed'] == 7
    assert (policy.package, policy.executable) == ('dp_policy_node', 'policy_node')
    assert policy.parameters['policies'] == (f'{checkpoint.name}={checkpoint}',)
    assert policy.parameters['autostart'] is True
    assert policy.parameters['inference_delay'] == 0.1
    assert policy.parameters['device'] == 'cuda'


@pytest.fixture
def installed(monkeypatch):
    """Return a set of packages; only these count as installed."""
    names = set()
    monkeypatch.setattr(stacks, '_is_installed', names.__contains__)
    return names


def test_a_real_controller_comes_with_its_manager_and_what_loads_it(checkpoint, installed):
    installed |= set(stacks.ROS2_CONTROL)
    sim, manager, spawner, policy = Ur5Pusht(
        policy=str(checkpoint), controller='ros2_control'
    ).nodes()
    assert sim.parameters['controller'] == 'ros2_control'
    assert manager.executable == 'ros2_control_node' and not manager.is_errand
    assert manager.parameter_files == sim.parameter_files
    loaded = yaml.safe_load(manager.parameter_files[0].read_text())
    assert set(spawner.arguments) <= set(loaded['controller_manager']['ros__parameters'])
    assert spawner.is_errand and spawner.is_required
    assert policy.name == 'policy_node'


def test_the_forward_controller_comes_with_its_executor_and_names(checkpoint):
    sim, node = Ur5Pusht(policy=str(checkpoint), controller='forward_position').nodes()
    assert sim.parameters['controller'] == node.parameters['executor'] == 'forward_position'
    assert node.remappings == (
        ('joint_trajectory_controller/commands', 'forward_position_controller/commands'),
        ('joint_trajectory_controller/get_parameters',
         'forward_position_controller/get_parameters'),
    )  # fmt: skip
    plain = Ur5Pusht(policy=str(checkpoint)).nodes()[1]
    assert 'executor' not in plain.parameters and not plain.remappings


def test_without_ros2_control_the_packages_to_install_are_named(checkpoint, installed):
    installed.add('controller_manager')
    with pytest.raises(ConfigError, match=r'apt install ros-\$ROS_DISTRO-ros2-controllers$'):
        Ur5Pusht(policy=str(checkpoint), controller='ros2_control').nodes()


def test_seams_are_those_of_the_core():
    """Written a second time, so that a launch need not wait for the import of scipy."""
    assert set(SEAMS) == set(trajectory.SEAMS)


def test_viewers_come_only_when_asked_for_and_may_be_closed(checkpoint):
    stack = Ur5Pusht(policy=str(checkpoint), rviz=True, foxglove=True)
    viewers = stack.nodes()[2:]
    assert [spec.name for spec in viewers] == ['robot_state_publisher', 'rviz', 'foxglove_bridge']
    assert not any(spec.is_required for spec in viewers)
    assert viewers[0].parameters['robot_description'].startswith('<')


def test_what_a_stack_starts_is_in_the_manifest(checkpoint, installed):
    installed |= set(stacks.ROS2_CONTROL)
    stack = Ur5Pusht(policy=str(checkpoint), rviz=True, foxglove=True, controller='ros2_control')
    manifest = ElementTree.parse(share() / 'package.xml')
    declared = {row.text for row in manifest.iter('exec_depend')}
    assert {spec.package for spec in stack.nodes()} <= declared


@pytest.mark.parametrize(
    'values, words',
    [
        ({'sim': 'gazebo'}, ["'gazebo'", "'mujoco'"]),
        ({'seam': 'glue'}, ["'glue'", "'fade'", "'replace'"]),
        ({'seed': '-1'}, ['seed is -1', '0 to']),
        ({'inference_delay': '-1'}, ['inference_delay is -1.0', '0 to 2']),
        ({'seed': 'one'}, ["'one'", 'int']),
        ({'rviz': 'yes'}, ["'yes'", 'true, false']),
        ({'realtime_factor': '2.0'}, ['use_sim_time']),
        ({'controller': 'moveit'}, ["'moveit'", "'stand_in'", "'ros2_control'"]),
        ({'controller': 'ros2_control', 'use_sim_time': 'true'}, ['use_sim_time is true']),
        ({'controller_generation': 'D'}, ["'D'", "'A'", "'B'", "'C'"]),
        ({'controller': 'ros2_control', 'controller_generation': 'C'}, ["'C'", "leave it at 'A'"]),
        ({'controller': 'forward_position', 'controller_generation': 'B'}, ["'forward_position'"]),
        ({'robot': 'ur10'}, ["['robot']", "'policy'"]),
    ],
)
def test_a_wrong_argument_is_refused_with_the_valid_ones(values, words):
    with pytest.raises(ConfigError) as caught:
        Ur5Pusht.parse(values)
    assert all(word in str(caught.value) for word in words)


def test_a_policy_that_is_nowhere_is_refused_with_the_shipped_ones(tmp_path):
    with pytest.raises(ConfigError, match=r"policy.yaml.*'camera'.*'state'"):
        policy_folder(str(tmp_path / 'nowhere'))


def test_the_policy_that_sees_is_the_default_and_the_scene_must_render_for_it(checkpoint):
    def needs_cameras(**chosen):
        return Ur5Pusht(**chosen).nodes()[0].parameters['needs_cameras']

    assert Ur5Pusht().nodes()[1].parameters['policies'] == (f'camera={policy_folder("camera")}',)
    assert needs_cameras()
    assert not needs_cameras(policy='state')
    assert not needs_cameras(policy=str(checkpoint))  # broken: the policy node tells why


def test_every_argument_is_described_and_survives_text():
    defaults = {item.name: item.default for item in Ur5Pusht.arguments()}
    assert Ur5Pusht.parse(defaults) == Ur5Pusht()
    assert all(len(item.description) > 10 for item in Ur5Pusht.arguments())


def test_what_a_user_has_set_in_the_environment_stays(checkpoint):
    sim = Ur5Pusht(policy=str(checkpoint)).nodes()[0]
    (name,) = dds_environment()
    assert sim.missing_environment({}) == dds_environment()
    assert sim.missing_environment({name: 'mine.xml'}) == {}


def test_fast_dds_gets_the_name_that_its_generation_knows():
    assert list(dds_environment('jazzy')) == ['FASTRTPS_DEFAULT_PROFILES_FILE']
    assert list(dds_environment('kilted')) == ['FASTDDS_DEFAULT_PROFILES_FILE']
    profile = ElementTree.parse(dds_environment()['FASTDDS_DEFAULT_PROFILES_FILE'])
    sizes = [e.text for e in profile.iter() if e.tag.endswith('segment_size')]
    assert sizes == [str(16 * 2**20)]


def test_files_and_arguments_never_set_the_same_parameter(checkpoint):
    for spec in Ur5Pusht(policy=str(checkpoint)).nodes():
        for file in spec.parameter_files:
            for section in yaml.safe_load(file.read_text()).values():
                assert not set(section['ros__parameters']) & set(spec.parameters)


def test_parameters_are_known_to_the_nodes(checkpoint):
    settings = pytest.importorskip('dp_policy_node.settings')
    scene_parameters = pytest.importorskip('dp_sim.parameters')
    sim, policy = Ur5Pusht(policy=str(checkpoint)).nodes()
    known = {row.name for row in dataclasses.fields(settings.Settings)}
    file = parameters(policy.parameter_files[0], 'policy_node')
    assert set(file) | set(policy.parameters) <= known | {'use_sim_time'}
    rows = (*scene_parameters.SIM_NODE, *scene_parameters.CONTROLLER)
    assert set(sim.parameters) <= {row.name for row in rows}
    generations = next(row.choices for row in rows if row.name == 'generation')
    assert generations == GENERATIONS


@pytest.mark.parametrize('kind', ['state', 'camera'])
def test_the_controller_moves_the_joints_of_the_contract_and_is_safe(kind):
    folder = share() / 'config' / 'ur5e_pusht'
    controller = parameters(folder / 'controllers.yaml', 'joint_trajectory_controller')
    contract = Contract.load(folder / f'contract_{kind}.yaml')
    assert tuple(controller['joints']) == contract.actions[0].joints
    assert controller['interpolate_from_desired_state'] is True
    assert controller['allow_nonzero_velocity_at_trajectory_end'] is False


def test_layouts_show_topics_that_exist():
    rviz = (share() / 'rviz' / 'ur5_pusht.rviz').read_text()
    foxglove = (share() / 'foxglove' / 'ur5_pusht.json').read_text()
    known = {
        '/robot_description',
        '/front_camera/image_raw',
        '/wrist_camera/image_raw',
        '/block_pose',
        '/tool_pose',
        '/joint_states',
        '/scene_status',
        '/policy_node/status',
        '/policy_node/action_chunk',
        '/front_camera/camera_info',
        '/wrist_camera/camera_info',
        '/diagnostics',
        '/joint_trajectory_controller/reference',
    }
    for text in (rviz, foxglove):
        found = set(re.findall(r'["\s](/[a-z_]+(?:/[a-z_]+)*)', text))
        assert found and found <= known, found - known


def test_the_launch_file_holds_no_second_description():
    text = (Path(share()) / 'launch' / 'ur5_pusht.launch.py').read_text()
    assert 'sim_node' not in text and 'policy_node' not in text
