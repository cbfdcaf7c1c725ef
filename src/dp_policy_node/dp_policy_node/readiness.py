# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""May a goal start now? Observations must flow, controllers listen, and the arm be at rest."""

from __future__ import annotations

from dp_core.slowed_robot import ARM_SPEED
from dp_policy_node.episode import Episode
from dp_policy_node.observation_input import ObservationInput
from dp_policy_node.robot import Robot
from dp_policy_node.safety_inputs import SafetyInputs
import numpy as np


def why_forbidden(
    stopped: str, safety: SafetyInputs | None, preempt: str, episode: Episode | None
) -> str:
    """Return who keeps a goal away, however ready the robot is; '' when nobody does.

    Args:
        stopped: why a stop holds, or ''.
        safety: signals of operator and robot.
        preempt: what becomes of a goal while another runs.
        episode: that runs.
    """
    if stopped:
        return f'{stopped}; call ~/reset'
    verdict = safety.check() if safety else None
    if verdict is not None:
        return verdict.reason
    if episode is not None and preempt == 'reject':
        return 'another goal runs'
    return 'the arm still brakes' if episode is not None and episode.has_ended else ''


def why_refused(
    robot: Robot, inputs: ObservationInput, now_ns: int, max_age_s: float, *, replaces: bool
) -> str:
    """Return what keeps a goal from starting; '' when nothing does.

    Args:
        robot: policies and output.
        inputs: observations of the policy that was asked for.
        now_ns: the ROS clock [ns].
        max_age_s: oldest joint state that counts [s].
        replaces: the goal takes over a motion, so the arm need not rest.
    """
    if not robot.worker.is_alive:
        return 'the inference thread has died; clean up and configure again'
    dead = [policy.name for policy in robot.policies.values() if not policy.is_alive]
    if dead:
        return f'the process of policy {dead[0]!r} has ended; clean up and configure again'
    missing = inputs.why_missing(now_ns, max_age_s)
    if missing:
        return missing
    lost = robot.output.why_deaf()
    if robot.output.moves_arm:  # else they may be off: the arm is led by hand
        lost = lost or robot.controllers.why_lost(max_age_s)
    if lost:
        return lost
    return '' if replaces else _why_moving(robot, inputs, now_ns)


def _why_moving(robot: Robot, inputs: ObservationInput, now_ns: int) -> str:
    if robot.output.is_moving(now_ns):
        return 'the arm still brakes'
    state = inputs.robot_state
    if state is not None and state.velocities is not None:
        speed = float(np.abs(state.velocities).max())
        if speed > ARM_SPEED:
            return f'the arm moves at {speed:.2f} rad/s, not by a command of this node'
    return ''
