# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The action `/execute_policy`: who may start, what is told meanwhile, how it ends.

Whatever ends an episode, the order is the same: brake from the commanded state, then tell. Only a
goal that is replaced by a newer one hands its motion over without a brake.
"""

from __future__ import annotations

from collections.abc import Callable
import threading
import time

from dp_core.errors import ConfigError
from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict
from dp_msgs.action import ExecutePolicy
from dp_policy_node.episode import Code
from dp_policy_node.episode import CODES
from dp_policy_node.episode import Ending
from dp_policy_node.episode import Episode
from dp_policy_node.episode_run import EpisodeRun
from dp_policy_node.goal import GoalPlan
from dp_policy_node.goal import plan_goal
from dp_policy_node.inference_worker import Run
from dp_policy_node.inference_worker import SentChunk
from dp_policy_node.parameters import read
from dp_policy_node.readiness import why_forbidden
from dp_policy_node.readiness import why_refused
from dp_policy_node.robot import Robot
from dp_policy_node.safety_inputs import SafetyInputs
from dp_policy_node.stop_latch import StopLatch
from dp_policy_node.supervisor import Supervisor
from dp_policy_node.trajectory_output import TrajectoryOutput
from rclpy.action import ActionServer
from rclpy.action import CancelResponse
from rclpy.action import GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

ACTION = 'execute_policy'


class EpisodeServer:
    """Accepts one goal at a time and sees it through to its end."""

    def __init__(
        self,
        node: Node,
        on_chunk: Callable[[Episode, SentChunk], None],
        on_change: Callable[[], None],
    ):
        """Open the action server; goals are refused until `activate`.

        Args:
            node: owner of clock, parameters and log.
            on_chunk: called after each chunk that was sent.
            on_change: called when a goal was refused or an episode began or ended.
        """
        self._node = node
        self._on_chunk = on_chunk
        self._on_change = on_change
        self._lock = threading.Lock()
        self._robot: Robot | None = None  # while goals are accepted
        self._output: TrajectoryOutput | None = None  # a stop is for an arm that drives on, too
        self.safety: SafetyInputs | None = None  # refuses, in every state: a reset, too
        self._planned: GoalPlan | None = None
        self._episode: Episode | None = None
        self._stop = StopLatch()
        self.errand = ''  # what moves the arm instead of a goal
        self._errand_epoch, self._errand_braked = 0, ''  # its run, and the signal that ended it
        self.refusal = ('', 0.0)  # why the last goal was refused, and when [s, steady]
        self.last_ending: Ending | None = None
        self.policy_name = ''
        self._server = ActionServer(
            node,
            ExecutePolicy,
            ACTION,
            _not_used,
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=self._on_cancel,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )

    @property
    def episode(self) -> Episode | None:
        """The episode that runs."""
        return self._episode

    @property
    def stopped(self) -> str:
        """Why goals are refused until `reset`; '' when no stop holds."""
        return self._stop.reason

    def activate(self, robot: Robot) -> None:
        """Accept goals for ``robot``."""
        self._robot, self._output = robot, robot.output

    def deactivate(self, reason: str) -> None:
        """Refuse goals, brake, and end the running goal; returns when it has ended."""
        with self._lock:
            robot, self._robot = self._robot, None
            if robot is not None:
                self._brake()
        self.end_episode(Code.DEACTIVATED, reason, wait_s=1.0)

    def stop(self, code: int, reason: str) -> None:
        """Brake now, refuse goals until `reset`, and let the running goal end."""
        with self._lock:
            is_new = self._stop.take(code, reason)
            now_ns, output = self._node.get_clock().now().nanoseconds, self._output
            # Whoever stops once more may see an arm that has not heard the first brake.
            if is_new or (output is not None and not output.is_moving(now_ns)):
                self._brake()
            ends = self._episode is not None
        self.end_episode(code, reason)
        if is_new and not ends:  # else the end of the goal tells it, and the caller need not wait
            self._on_change()

    def _brake(self, epoch: int | None = None) -> None:
        if self._output is not None:
            self._output.brake(read(self._node).max_acceleration, epoch)

    def reset(self) -> str:
        """Accept goals again after a stop; returns why that cannot be, or ''."""
        with self._lock:  # an emergency stop comes before or after this, not within
            verdict = self.safety.check() if self.safety else None
            if verdict is not None and verdict.fault is Fault.EMERGENCY_STOP:
                return verdict.reason
            stopped = self._stop.reset()
        if stopped:
            self._node.get_logger().info(f'reset: goals can run again ({stopped})')
        self._on_change()
        return ''

    def interrupt(self, verdict: Verdict) -> bool:
        """End whatever moves the arm, by a signal that forbids it; returns whether a goal runs."""
        code, episode = CODES[verdict.fault], self._episode
        if verdict.fault is Fault.EMERGENCY_STOP:
            self.stop(code, verdict.reason)
        else:
            self.end_episode(code, verdict.reason)
            if verdict.fault is not Fault.SPEED_SCALING:  # it lasts: who watches brakes it
                self._brake_errand(verdict.reason)
        return episode is not None

    def _brake_errand(self, reason: str) -> None:
        """End an errand at once: who runs it looks now and then, and a signal may be short."""
        with self._lock:
            if self.errand and self._robot is not None and not self._errand_braked:
                self._errand_braked = reason
                self._brake(self._errand_epoch)

    def reserve(self, errand: str) -> tuple[str, Robot | None, int]:
        """Keep goals away while something else moves the arm.

        A stop comes before this, or after it and ends the run that begins here.

        Returns:
            why not, or ''; the robot, None if not; and the epoch of the run.
        """
        with self._lock:
            why = 'a goal runs' if self._episode is not None else self.why_not_ready()
            robot = self._robot
            if why or robot is None:
                return why or 'the node is not active', None, 0
            self._errand_epoch, self._errand_braked = robot.output.begin(), ''
            self.errand = errand
        self._on_change()
        return '', robot, self._errand_epoch

    def release(self) -> str:
        """Accept goals again after `reserve`; returns the signal that ended the errand, or ''."""
        verdict = self.safety.check() if self.safety else None
        if verdict is not None and verdict.fault is Fault.EMERGENCY_STOP:  # a silent one too
            self._stop.take(CODES[verdict.fault], verdict.reason)
        self.errand = ''
        self._on_change()
        return self._errand_braked

    def end_episode(self, code: int, reason: str, wait_s: float = 0.0) -> None:
        """End the running goal, if there is one, and wait at most ``wait_s`` [s] for it."""
        episode = self._episode
        if episode is not None:
            episode.end(code, reason)
            if wait_s:
                episode.finished.wait(wait_s)

    def free(self) -> None:
        """Forget the arm: its outputs are closed now."""
        with self._lock:
            self._output = None

    def close(self) -> None:
        """Take the action away."""
        self._server.destroy()

    def why_not_ready(self, policy_name: str = '') -> str:
        """Return why a goal for this policy ('' for the default) would be refused; '' if not."""
        robot = self._robot
        if robot is None:
            return 'the node is not active; configure and activate it'
        settings, episode = read(self._node), self._episode
        if why := why_forbidden(self.stopped, self.safety, settings.preempt, episode):
            return why
        return self.errand or why_refused(
            robot,
            robot.inputs[policy_name or next(iter(robot.policies))],
            self._node.get_clock().now().nanoseconds,
            settings.stall_timeout,
            replaces=episode is not None,
        )

    def _on_goal(self, request: ExecutePolicy.Goal) -> GoalResponse:
        robot = self._robot
        try:
            if robot is not None:
                self._planned = plan_goal(request, robot.policies, read(self._node))
            reason = self.why_not_ready(request.policy)
        except ConfigError as error:
            reason = str(error)
        if reason:
            self.refusal = (reason, time.monotonic())
            self._node.get_logger().warning(f'goal refused: {reason}')
            self._on_change()
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _on_accepted(self, handle: ServerGoalHandle) -> None:
        """Begin the episode, at once and in order: the next goal may ask to replace it."""
        now_ns = self._node.get_clock().now().nanoseconds
        episode = Episode(self._planned, now_ns, bytes(handle.goal_id.uuid))
        with self._lock:  # a stop or a deactivation comes before or after this, not within
            old, self._episode = self._episode, episode
            supervisor = self._begin(episode, replaces=old is not None)
        if old is not None:
            old.end(Code.PREEMPTED, 'a newer goal took over')
        run = EpisodeRun(self._node, episode, supervisor, self._on_end, self._on_change)
        self._on_change()  # here an error ends the node; in the goal's thread nobody would brake
        handle.execute(run.execute)

    def _begin(self, episode: Episode, *, replaces: bool) -> Supervisor | None:
        plan, robot = episode.plan, self._robot
        held = self._stop.ending
        stop = held or Ending(Code.DEACTIVATED, 'the node was deactivated')
        if robot is None or held is not None:
            episode.end(stop.code, f'{stop.reason} as the goal began')
            return None
        if self.errand:
            episode.end(Code.PREEMPTED, f'{self.errand}; that came before the goal')
            return None
        inputs = robot.inputs[plan.policy.name]
        self.policy_name = plan.policy.name
        if replaces:  # the arm moves on: what was seen meanwhile is as good
            inputs.excuse()
        else:
            inputs.clear()
        episode.epoch = robot.output.begin()
        robot.worker.start(
            Run(
                plan.policy,
                inputs,
                plan.trajectory,
                plan.speed_scale,
                episode.epoch,
                on_chunk=lambda sent: self._record(episode, sent),
                on_fault=episode.end,
            )
        )
        self._node.get_logger().info(
            f'goal accepted: policy {plan.policy.name!r}, task {plan.task!r}, '
            f'{plan.timeout_s:g} s, speed {plan.speed_scale:g}, seam {plan.trajectory.seam}'
        )
        return Supervisor(episode, inputs, robot, self.safety)

    def _record(self, episode: Episode, sent: SentChunk) -> None:
        episode.record(sent)
        self._on_chunk(episode, sent)

    def _on_cancel(self, handle: ServerGoalHandle) -> CancelResponse:
        episode = self._episode
        if episode is not None and episode.goal_id == bytes(handle.goal_id.uuid):
            episode.end(Code.CANCELED, 'cancelled by a client')
        return CancelResponse.ACCEPT

    def _on_end(self, episode: Episode, ending: Ending) -> None:
        with self._lock:
            if self._episode is episode:
                self._episode = None
            if ending.code == Code.EMERGENCY_STOP:  # a silent one too
                self._stop.take(ending.code, ending.reason)
            self.last_ending = ending


def _not_used(handle: ServerGoalHandle) -> ExecutePolicy.Result:
    """Stand for the execute callback that each goal brings itself."""
    raise NotImplementedError(f'goal {handle.goal_id} has no episode')
