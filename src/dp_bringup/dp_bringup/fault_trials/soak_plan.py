# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which faults a soak draws, and what each of them explains. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
import random

DIED = 'DIED'  # what a goal is said to end with whose server was killed
STALLS = ('JOINT_STATE_STALL', 'OBSERVATION_STALL')
LOST = (*STALLS, 'CONTROLLER', 'CLOCK_JUMP')
SLOW = (*STALLS, 'INFERENCE_FAILED', 'OVERRUN')


@dataclass(frozen=True)
class SoakFault:
    """One way to disturb a run.

    Attributes:
        name: of the fault.
        weight: how often it is drawn, relative to the others.
        verb, argument: what is done, see `act.py` and `soak_run.py`.
        low_s, high_s: bounds of its duration; both 0 for what takes no time [s].
        codes: of a goal's result that it explains.
        ends: the goal must end.
        coasts: the arm may follow what was sent to its end, up to `max_blind_s` and a tail, when
            the fault is over: nobody can brake it sooner.
    """

    name: str
    weight: float
    verb: str
    argument: str
    low_s: float
    high_s: float
    codes: tuple[str, ...] = ()
    ends: bool = False
    coasts: bool = False


def _faults() -> tuple[SoakFault, ...]:
    invalid = ('INVALID_OBSERVATION',)
    row = SoakFault
    return (
        row('joint_states_lost', 8, 'scene', 'joint_states_stop', 0.05, 0.35),
        row('block_pose_lost', 8, 'scene', 'block_pose_stop', 0.05, 0.35),
        row('joint_states_silent', 4, 'scene', 'joint_states_stop', 0.8, 2.0,
            ('JOINT_STATE_STALL',), True, True),
        row('block_pose_silent', 4, 'scene', 'block_pose_stop', 0.8, 2.0,
            ('OBSERVATION_STALL',), True),
        row('joint_states_shuffled', 3, 'scene', 'joint_states_shuffled', 0.3, 2.0),
        row('joint_states_missing', 3, 'scene', 'joint_states_missing', 0.2, 1.0, invalid, True),
        row('joint_states_nan', 4, 'scene', 'joint_states_nan', 0.2, 1.0, invalid, True),
        row('block_pose_nan', 4, 'scene', 'block_pose_nan', 0.2, 1.0, invalid, True),
        row('stamps_future', 4, 'scene', 'stamps_future', 1.0, 2.0, ('CLOCK_JUMP',), True, True),
        row('clock_forward', 4, 'scene', 'clock_forward', 1.0, 2.0, ('CLOCK_JUMP',), True, True),
        row('clock_backward', 4, 'scene', 'clock_backward', 1.0, 2.0, (*STALLS, 'CLOCK_JUMP'),
            True, True),
        row('controller_deaf', 3, 'scene', 'controller_deaf', 1.0, 3.0, ('CONTROLLER',), False,
            True),
        row('cancel', 4, 'call', 'cancel', 0.0, 0.0, ('CANCELED',), True),
        row('stop', 4, 'call', 'stop', 0.0, 0.0, ('STOPPED',), True),
        row('deactivate', 2, 'call', 'deactivate', 0.0, 0.0, ('DEACTIVATED',), True),
        row('second_goal', 2, 'call', 'second_goal', 0.0, 0.0),
        row('node_frozen_briefly', 5, 'pause', 'policy_node', 0.05, 0.3),
        row('node_frozen', 4, 'pause', 'policy_node', 0.8, 1.6, SLOW, False, True),
        row('node_starved', 3, 'starve', 'policy_node', 1.0, 4.0, SLOW, False, True),
        row('scene_frozen_briefly', 3, 'pause', 'sim_node', 0.05, 0.25),
        row('scene_frozen', 3, 'pause', 'sim_node', 1.0, 2.0, LOST, True, True),
        row('node_killed', 2, 'signal', 'policy_node SIGKILL', 0.0, 0.0, (DIED,), True, True),
        row('scene_killed', 2, 'signal', 'sim_node SIGKILL', 0.0, 0.0, LOST, True, True),
        row('policy_killed', 2, 'signal', 'policies SIGKILL', 0.0, 0.0, ('INFERENCE_FAILED',),
            True),
        row('slow_loop', 6, 'hold', 'loop:0.4', 1.0, 4.0, SLOW),
        row('slow_call', 6, 'hold', 'call:0.3', 1.0, 4.0, SLOW),
        row('memory', 5, 'memory', '1024', 1.0, 3.0),
    )  # fmt: skip


FAULTS = {fault.name: fault for fault in _faults()}
# The process that stands still or dies holds the controller itself: no sender can help it.
ROBOT_HUNG = frozenset(f.name for f in FAULTS.values() if f.argument.startswith('sim_node'))


def draw(generator: random.Random, without: Collection[str] = ()) -> tuple[SoakFault, float]:
    """Return a fault by the weights, and how long it lasts [s]; ``without`` some of them."""
    faults = [fault for fault in FAULTS.values() if fault.name not in without]
    (fault,) = generator.choices(faults, [fault.weight for fault in faults])
    return fault, round(generator.uniform(fault.low_s, fault.high_s), 3)
