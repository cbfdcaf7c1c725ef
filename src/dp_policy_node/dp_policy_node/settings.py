# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The table of the node's parameters: type, default, range, unit and meaning of each.

Parameters that are not read-only may be changed at any time and hold from the next goal on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
import functools
import math
from typing import Any

from dp_core.device import DEVICES
from dp_core.trajectory import SEAMS

PREEMPT = ('reject', 'replace')
CONTROLLER_STATES = ('auto', 'off', 'required')
EXECUTORS = ('jtc_topic', 'forward_position', 'jtc_action', 'none')


def _parameter(
    default: Any,
    description: str,
    *,
    unit: str = '',
    valid: tuple[float, float] | None = None,
    choices: Sequence[str] = (),
    fixed: bool = False,
) -> Any:
    """One row of the table; ``fixed`` parameters can only be set at start."""
    return field(
        default=default,
        metadata={
            'description': description,
            'unit': unit,
            'valid': valid,
            'choices': tuple(choices),
            'fixed': fixed,
        },
    )


_fixed = functools.partial(_parameter, fixed=True)


@dataclass(frozen=True)
class Settings:
    """Values of all parameters at one moment."""

    policies: tuple[str, ...] = _fixed(
        ('',),
        "Policies to load, each 'name=checkpoint folder'; the first is the default.",
    )
    autostart: bool = _fixed(False, 'Configure and activate at start, and exit when that fails.')
    joint_states_topic: str = _fixed('joint_states', 'Measured joints (sensor_msgs/JointState).')
    robot_description_topic: str = _fixed(
        'robot_description', 'The robot as URDF (std_msgs/String, latched).'
    )
    success_topic: str = _fixed(
        '',
        'A std_msgs/Bool here that is true ends the goal with success; empty for none.',
    )
    emergency_stop_topics: tuple[str, ...] = _fixed(
        ('',),
        'A std_msgs/Bool on one of these that is true brakes, and refuses goals until ~/reset.',
    )
    emergency_stop_timeout: float = _fixed(
        0.0,
        'Longest silence of an emergency stop that is not pressed; 0 for any.',
        unit='s',
        valid=(0.0, 10.0),
    )
    deadman_topics: tuple[str, ...] = _fixed(
        ('',),
        'Deadman switches (std_msgs/Bool): each must be true, and heard again and again.',
    )
    deadman_timeout: float = _fixed(
        0.5,
        'Longest silence of a deadman switch that is held.',
        unit='s',
        valid=(0.02, 10.0),
    )
    program_running_topics: tuple[str, ...] = _fixed(
        ('',),
        'Whether the program on the robot runs (std_msgs/Bool); false ends the goal.',
    )
    safety_mode_topics: tuple[str, ...] = _fixed(
        ('',),
        'Safety modes (ur_dashboard_msgs/SafetyMode); other than normal or reduced end the goal.',
    )
    robot_mode_topics: tuple[str, ...] = _fixed(
        ('',),
        'Robot modes (ur_dashboard_msgs/RobotMode); other than running end the goal.',
    )
    speed_scaling_topics: tuple[str, ...] = _fixed(
        ('',),
        'How fast the robot follows what it is commanded (std_msgs/Float64).',
    )
    speed_scaling_full: float = _fixed(
        100.0,
        'Value on speed_scaling_topics at full speed; that of Universal Robots is 100.',
        unit='1',
        valid=(1e-3, 1e3),
    )
    min_speed_scaling: float = _fixed(
        0.2,
        'Least fraction of the commanded speed, for 0.2 s; less ends the goal.',
        unit='1',
        valid=(0.0, 1.0),
    )
    startup_timeout: float = _fixed(
        15.0,
        'Longest wait at configure for the robot description and for each controller.',
        unit='s',
        valid=(0.1, 600.0),
    )
    policy_process: bool = _fixed(
        True,
        'Run each policy in a process of its own: it can neither hold up the node nor end it.',
    )
    device: str = _fixed(
        'cpu', 'Where every policy computes; cuda is the first GPU.', choices=DEVICES
    )
    warmup_predictions: int = _fixed(
        10,
        'Predictions made at configure; their 95th percentile checks the timing.',
        unit='1',
        valid=(2, 1000),
    )
    seed: int = _fixed(
        -1,
        'Seed of the denoising noise; -1 draws one.',
        unit='1',
        valid=(-1, 2**31 - 1),
    )
    inference_delay: float = _fixed(
        0.0,
        'Holds every prediction back, to rehearse a slower computer or network.',
        unit='s',
        valid=(0.0, 2.0),
    )
    allow_unsafe_controller: bool = _fixed(
        False,
        'Accept a controller that starts each chunk from the measured, lagging state.',
    )
    executor: str = _fixed(
        'jtc_topic',
        'How motions reach the controllers; none only plans and tells.',
        choices=EXECUTORS,
    )
    forward_rate: float = _fixed(
        250.0,
        'Positions sent by forward_position.',
        unit='Hz',
        valid=(100.0, 1000.0),
    )
    controller_state: str = _fixed(
        'auto',
        'Whether to hear controller_state: auto where control_msgs is installed.',
        choices=CONTROLLER_STATES,
    )
    start_positions: tuple[float, ...] = _parameter(
        (math.nan,),  # none: an empty list would have no type
        'Where ~/go_to_start takes the arm: a position for each joint of the contract.',
        unit='rad',
    )
    start_speed: float = _parameter(
        0.3, 'Of the fastest joint on the way to start_positions.', unit='rad/s', valid=(0.01, 3.0)
    )
    start_reach: float = _parameter(
        3.2, 'Longest way of a joint to start_positions.', unit='rad', valid=(0.01, 12.6)
    )
    preempt: str = _parameter(
        'reject',
        'What a goal does while another runs: it is refused, or it takes over.',
        choices=PREEMPT,
    )
    timeout: float = _parameter(
        60.0, 'Longest time of a goal that names none.', unit='s', valid=(0.1, 86400.0)
    )
    stall_timeout: float = _parameter(
        0.5,
        'Longest silence of an observation that is bridged before the arm is stopped.',
        unit='s',
        valid=(0.05, 10.0),
    )
    inference_timeout: float = _parameter(
        2.0, 'Longest time that one prediction may take.', unit='s', valid=(0.05, 60.0)
    )
    tracking_tolerance: float = _parameter(
        0.3,
        'Largest distance of a joint from its command, for 0.2 s; 0 for no check, nor of an arm '
        'that stands still.',
        unit='rad',
        valid=(0.0, 6.3),
    )
    seam: str = _parameter(
        'fade',
        'How a chunk joins the one before it: at once (`replace`), shifted onto the motion with '
        'the shift fading out (`fade`), averaged with the chunks still in force (`ensemble`), '
        'predicted to go on from what was sent (`rtc`), or predicted from the one before in fewer '
        'steps (`warm_start`).',
        choices=SEAMS,
    )
    lead_s: float = _parameter(
        0.05,
        'Steps of a chunk that are meant for sooner than this after sending are cut. The first '
        'knot lies 0.1 s ahead, or this where it is more.',
        unit='s',
        valid=(0.01, 0.5),
    )
    max_blind_s: float = _parameter(
        1.0,
        'Most that is sent ahead at full speed, before the way to rest.',
        unit='s',
        valid=(0.1, 10.0),
    )
    fade_s: float = _parameter(
        0.3, 'Time in which the shift of the seam fade vanishes.', unit='s', valid=(0.01, 5.0)
    )
    ensemble_decay: float = _parameter(
        0.1,
        'm of the weights exp(-m age) of the seam ensemble; above 0 newer chunks weigh more.',
        unit='1/step',
        valid=(-1.0, 10.0),
    )
    warm_start: float = _parameter(
        0.5,
        'Share of the denoising steps that the seam warm_start leaves out.',
        unit='1',
        valid=(0.01, 0.99),
    )
    max_acceleration: float = _fixed(
        5.0, 'Of every joint, in motions and brakes.', unit='rad/s^2', valid=(0.1, 100.0)
    )
    max_jerk: float = _fixed(
        100.0, 'Of every joint, in motions.', unit='rad/s^3', valid=(1.0, 1e5)
    )
    velocity_fraction: float = _fixed(
        1.0, "Part of the robot's own velocity limits to use.", unit='1', valid=(0.01, 1.0)
    )
    max_step: float = _fixed(
        0.5,
        'Largest distance of a joint between two steps of a chunk, and from the command to it.',
        unit='rad',
        valid=(0.01, 6.3),
    )
    min_distance: float = _fixed(
        0.01,
        'Between links of the robot that are not neighbours, and from the arm to the table; '
        'shapes that are too large may overlap by a negative one.',
        unit='m',
        valid=(-1.0, 1.0),
    )
    tool_distance: float = _fixed(
        0.002, 'From the tool to the table.', unit='m', valid=(-1.0, 1.0)
    )
    table_height: float = _fixed(
        0.0, 'Of the table in workspace_frame; -10 for none.', unit='m', valid=(-10.0, 10.0)
    )
    link_radius: float = _fixed(
        0.05, 'Of links without a simple collision shape.', unit='m', valid=(0.001, 1.0)
    )
    workspace_frame: str = _fixed(
        '', 'Fixed link that table and workspace are given in; empty for the root of the robot.'
    )
    workspace_tool: str = _fixed(
        '',
        'Link that stays in the workspace; empty for that of the policy, or the last one moved.',
    )
    workspace_low: tuple[float, ...] = _fixed(
        (-10.0, -10.0, -10.0), 'Least x, y, z that the tool may reach.', unit='m'
    )
    workspace_high: tuple[float, ...] = _fixed(
        (10.0, 10.0, 10.0), 'Largest x, y, z that the tool may reach.', unit='m'
    )
