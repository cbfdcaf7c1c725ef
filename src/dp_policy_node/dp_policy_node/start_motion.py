# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`~/go_to_start`: the arm goes to its start pose, slowly, watched like any other motion.

A straight line of the joints, inside their limits and away from what `dp_core.clearance` knows;
around anything else plan with MoveIt.
"""

from __future__ import annotations

import math
import time

from dp_core.approach import approach
from dp_core.approach import THERE_RAD
from dp_core.errors import DpError
from dp_core.errors import TrajectoryError
from dp_core.guard import Guard
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from dp_core.watchdog import Watchdog
from dp_core.watchdog import WatchdogSettings
from dp_policy_node.arm_watch import ArmWatch
from dp_policy_node.episode import CODES
from dp_policy_node.episode import Ending
from dp_policy_node.episode_server import EpisodeServer
from dp_policy_node.observation_input import ObservationInput
from dp_policy_node.robot import Robot
from dp_policy_node.safety_inputs import SafetyInputs
from dp_policy_node.settings import Settings
import numpy as np
from rclpy.node import Node

ERRAND = 'the arm goes to its start pose'
CHECK_PERIOD_S = 0.01
# A servo may need this long after the end of its command to be within the second [s], [rad].
SETTLE_S, ARRIVED_RAD = 1.0, 0.05


class StartMotion:
    """One way to the start pose."""

    def __init__(self, node: Node, robot: Robot, safety: SafetyInputs, settings: Settings):
        """Prepare; the arm must be reserved."""
        self._clock = node.get_clock()
        self._log = node.get_logger()
        self._robot = robot
        self._settings = settings
        first = next(iter(robot.policies))
        self._inputs: ObservationInput = robot.inputs[first]
        self._guard: Guard = robot.policies[first].pipeline.guard
        self._arm = ArmWatch(robot, safety, settings)
        self._watchdog = Watchdog(WatchdogSettings(settings.stall_timeout))
        self._target = np.array(settings.start_positions)

    def go(self) -> str:
        """Go there; returns why the arm did not arrive, or ''. Takes as long as the motion."""
        if not np.isfinite(self._target).all():
            return 'start_positions is not set'
        output = self._robot.output
        epoch = output.begin()
        if self._is_there():
            return ''
        try:
            trajectory = output.send(epoch, self._plan)
        except DpError as error:
            return str(error)
        if trajectory is None:
            return 'the motion was stopped'
        self._log.info(f'going to the start pose in {trajectory.times_s[-1]:.1f} s')
        ending = self._watch(epoch, trajectory.end_ns)
        if ending is not None:
            output.brake(self._settings.max_acceleration, epoch)
            return ending.reason
        if not output.is_current(epoch):
            return 'the motion was stopped'
        return self._why_not_there()

    def _plan(self, motion: CommandedMotion, now_ns: int) -> Trajectory:
        state, settings = motion.at(now_ns), self._settings
        trajectory = approach(
            state.position, self._target, now_ns, settings.start_speed, self._guard.limits
        )
        if trajectory is None:
            raise TrajectoryError('the arm is at its start pose already')
        way = np.abs(self._target - state.position)
        if way.max() > settings.start_reach:
            joint = trajectory.joint_names[int(way.argmax())]
            raise TrajectoryError(
                f'{joint} would go {way.max():.2f} rad to the start pose, start_reach is '
                f'{settings.start_reach} rad'
            )
        self._guard.check_motion(trajectory, state)
        return trajectory

    def _is_there(self) -> bool:
        command = self._robot.output.command_at(self._clock.now().nanoseconds)
        there = command is not None and command.position.shape == self._target.shape
        return there and bool(np.abs(command.position - self._target).max() < THERE_RAD)

    def _watch(self, epoch: int, end_ns: int) -> Ending | None:
        """Wait for the end of the motion, or for a reason to brake."""
        while self._robot.output.is_current(epoch):
            now_ns = self._clock.now().nanoseconds
            ending = (
                self._arm.check_signals()
                or self._check_age(now_ns)
                or self._arm.check_following(now_ns)
            )
            if ending is not None or now_ns > end_ns:
                return ending
            time.sleep(CHECK_PERIOD_S)
        return None

    def _check_age(self, now_ns: int) -> Ending | None:
        state = self._inputs.robot_state
        stamp_ns = state.stamp_ns if state else None
        verdict = self._watchdog.check(now_ns, time.monotonic_ns(), now_ns, stamp_ns)
        return None if verdict is None else Ending(CODES[verdict.fault], verdict.reason)

    def _why_not_there(self) -> str:
        end_s = time.monotonic() + SETTLE_S
        far = math.inf
        while self._robot.output.moves_arm and far > ARRIVED_RAD:
            if time.monotonic() > end_s:
                return f'the arm stopped {far:.3f} rad away from the start pose'
            time.sleep(CHECK_PERIOD_S)
            state = self._inputs.robot_state
            if state is not None:
                far = float(np.abs(state.positions - self._target).max())
        return ''


def go_to_start(
    node: Node, server: EpisodeServer, safety: SafetyInputs, settings: Settings
) -> str:
    """Reserve the arm and take it to its start pose; returns why not, or ''."""
    why, robot = server.reserve(ERRAND)
    if robot is None:
        return why
    try:
        why = StartMotion(node, robot, safety, settings).go()
    finally:
        server.release()
    if why:
        node.get_logger().error(f'the start pose was not reached: {why}')
    return why
