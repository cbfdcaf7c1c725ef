# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One replay: the robot is found, the motion planned, the arm taken to its begin and driven.

The episode is one FollowJointTrajectory goal of each controller. It is watched like a goal of the
policy node, by the same limits, signals and tolerances.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
import threading
import time
from typing import Any

from dp_core.chunk import ActionChunk
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import ObservationError
from dp_core.errors import TrajectoryError
from dp_core.guard import Guard
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from dp_core.replay import begun_at
from dp_core.replay import episode_chunk
from dp_core.replay import plan_replay
from dp_core.replay import ReplayPlan
from dp_core.replay import require_robot
from dp_core.tracking_error import TrackingError
from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict
from dp_policy_node.arm_motion import Arm
from dp_policy_node.arm_motion import ArmMotion
from dp_policy_node.control_messages import error_words
from dp_policy_node.controller_check import check_controllers
from dp_policy_node.controller_check import wait_for_description
from dp_policy_node.controller_input import ControllerInput
from dp_policy_node.jtc_action import JtcAction
from dp_policy_node.listener import Listener
from dp_policy_node.observation_input import ObservationInput
from dp_policy_node.other_node import OtherNode
from dp_policy_node.policies import guard_settings
from dp_policy_node.safety_inputs import SafetyInputs
from dp_policy_node.settings import Settings
from dp_policy_node.trajectory_output import TrajectoryOutput
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

Array = NDArray[np.float64]
GOAL = 'the first command'
INTERRUPTED = 'interrupted'
POLL_S = 0.02
# An arm that has moved so far since the motion was planned does not begin it [rad].
MOVED_RAD = 1e-3
# A controller tells so soon after its last motion how a goal has ended [s]; slower is still
# [rad/s].
ANSWER_S, STILL = 5.0, 0.01


@dataclass(frozen=True)
class Report:
    """How a replay went.

    Attributes:
        why: it was ended early, or ''.
        planned_s, took_s: from the first to the last instant of the goal [s].
        results: what each controller said of it: error code and words.
        error: how far the joints were from what the controllers wanted.
    """

    why: str
    planned_s: float
    took_s: float
    results: dict[str, tuple[int, str]]
    error: TrackingError


class Session:
    """Replays one episode; nothing moves before `run`."""

    def __init__(
        self,
        node: Node,
        contract: Contract,
        settings: Settings,
        stop: threading.Event,
        policy_node: str = 'policy_node',
    ) -> None:
        """Find robot and controllers.

        Args:
            node: owner of names, clock and log.
            contract: of the dataset.
            settings: parameters, those of the policy node.
            stop: ends the replay.
            policy_node: name of the node that must run no goal meanwhile, and whose stop holds.

        Raises:
            DpError: somebody does not answer, or does not fit the contract.
        """
        require_robot(contract)
        self._node, self._contract, self._settings, self._stop = node, contract, settings, stop
        groups = contract.actions
        joints = tuple(joint for group in groups for joint in group.joints)
        self._urdf = wait_for_description(
            node, settings.robot_description_topic, settings.startup_timeout
        )
        self.guard = Guard(self._urdf, groups, guard_settings(settings))
        from_measured = check_controllers(node, groups, replace(settings, executor='jtc_action'))
        inputs = ObservationInput(contract, joints, settings.joint_states_topic)
        controllers = ControllerInput(
            groups, joints, lambda: inputs.robot_state, settings.controller_state,
            lambda: inputs.unheard_s,
        )  # fmt: skip
        self._actions = JtcAction(node, groups, self._hear)
        self._output = TrajectoryOutput(
            node.get_clock(),
            joints,
            self._actions,
            controllers.newest,
            from_measured=from_measured,
        )
        self._forbidden = ''  # by a signal, which may be short
        self._safety = SafetyInputs(node, settings, self._forbid)
        self._inputs = inputs
        self._other = OtherNode(node, policy_node)
        self._listener = Listener(node, 'numbers', depth=100)
        inputs.listen_to_joints(self._listener)
        controllers.listen(self._listener)
        self._listener.start()
        arm = Arm(
            node, self._output, controllers, lambda: inputs.robot_state, self.guard,
            self._safety, settings,
        )  # fmt: skip
        self._motion = ArmMotion(arm, GOAL, self._why_stop)
        self._error: TrackingError | None = None
        self._moved_s = 0.0

    def close(self) -> None:
        """Listen no more, and send no more."""
        self._listener.close()
        self._safety.close()
        self._other.close()
        self._output.close()

    def prepare(self, actions: Array, speed_scale: float) -> tuple[ReplayPlan, Trajectory | None]:
        """Plan all that would be driven, from where the arm is now.

        Returns:
            The episode, and the way to its begin, None when the arm is there.

        Raises:
            DpError: somebody is silent or forbids motion, or what the limits do not allow.
        """
        self._until_ready()
        here = self._here()
        chunk: ActionChunk = episode_chunk(self._contract, actions, self._urdf, here, speed_scale)
        plan = plan_replay(chunk, self.guard)
        if np.abs(plan.first - here).max() < MOVED_RAD:
            return plan, None
        return plan, self._motion.plan_way(plan.first, CommandedMotion(here), 0)

    def run(self, plan: ReplayPlan, tell: Callable[[str], None]) -> Report:
        """Take the arm to the first command, and drive the episode."""
        tell('going to the first command')
        error = TrackingError(plan.trajectory.joint_names)
        self._forbidden = ''
        why = self._motion.go_to(self._output.begin(), plan.first)
        if why:
            self._rest()
            return Report(why, plan.trajectory.times_s[-1], 0.0, {}, error)
        epoch = self._output.begin()
        command = self._output.command_at(self._node.get_clock().now().nanoseconds)
        final = plan_replay(plan.chunk, self.guard, None if command is None else command.position)
        tell(f'driving for {final.trajectory.times_s[-1]:.1f} s')
        begin_s = self._moved_s = time.monotonic()
        self._error = error
        why = self._motion.drive(epoch, lambda *now: _begun(final, *now), self._is_over)
        took_s = time.monotonic() - begin_s
        self._error = None
        results = {} if why else self._actions.results()  # else they are those of the brake
        missing = set(self._silent()) if not why else set()
        if missing:
            why = f'no result came from {sorted(missing)}'
        self._rest()
        return Report(why, float(final.trajectory.times_s[-1]), took_s, results, error)

    def _here(self) -> Array:
        state = self._inputs.robot_state
        if state is None:
            raise ObservationError(f'no joint states on {self._settings.joint_states_topic!r}')
        return state.positions

    def _until_ready(self) -> None:
        end_s = time.monotonic() + self._settings.startup_timeout
        while True:
            verdict = self._safety.check()
            why = verdict.reason if verdict is not None else self._actions.why_deaf()
            why = why or self._other.why_not_begin()
            if self._inputs.robot_state is None:
                complaint = self._inputs.complaint
                why = f'no joint states on {self._settings.joint_states_topic!r}'
                why += f': {complaint.reason}' if complaint else ''
            if not why:
                return
            if self._stop.wait(POLL_S):
                raise ConfigError(INTERRUPTED)
            if time.monotonic() > end_s:
                raise ConfigError(why)

    def _why_stop(self) -> str:
        return INTERRUPTED if self._stop.is_set() else self._forbidden or self._other.why_not()

    def _forbid(self, verdict: Verdict) -> bool:
        if verdict.fault is not Fault.SPEED_SCALING:  # which lasts, and is braked in its own way
            self._forbidden = verdict.reason
        return True

    def _silent(self) -> list[str]:
        names = [group.controller for group in self._contract.actions]
        return [name for name in names if name not in self._actions.results()]

    def _is_over(self, now_ns: int, end_ns: int) -> bool:
        """Whether all have told how it ended; a robot that was slowed down needs longer."""
        waited_s = min((now_ns - end_ns) * 1e-9, time.monotonic() - self._moved_s)
        return not self._silent() or waited_s > ANSWER_S

    def _rest(self) -> None:
        """Let a brake end before who watches it leaves."""
        end_s = time.monotonic() + ANSWER_S
        while self._output.is_moving(self._node.get_clock().now().nanoseconds):
            if time.monotonic() > end_s:  # as where the robot is paused
                return
            time.sleep(POLL_S)

    def _hear(self, feedback: Any) -> None:
        error = self._error
        if error is None:
            return
        if np.abs(feedback.desired.velocities or [0.0]).max() > STILL:
            self._moved_s = time.monotonic()
        try:
            error.add(feedback.joint_names, feedback.desired.positions, feedback.actual.positions)
        except ObservationError as complaint:
            self._node.get_logger().warning(str(complaint), throttle_duration_sec=1.0)


def result_words(report: Report) -> dict[str, str]:
    """What each controller said, in words."""
    return {name: error_words(*result) for name, result in report.results.items()}


def _begun(plan: ReplayPlan, motion: CommandedMotion, now_ns: int) -> Trajectory:
    state = motion.at(now_ns)
    moved = np.abs(state.position - plan.trajectory.start_position).max()
    if moved > MOVED_RAD or np.abs(state.velocity).max() > STILL:
        raise TrajectoryError(
            f'the arm has moved {moved:.4f} rad from where the motion was to begin; does '
            'something else move it?'
        )
    return begun_at(plan, now_ns)
