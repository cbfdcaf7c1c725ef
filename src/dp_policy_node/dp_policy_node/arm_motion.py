# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Motions that no policy makes: sent, watched to their end like a goal, and braked when they must.

On the way to a pose it is a straight line of the joints, inside their limits and away from what
`dp_core.clearance` knows; around anything else plan with MoveIt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
import operator
import time

from dp_core.approach import approach
from dp_core.approach import THERE_RAD
from dp_core.braking import LastSeen
from dp_core.errors import DpError
from dp_core.errors import TrajectoryError
from dp_core.guard import Guard
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from dp_core.watchdog import Fault
from dp_core.watchdog import Watchdog
from dp_core.watchdog import WatchdogSettings
from dp_policy_node.arm_watch import ArmWatch
from dp_policy_node.controller_input import ControllerInput
from dp_policy_node.convert import RobotState
from dp_policy_node.episode import Code
from dp_policy_node.episode import CODES
from dp_policy_node.episode import Ending
from dp_policy_node.safety_inputs import SafetyInputs
from dp_policy_node.settings import Settings
from dp_policy_node.trajectory_output import Plan
from dp_policy_node.trajectory_output import TrajectoryOutput
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

Array = NDArray[np.float64]
CHECK_PERIOD_S = 0.01
# A servo may need this long after the end of its command to be within the second [s], [rad].
SETTLE_S, ARRIVED_RAD = 1.0, 0.05
STOPPED = 'the motion was stopped'


@dataclass(frozen=True)
class Arm:
    """What moves an arm and sees it.

    Attributes:
        node: whose clock and log are used.
        output: to its controllers.
        controllers: what they tell.
        robot_state: returns the newest measured joints.
        guard: its limits.
        safety: who may forbid motion.
        settings: parameters.
    """

    node: Node
    output: TrajectoryOutput
    controllers: ControllerInput
    robot_state: Callable[[], RobotState | None]
    guard: Guard
    safety: SafetyInputs
    settings: Settings


class ArmMotion:
    """Motions of one arm, one after the other; it must be reserved."""

    def __init__(self, arm: Arm, goal: str, why_stop: Callable[[], str] = lambda: ''):
        """Move nothing yet.

        Args:
            arm: to be moved.
            goal: where `go_to` takes it, in words.
            why_stop: asked all the time; returns why the motion must end, or ''.
        """
        self._arm, self._goal, self._why_stop = arm, goal, why_stop
        self._trusted_ns: tuple[int, int] | None = None  # ROS and steady clock, when they agreed

    def go_to(self, epoch: int, target: Array) -> str:
        """Go from rest to rest; returns why the arm did not arrive, or ''.

        Args:
            epoch: of the output, begun where the arm was reserved.
            target: (J,) [rad].
        """
        if self._is_there(target):
            return ''
        why = self.drive(epoch, lambda *now: self._log(self.plan_way(target, *now)))
        return why or self._why_not_there(epoch, target)

    def drive(
        self, epoch: int, plan: Plan, is_over: Callable[[int, int], bool] = operator.gt
    ) -> str:
        """Send a motion and watch it; returns why it was braked or not sent, or ''.

        Args:
            epoch: of the output.
            plan: of the motion.
            is_over: asked with the time and that of the motion's end [ns]; by default it is over
                when it should have ended. It is never over while the arm moves on.
        """
        arm = self._arm
        watch = ArmWatch(arm.controllers, arm.output, arm.safety, arm.settings)
        forbidden = self._why_forbidden(watch)
        if forbidden is not None:
            return forbidden.reason
        try:
            trajectory = arm.output.send(epoch, plan)
        except DpError as error:
            return str(error)
        if trajectory is None:
            return STOPPED
        ending: Ending | None = Ending(Code.INTERNAL, 'the watch of the motion failed')
        try:
            ending = self._watch(watch, epoch, trajectory.end_ns, is_over)
        finally:  # whatever happened, nothing may move on that nobody watches
            if ending is not None:
                if ending.code == Code.SPEED_SCALING:
                    watch.note_slowed()
                self._brake(epoch, ending, watch.stands_at)
        if ending is not None:
            return ending.reason
        return '' if arm.output.is_current(epoch) else STOPPED

    def _brake(self, epoch: int, ending: Ending, stands_at: Array | None) -> None:
        before_jump = self._trusted_ns if ending.code == Code.CLOCK_JUMP else None
        state, last_seen = self._arm.robot_state(), None
        if stands_at is not None:
            last_seen = LastSeen(stands_at, stands=True)
        elif ending.code == Code.JOINT_STATE_STALL and state is not None:
            last_seen = LastSeen(state.positions, state.velocities)
        acceleration = self._arm.settings.max_acceleration
        self._arm.output.brake(acceleration, epoch, before_jump, last_seen)
        self._arm.output.wait_rest()

    def _why_forbidden(self, watch: ArmWatch) -> Ending | None:
        why = self._why_stop()
        return Ending(Code.STOPPED, why) if why else watch.check_signals()

    def plan_way(self, target: Array, motion: CommandedMotion, now_ns: int) -> Trajectory:
        """Plan the way to ``target`` (J,) [rad] from rest.

        Raises:
            ConfigError: the target is not for these joints.
            TrajectoryError: the arm is there, it is too far, or a limit does not allow it.
        """
        state, settings, guard = motion.at(now_ns), self._arm.settings, self._arm.guard
        trajectory = approach(state.position, target, now_ns, settings.start_speed, guard.limits)
        if trajectory is None:
            raise TrajectoryError(f'the arm is at {self._goal} already')
        way = np.abs(target - state.position)
        if way.max() > settings.start_reach:
            joint = trajectory.joint_names[int(way.argmax())]
            raise TrajectoryError(
                f'{joint} would go {way.max():.2f} rad to {self._goal}, start_reach is '
                f'{settings.start_reach} rad'
            )
        guard.check_motion(trajectory, state)
        return trajectory

    def _log(self, trajectory: Trajectory) -> Trajectory:
        seconds = trajectory.times_s[-1]
        self._arm.node.get_logger().info(f'going to {self._goal} in {seconds:.1f} s')
        return trajectory

    def _is_there(self, target: Array) -> bool:
        now_ns = self._arm.node.get_clock().now().nanoseconds
        command = self._arm.output.command_at(now_ns)
        there = command is not None and command.position.shape == target.shape
        return there and bool(np.abs(command.position - target).max() < THERE_RAD)

    def _watch(
        self, watch: ArmWatch, epoch: int, end_ns: int, is_over: Callable[[int, int], bool]
    ) -> Ending | None:
        """Wait for the end of the motion, or for a reason to brake."""
        arm = self._arm
        watchdog = Watchdog(WatchdogSettings(arm.settings.stall_timeout))
        while arm.output.is_current(epoch):
            now_ns = arm.node.get_clock().now().nanoseconds
            ending = (
                self._why_forbidden(watch)
                or self._check_age(watchdog, now_ns)
                or watch.check_following(now_ns)
            )
            if ending is not None or (
                is_over(now_ns, end_ns) and not arm.output.is_moving(now_ns)
            ):
                return ending
            time.sleep(CHECK_PERIOD_S)
        return None

    def _check_age(self, watchdog: Watchdog, now_ns: int) -> Ending | None:
        state = self._arm.robot_state()
        stamp_ns = state.stamp_ns if state else None
        steady_ns = time.monotonic_ns()
        verdict = watchdog.check(now_ns, steady_ns, now_ns, stamp_ns)
        if verdict is None or verdict.fault is not Fault.CLOCK_JUMP:
            self._trusted_ns = now_ns, steady_ns
        return None if verdict is None else Ending(CODES[verdict.fault], verdict.reason)

    def _why_not_there(self, epoch: int, target: Array) -> str:
        end_s = time.monotonic() + SETTLE_S
        far = math.inf
        while self._arm.output.moves_arm and far > ARRIVED_RAD:
            if not self._arm.output.is_current(epoch):
                return STOPPED
            if time.monotonic() > end_s:
                return (
                    f'the arm is {far:.3f} rad away from {self._goal} {SETTLE_S:g} s after its '
                    'motion should have ended'
                )
            time.sleep(CHECK_PERIOD_S)
            state = self._arm.robot_state()
            if state is not None:
                far = float(np.abs(state.positions - target).max())
        return ''
