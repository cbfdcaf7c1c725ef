# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a stack consists of, as plain data: nodes, parameters, environment, and the arguments.

`launch/*.launch.py` turns a stack into launch_ros actions, `dp_bringup.run_local` into processes.
There is no second description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
import os
from pathlib import Path
from typing import Any

from ament_index_python.packages import get_package_prefix
from ament_index_python.packages import PackageNotFoundError
from dp_bringup.share import DEFAULT_POLICY
from dp_bringup.share import POLICIES
from dp_bringup.share import policy_folder
from dp_bringup.share import sees_pictures
from dp_bringup.share import share
from dp_bringup.stack_arguments import argument
from dp_bringup.stack_arguments import Arguments
from dp_bringup.stack_arguments import Value
from dp_core.device import DEVICES
from dp_core.errors import ConfigError

SEAMS = ('fade', 'replace', 'ensemble', 'rtc', 'warm_start')
SIMULATORS = ('mujoco',)
CONTROLLERS = ('stand_in', 'forward_position', 'ros2_control')
# The contract names the first; with the executor forward_position the second stands in its place.
TRAJECTORY, FORWARD = 'joint_trajectory_controller', 'forward_position_controller'
GENERATIONS = ('A', 'B', 'C')
# What a real controller needs: package -> the name with which apt installs it.
ROS2_CONTROL = {
    'controller_manager': 'ros2-control',
    'joint_state_broadcaster': 'ros2-controllers',
    'joint_trajectory_controller': 'ros2-controllers',
}
FAST_DDS_2 = ('humble', 'jazzy')  # they know the profile by its old name


@dataclass(frozen=True)
class NodeSpec:
    """One process with ROS nodes.

    Attributes:
        package, executable: the program.
        name: of its process, in logs and messages. The nodes in it keep their own names.
        parameter_files: ROS parameter files, read in this order.
        parameters: values that come after the files; they hold for every node of the process.
        remappings: pairs of names, from and to.
        arguments: further words of the command line.
        prefix: words before the program, as in a launch file.
        environment: variables that are set where the user has not set them.
        is_required: the stack ends when this process ends.
        is_errand: it ends by itself when its work is done; only a failure ends the stack.
        is_purpose: when its work is done, the stack has done its work and ends.
    """

    package: str
    executable: str
    name: str
    parameter_files: tuple[Path, ...] = ()
    parameters: Mapping[str, Value] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    is_required: bool = True
    is_errand: bool = False
    is_purpose: bool = False

    def missing_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the variables to add to `environment`: what a user has set stays."""
        return {k: v for k, v in self.environment.items() if k not in environment}


@dataclass(frozen=True)
class Ur5Pusht(Arguments):
    """Arguments of the stack ur5_pusht: a UR5e in simulation pushes a T onto its target."""

    policy: str = argument(
        DEFAULT_POLICY,
        f'Policy: one of {", ".join(POLICIES)}, or the path of a checkpoint folder',
    )
    sim: str = argument('mujoco', 'Simulator of robot and cameras', SIMULATORS)
    controller: str = argument(
        'stand_in',
        'Controller of the arm: stand_in for our joint_trajectory_controller, forward_position '
        'for our forward_position_controller and the executor of that name, ros2_control for the '
        'real joint_trajectory_controller, on mock hardware that the simulated arm follows',
        CONTROLLERS,
    )
    controller_generation: str = argument(
        'A',
        'Generation of joint_trajectory_controller that stand_in plays: A as on Jazzy and '
        'Kilted, B as 6.8 and 6.9, C after 6.9.0; see dp_sim',
        GENERATIONS,
    )
    seed: int = argument(0, 'Seed of the start that the scene shows at first [1]')
    seam: str = argument('fade', 'How a chunk joins the one before it', SEAMS)
    realtime_factor: float = argument(
        1.0, 'Simulated seconds per second; other than 1.0 needs use_sim_time:=true [1]'
    )
    inference_delay: float = argument(
        0.0, 'Holds every prediction back, to rehearse a slower computer [s]'
    )
    device: str = argument('cpu', 'Where the policy computes', DEVICES)
    use_sim_time: bool = argument(False, 'Let the policy node follow /clock')
    autostart: bool = argument(True, 'Configure and activate the policy node at start')
    log_dir: str = argument('', "Folder for one .npz file per episode; '' for none")
    rviz: bool = argument(False, 'Open RViz with the layout of this package')
    foxglove: bool = argument(False, 'Start foxglove_bridge on port 8765')

    def __post_init__(self) -> None:
        self.require_choices()
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f'seed is {self.seed}, valid: 0 to {2**31 - 1}')
        if not 0.05 <= self.realtime_factor <= 20.0:
            raise ConfigError(f'realtime_factor is {self.realtime_factor}, valid: 0.05 to 20')
        if not 0.0 <= self.inference_delay <= 2.0:
            raise ConfigError(f'inference_delay is {self.inference_delay}, valid: 0 to 2')
        if self.realtime_factor != 1.0 and not self.use_sim_time:
            raise ConfigError(
                f'realtime_factor is {self.realtime_factor}, so simulated time leaves the '
                'system clock; set use_sim_time:=true as well'
            )
        if self.controller != 'stand_in' and self.controller_generation != 'A':
            raise ConfigError(
                f'controller_generation is {self.controller_generation!r}, but it is for '
                f"controller 'stand_in'; with {self.controller!r} leave it at 'A'"
            )
        if self.controller == 'ros2_control' and self.use_sim_time:
            raise ConfigError("use_sim_time is true, valid with controller 'ros2_control': false")

    def nodes(self) -> tuple[NodeSpec, ...]:
        """Return the processes of the stack, in the order in which they start.

        Raises:
            ConfigError: there is no such policy, or ros2_control is not installed.
        """
        processes = [self._sim_node()]
        if self.controller == 'ros2_control':
            processes += ros2_control(_controllers_file())
        processes.append(self._policy_node())
        if self.rviz or self.foxglove:
            processes.append(self._robot_state_publisher())
        if self.rviz:
            layout = share() / 'rviz' / 'ur5_pusht.rviz'
            processes.append(_viewer('rviz2', 'rviz2', 'rviz', arguments=('-d', str(layout))))
        if self.foxglove:
            processes.append(_viewer('foxglove_bridge', 'foxglove_bridge', 'foxglove_bridge'))
        return tuple(processes)

    def _sim_node(self) -> NodeSpec:
        return NodeSpec(
            package='dp_sim',
            executable='sim_node',
            name='sim_node',
            parameter_files=(_controllers_file(),),
            parameters={
                'controller': self.controller,
                'generation': self.controller_generation,
                'seed': self.seed,
                'realtime_factor': self.realtime_factor,
                'log_dir': self.log_dir,
                'needs_cameras': sees_pictures(policy_folder(self.policy)),
            },
            environment=dds_environment(),
        )

    def _policy_node(self) -> NodeSpec:
        is_forward = self.controller == 'forward_position'
        return NodeSpec(
            package='dp_policy_node',
            executable='policy_node',
            name='policy_node',
            parameter_files=(share() / 'config' / 'ur5e_pusht' / 'policy_node.yaml',),
            parameters={
                'policies': (f'{self._policy_name()}={policy_folder(self.policy)}',),
                'seam': self.seam,
                'inference_delay': self.inference_delay,
                'device': self.device,
                'use_sim_time': self.use_sim_time,
                'autostart': self.autostart,
                **({'executor': 'forward_position'} if is_forward else {}),
            },
            remappings=tuple(
                (f'{TRAJECTORY}/{name}', f'{FORWARD}/{name}')
                for name in ('commands', 'get_parameters')
                if is_forward
            ),
            # One thread: the networks are small, and idle OpenMP threads would spin on a core.
            environment={**dds_environment(), 'OMP_NUM_THREADS': '1'},
        )

    def _policy_name(self) -> str:
        return self.policy if self.policy in POLICIES else policy_folder(self.policy).name

    def _robot_state_publisher(self) -> NodeSpec:
        from dp_sim.assets import URDF_PATH  # only a viewer needs it

        return _viewer(
            'robot_state_publisher',
            'robot_state_publisher',
            'robot_state_publisher',
            parameters={
                'robot_description': URDF_PATH.read_text(encoding='utf-8'),
                'use_sim_time': self.use_sim_time,
            },
            # The scene publishes the description; here only /tf and /tf_static are wanted.
            remappings=(('robot_description', 'robot_state_publisher/robot_description'),),
        )


def ros2_control(controllers: Path) -> tuple[NodeSpec, NodeSpec]:
    """Return the controller manager and what loads its controllers, from one parameter file.

    Raises:
        ConfigError: a package is not installed; the message says how to install it.
    """
    missing = [name for name in ROS2_CONTROL if not _is_installed(name)]
    if missing:
        debs = sorted({f'ros-$ROS_DISTRO-{ROS2_CONTROL[name]}' for name in missing})
        raise ConfigError(
            f"controller is 'ros2_control', but the packages {missing} are not installed; on a "
            f'distribution: apt install {" ".join(debs)}'
        )
    manager = NodeSpec(
        package='controller_manager',
        executable='ros2_control_node',
        name='ros2_control_node',
        parameter_files=(controllers,),
        environment=dds_environment(),
    )
    spawner = NodeSpec(
        package='controller_manager',
        executable='spawner',
        name='spawner',
        arguments=('joint_state_broadcaster', 'joint_trajectory_controller'),
        environment=dds_environment(),
        is_errand=True,
    )
    return manager, spawner


def dds_environment(distribution: str | None = None) -> dict[str, str]:
    """Return the variable that makes Fast DDS read config/fastdds.xml; see there why.

    Args:
        distribution: of ROS; default: the one that is sourced.
    """
    distribution = os.environ.get('ROS_DISTRO', '') if distribution is None else distribution
    prefix = 'FASTRTPS' if distribution in FAST_DDS_2 else 'FASTDDS'
    return {f'{prefix}_DEFAULT_PROFILES_FILE': str(share() / 'config' / 'fastdds.xml')}


def _controllers_file() -> Path:
    return share() / 'config' / 'ur5e_pusht' / 'controllers.yaml'


def _is_installed(package: str) -> bool:
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        return False
    return True


def _viewer(package: str, executable: str, name: str, **kwargs: Any) -> NodeSpec:
    return NodeSpec(
        package, executable, name, environment=dds_environment(), is_required=False, **kwargs
    )
