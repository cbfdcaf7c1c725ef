# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A fake arm whose controller speaks control_msgs: it tells its state and serves its action."""

import time

from control_msgs.action import FollowJointTrajectory
from control_msgs.msg import JointTrajectoryControllerState
from fake_arm import FakeArm
from rclpy.action import ActionServer
from rclpy.action import GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from three_joints import JOINTS


class TalkingArm(FakeArm):
    """Follows like a FakeArm.

    Attributes:
        sag: the measured arm hangs so far below its reference [rad].
        mute: tell no state, as an inactive controller.
        refuses: every goal of the action.
    """

    executor_type = MultiThreadedExecutor

    def __init__(self, context):
        self.sag, self.mute, self.refuses = 0.0, False, False
        self.goals = 0
        super().__init__(context)
        self._told = self.create_publisher(JointTrajectoryControllerState, '~/controller_state', 1)
        self.create_timer(0.005, self._tell)
        self._action = ActionServer(
            self, FollowJointTrajectory, '~/follow_joint_trajectory', self._follow,
            goal_callback=lambda _: GoalResponse.REJECT if self.refuses else GoalResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )  # fmt: skip

    def _tell(self):
        if self.mute:
            return
        position, velocity = self.state()
        message = JointTrajectoryControllerState(joint_names=list(JOINTS))
        message.header.stamp = self.get_clock().now().to_msg()
        message.reference.positions = position.tolist()
        message.reference.velocities = velocity.tolist()
        message.feedback.positions = (position - self.sag).tolist()
        message.speed_scaling_factor = 1.0
        self._told.publish(message)

    def _progress(self):
        position, velocity = self.state()
        feedback = FollowJointTrajectory.Feedback(joint_names=list(JOINTS))
        feedback.desired.positions = position.tolist()
        feedback.desired.velocities = velocity.tolist()
        feedback.actual.positions = (position - self.sag).tolist()
        return feedback

    def _follow(self, handle):
        self.goals += 1
        number = self.goals
        trajectory = handle.request.trajectory
        self._receive(trajectory)
        end = trajectory.points[-1].time_from_start
        end_s = time.monotonic() + end.sec + end.nanosec * 1e-9
        result = FollowJointTrajectory.Result()
        while time.monotonic() < end_s:
            if number != self.goals:
                handle.abort()
                result.error_code = result.INVALID_GOAL
                return result
            handle.publish_feedback(self._progress())
            time.sleep(0.05)
        handle.succeed()
        return result
