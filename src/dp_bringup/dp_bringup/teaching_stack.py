# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The stack ur5_teaching: the simulated cell is demonstrated to, and every episode recorded."""

from __future__ import annotations

from dataclasses import dataclass

from dp_bringup.share import share
from dp_bringup.stack_arguments import argument
from dp_bringup.stack_arguments import Arguments
from dp_bringup.stacks import dds_environment
from dp_bringup.stacks import NodeSpec
from dp_core.errors import ConfigError

OPERATORS = ('scripted', 'none')
COMMANDS = '/tool_target'  # what an operator commands, and convert takes for the action
JOYSTICK = '/joy'  # its buttons command the recorder, beside the keys of `hand`
# The camera contract has no pose of the T: recorded too, the same bags teach a state policy.
ALSO = '/block_pose'


@dataclass(frozen=True)
class Ur5Teaching(Arguments):
    """Arguments of the stack ur5_teaching."""

    demos: str = argument('demos', 'Folder of the recorded episodes, one bag each')
    operator: str = argument(
        'scripted',
        'Who demonstrates: scripted for the scripted operator, after whose last episode the '
        'stack ends; none for anybody else on /tool_target, for example `ros2 run dp_sim hand`, '
        'whose keys command the recorder as well',
        OPERATORS,
    )
    episodes: int = argument(10, 'Starts that the scripted operator solves [1]')
    seed: int = argument(0, 'Seed of the first start; the next one has the next [1]')
    burst_every: float = argument(
        0.0,
        'Mean time between drives against the T; what lies between two of them is an episode '
        'of its own that shows a recovery; 0 for none [s]',
    )
    time_limit: float = argument(90.0, 'The scripted operator gives up after this long [s]')
    disturbance: float = argument(
        0.003, 'Noise on what the arm does, not on what is recorded: recoveries are shown [m]'
    )
    camera_rate: float = argument(30.0, 'Rate of each camera [Hz]')

    def __post_init__(self) -> None:
        self.require_choices()
        if not self.demos:
            raise ConfigError("demos is '', valid: a folder")

    def nodes(self) -> tuple[NodeSpec, ...]:
        """Return the processes of the stack, in the order in which they start."""
        cell = (self._sim_node(), self._teleoperation(), self._recorder())
        return (*cell, self._operator()) if self.operator == 'scripted' else cell

    def _sim_node(self) -> NodeSpec:
        folder = share() / 'config' / 'ur5e_pusht'
        return NodeSpec(
            package='dp_sim',
            executable='sim_node',
            name='sim_node',
            parameter_files=(folder / 'controllers.yaml',),
            parameters={
                'starts': 'demonstration',
                'seed': self.seed,
                'camera_rate': self.camera_rate,
                'needs_cameras': True,
            },
            environment=dds_environment(),
        )

    def _teleoperation(self) -> NodeSpec:
        return NodeSpec(
            package='dp_sim',
            executable='teleoperation',
            name='teleoperation',
            parameters={'disturbance': self.disturbance, 'seed': self.seed},
            environment=dds_environment(),
        )

    def _recorder(self) -> NodeSpec:
        contract = share() / 'config' / 'ur5e_pusht' / 'contract_camera.yaml'
        words = ('--contract', str(contract), '--action-topic', COMMANDS, '--topic', ALSO)
        # Half an episode of the scripted operator shows nothing, and Ctrl-C may reach the recorder
        # before the operator can discard it; what a person has shown is kept.
        is_scripted = self.operator == 'scripted'
        ways = ('--at-end', 'discard') if is_scripted else ('--joy-topic', JOYSTICK)
        return NodeSpec(
            package='dp_data_tools',
            executable='episode_recorder',
            name='episode_recorder',
            arguments=(self.demos, *words, '--operator', self.operator, *ways),
            environment=dds_environment(),
        )

    def _operator(self) -> NodeSpec:
        return NodeSpec(
            package='dp_sim',
            executable='scripted_operator',
            name='scripted_operator',
            parameters={
                'episodes': self.episodes,
                'seed': self.seed,
                'burst_every': self.burst_every,
                'time_limit': self.time_limit,
            },
            environment=dds_environment(),
            is_purpose=True,
        )
