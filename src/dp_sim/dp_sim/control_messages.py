# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What joint_trajectory_controller says and serves in control_msgs, where these are installed.

`~/controller_state`, and the action `~/follow_joint_trajectory`. As in the real one, a message on
the topic during a goal replaces the motion, and the goal may succeed by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import importlib
from types import SimpleNamespace
from typing import Any

from builtin_interfaces.msg import Duration
from dp_sim.convert import from_ros
from dp_sim.convert import to_time
from dp_sim.follow_goal import CANCELED
from dp_sim.follow_goal import DEACTIVATED
from dp_sim.follow_goal import FollowedGoal
from dp_sim.follow_goal import Outcome
from dp_sim.follow_goal import PREEMPTED
from dp_sim.follow_goal import SUCCESSFUL
from dp_sim.scene_state import SceneState
from dp_sim.tolerances import Tolerances
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
from rclpy.action import ActionServer
from rclpy.action import CancelResponse
from rclpy.action import GoalResponse
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.task import Future

MONITOR_PERIOD_S = 0.05  # action_monitor_rate: 20 Hz
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def load() -> SimpleNamespace | None:
    """Return the types `state` and `follow`, None where control_msgs is not installed."""
    try:
        messages = importlib.import_module('control_msgs.msg')
        actions = importlib.import_module('control_msgs.action')
    except ImportError:
        return None
    return SimpleNamespace(
        state=messages.JointTrajectoryControllerState, follow=actions.FollowJointTrajectory
    )


def fill_state(message: Any, state: SceneState, scaling: float) -> None:
    """Fill a control_msgs/JointTrajectoryControllerState; its joint names are there already."""
    message.header.stamp = to_time(state.stamp_ns)
    message.speed_scaling_factor = scaling
    _fill_points(message.reference, message.feedback, message.error, state)
    message.output.positions = state.command[0].tolist()


def _fill_points(desired: Any, actual: Any, error: Any, state: SceneState) -> None:
    position, velocity, acceleration = state.reference
    seconds, rest_ns = divmod(state.reference_time_ns, 1_000_000_000)
    desired.time_from_start = Duration(sec=seconds, nanosec=rest_ns)
    desired.positions = position.tolist()
    desired.velocities = velocity.tolist()
    desired.accelerations = acceleration.tolist()
    actual.positions = state.told.positions.tolist()
    actual.velocities = state.told.velocities.tolist()
    error.positions = (position - state.told.positions).tolist()
    error.velocities = (velocity - state.told.velocities).tolist()


class ControlMessages:
    """The state and the action of a controller. `tell` and `rest` come from the physics thread."""

    def __init__(
        self,
        node: Node,
        types: SimpleNamespace,
        joints: tuple[str, ...],
        tolerances: Tolerances,
        receive: Callable[[TrajectoryMessage], bool],
    ) -> None:
        """Create publisher and server.

        Args:
            node: their owner.
            types: as `load` returns them.
            joints: of the controller.
            tolerances: of its parameters.
            receive: hands over a trajectory; returns whether it was accepted.
        """
        self._node = node
        self._types = types
        self._joints = joints
        self._tolerances = tolerances
        self._receive = receive
        self._message = types.state(joint_names=list(joints))
        self._publisher = node.create_publisher(types.state, '~/controller_state', LATCHED)
        self._newest: SceneState | None = None  # None while inactive
        self._next: FollowedGoal | None = None  # that was accepted just now
        self._goal: tuple[Any, FollowedGoal, Future] | None = None
        self._server = ActionServer(
            node,
            types.follow,
            '~/follow_joint_trajectory',
            self._execute,
            goal_callback=self._on_goal,
            cancel_callback=self._on_cancel,
        )
        node.create_timer(MONITOR_PERIOD_S, self._monitor)

    def tell(self, state: SceneState, scaling: float) -> None:
        """Publish a tick of the active controller."""
        self._newest = state
        if self._publisher.get_subscription_count():
            fill_state(self._message, state, scaling)
            self._publisher.publish(self._message)

    def rest(self) -> None:
        """Note that the controller is inactive."""
        self._newest = None

    def close(self) -> None:
        """Remove the server."""
        self._server.destroy()

    def _on_goal(self, goal: Any) -> GoalResponse:
        log = self._node.get_logger()
        if self._newest is None:
            log.error("Can't accept new action goals. Controller is not running.")
            return GoalResponse.REJECT
        tolerances, complaint = self._tolerances.of_goal(goal, self._joints)
        followed = FollowedGoal(tolerances)
        if not self._receive(replace(from_ros(goal.trajectory), goal=followed)):
            return GoalResponse.REJECT
        if complaint:
            log.error(complaint)
        self._end(PREEMPTED)
        self._next = followed
        return GoalResponse.ACCEPT

    def _on_cancel(self, _: Any) -> CancelResponse:
        self._hold()
        self._end(CANCELED)
        return CancelResponse.ACCEPT

    async def _execute(self, handle: Any) -> Any:
        ended: Future = Future(executor=self._node.executor)
        self._goal = handle, self._next, ended
        outcome = await ended
        if outcome.is_cancel:
            handle.canceled()
        elif outcome.code == SUCCESSFUL:
            handle.succeed()
        else:
            handle.abort()
        return self._types.follow.Result(error_code=outcome.code, error_string=outcome.text)

    def _monitor(self) -> None:
        goal, newest = self._goal, self._newest
        if goal is None:
            return
        if newest is None:
            self._end(DEACTIVATED)
            return
        state = newest
        handle, followed, _ = goal
        feedback = self._types.follow.Feedback(joint_names=list(self._joints))
        feedback.header.stamp = to_time(state.stamp_ns)
        _fill_points(feedback.desired, feedback.actual, feedback.error, state)
        handle.publish_feedback(feedback)
        if followed.outcome is not None:
            self._end(followed.outcome)

    def _end(self, outcome: Outcome) -> None:
        goal, self._goal = self._goal, None
        if goal is not None:
            goal[2].set_result(outcome)

    def _hold(self) -> None:
        """Hold the arm where it is, as the real one does: a step back by the lag of the arm."""
        if self._newest is not None:
            positions = self._newest.told.positions.tolist()
            point = TrajectoryPoint(0, positions, [0.0] * len(positions))
            self._receive(TrajectoryMessage(self._joints, (point,), is_hold=True))
