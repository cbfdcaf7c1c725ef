# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Every parameter of the two nodes: name, default, range, unit, meaning. Declared only here."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from dp_sim.faults import FAULTS
from dp_sim.trajectory_rules import GENERATIONS
from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node


@dataclass(frozen=True)
class Parameter:
    """One row of the table; the type is that of the default."""

    name: str
    default: bool | int | float | str | tuple[str, ...]
    unit: str
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = True

    def check(self, value: Any) -> None:
        """Raise ValueError when a value is none of the choices."""
        if self.choices and value not in self.choices:
            valid = ', '.join(repr(choice) for choice in self.choices)
            raise ValueError(f'parameter {self.name} is {value!r}; valid are {valid}')

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows."""
        text = f'{self.description} [{self.unit}]' if self.unit else self.description
        descriptor = ParameterDescriptor(description=text, read_only=self.read_only)
        if self.choices:
            descriptor.additional_constraints = 'one of ' + ', '.join(map(repr, self.choices))
        if self.minimum is None or self.maximum is None:
            return descriptor
        if isinstance(self.default, int):
            span = IntegerRange(from_value=int(self.minimum), to_value=int(self.maximum), step=1)
            descriptor.integer_range = [span]
        else:
            span = FloatingPointRange(from_value=self.minimum, to_value=self.maximum, step=0.0)
            descriptor.floating_point_range = [span]
        return descriptor


SIM_NODE = (
    Parameter(
        'controller',
        'stand_in',
        '',
        'Who moves the arm: our joint_trajectory_controller, our forward_position_controller, or '
        'a real one in ros2_control, whose /joint_states are followed',
        choices=('stand_in', 'forward_position', 'ros2_control'),
    ),
    Parameter('seed', 0, '1', 'Seed of the start that the scene shows at first', 0, 2**31 - 1),
    Parameter(
        'starts',
        'evaluation',
        '',
        'Where episodes begin: as an evaluation draws them, or as demonstrations do, from wide to '
        'near the goal and never where an evaluation begins',
        choices=('evaluation', 'demonstration'),
    ),
    Parameter('realtime_factor', 1.0, '1', 'Simulated seconds per second', 0.05, 20.0),
    Parameter('state_rate', 125.0, 'Hz', 'Rate of joint states, poses and clock', 10.0, 500.0),
    Parameter('camera_rate', 30.0, 'Hz', 'Rate of each camera while someone listens', 1.0, 120.0),
    Parameter(
        'needs_cameras', False, '', 'Whether to end at once where this machine cannot render'
    ),
    Parameter('image_width', 96, 'px', 'Width of the camera images', 16, 1920),
    Parameter('image_height', 96, 'px', 'Height of the camera images', 16, 1080),
    Parameter(
        'compressed_format',
        'jpeg',
        '',
        'Encoding of the compressed images',
        choices=('jpeg', 'png'),
    ),
    Parameter('jpeg_quality', 90, '%', 'Quality of compressed jpeg images', 1, 100),
    Parameter(
        'command_latency',
        0.0,
        's',
        "The controller's output reaches the drives so much later",
        0.0,
        1.0,
    ),
    Parameter(
        'joint_state_latency',
        0.0,
        's',
        'Joint states and tool pose show the arm as it was so long ago; their stamps say now',
        0.0,
        1.0,
    ),
    *(
        Parameter(
            f'{camera}_camera_latency',
            0.0,
            's',
            f'The {camera} camera shows the scene as it was so long ago; its stamps say now',
            0.0,
            1.0,
        )
        for camera in ('front', 'wrist')
    ),
    Parameter('log_dir', '', '', "Folder for one .npz per episode (scene_log.py); '' for none"),
    Parameter(
        'action_name',
        '/execute_policy',
        '',
        'Action whose executing goals late ticks are counted for',
    ),
    Parameter(
        'fault',
        '',
        '',
        'Fault that the scene plays for rehearsals (see faults.py)',
        choices=tuple(FAULTS),
        read_only=False,
    ),
    Parameter(
        'fault_s',
        0.0,
        's',
        'A fault chosen from now on ends by itself after so much simulated time; 0: never',
        0.0,
        3600.0,
        read_only=False,
    ),
    Parameter(
        'speed_slider',
        100.0,
        '%',
        'Speed slider of the robot: the controller plays trajectories at this part of their speed',
        0.0,
        100.0,
        read_only=False,
    ),
)

JOINTS = Parameter(
    'joints',
    (
        'shoulder_pan_joint',
        'shoulder_lift_joint',
        'elbow_joint',
        'wrist_1_joint',
        'wrist_2_joint',
        'wrist_3_joint',
    ),
    '',
    'Joints that the controller moves, in its order',
)

CONTROLLER = (
    JOINTS,
    Parameter('command_interfaces', ('position',), '', 'Command interfaces of each joint'),
    Parameter('state_interfaces', ('position', 'velocity'), '', 'State interfaces of each joint'),
    Parameter(
        'interpolate_from_desired_state',
        True,
        '',
        'Start a trajectory at the last command (true) or at the measured state (false)',
    ),
    Parameter(
        'allow_partial_joints_goal', False, '', 'Accept trajectories of some of the joints only'
    ),
    Parameter(
        'allow_nonzero_velocity_at_trajectory_end',
        False,
        '',
        'Accept trajectories whose last point moves',
    ),
    Parameter(
        'allow_integration_in_goal_trajectories',
        False,
        '',
        'Accept trajectories without positions and integrate what they have',
    ),
    Parameter('update_rate', 500, 'Hz', 'Rate of the controller', 500, 500),
    Parameter(
        'generation',
        'A',
        '',
        'What a new trajectory does to the one that runs: A replaces it at once (Jazzy, Kilted), '
        "B lets it run until the new one's stamp (6.8, 6.9), C joins them (after 6.9.0)",
        choices=GENERATIONS,
    ),
)

CONSTRAINTS = (
    Parameter(
        'constraints.goal_time',
        0.0,
        's',
        'From the end of a trajectory until the arm must be inside its tolerances; 0: for ever',
        0.0,
        3600.0,
    ),
    Parameter(
        'constraints.stopped_velocity_tolerance',
        0.01,
        'rad/s',
        'At the end; counts with a velocity or effort command interface only',
        0.0,
        100.0,
    ),
)
JOINT_CONSTRAINTS = (
    Parameter(
        'constraints.<joint>.trajectory',
        0.0,
        'rad',
        'Largest distance of a joint from its reference on the way; 0 is not checked',
        0.0,
        100.0,
    ),
    Parameter(
        'constraints.<joint>.goal',
        0.0,
        'rad',
        'Largest distance of a joint from its reference at the end; 0 is not checked',
        0.0,
        100.0,
    ),
)

FORWARD = (
    JOINTS,
    Parameter(
        'interface_name',
        'position',
        '',
        'Command interface of each joint',
        choices=('position',),
    ),
)


def reference(table: tuple[Parameter, ...]) -> str:
    """Return the table of the reference page, in Markdown."""
    lines = [
        '| parameter | default | valid | unit | changeable | meaning |',
        '|---|---|---|---|---|---|',
    ]
    for row in table:
        default = ', '.join(row.default) if isinstance(row.default, tuple) else str(row.default)
        valid = ', '.join(
            f"`'{choice}'`" if not choice else f'`{choice}`' for choice in row.choices
        )
        if row.minimum is not None:
            valid = f'{row.minimum} .. {row.maximum}'
        lines.append(
            f'| `{row.name}` | {f"`{default}`" if default else ""} | {valid} | {row.unit} | '
            f'{"at start" if row.read_only else "any time"} | {row.description} |'
        )
    return '\n'.join(lines) + '\n'


def of_joint(joint: str, table: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """Return a table of which there is one for each joint, for this one."""
    return tuple(replace(row, name=row.name.replace('<joint>', joint)) for row in table)


def declare(node: Node, table: tuple[Parameter, ...]) -> dict[str, Any]:
    """Declare a table on a node and return the values by name."""
    values = {}
    for row in table:
        default = list(row.default) if isinstance(row.default, tuple) else row.default
        value = node.declare_parameter(row.name, default, row.descriptor()).value
        row.check(value)
        values[row.name] = value
    return values
