# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the scene says about itself: joint states, poses, clock, description, coverage."""

from __future__ import annotations

from array import array

from dp_msgs.msg import SceneStatus
from dp_sim import faults
from dp_sim.convert import to_time
from dp_sim.scene import SUCCESS_COVERAGE
from dp_sim.scene_state import SceneScore
from dp_sim.scene_state import SceneState
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool
from std_msgs.msg import Float64
from std_msgs.msg import String

FRAME = 'world'
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class ScenePublisher:
    """Publishes states and scores of the scene; called by the physics thread only."""

    def __init__(
        self, node: Node, joints: tuple[str, ...], description: str, *, tells_joints: bool = True
    ) -> None:
        """Create the publishers and latch the robot description.

        Args:
            node: owner of the publishers.
            joints: names, in the order of the states.
            description: URDF.
            tells_joints: publish joint states; otherwise somebody else does.
        """
        self.fault = ''
        self._joints = joints
        sensor = qos_profile_sensor_data
        self._joint_states = (
            node.create_publisher(JointState, '/joint_states', 10) if tells_joints else None
        )
        self._tool = node.create_publisher(PoseStamped, '/tool_pose', sensor)
        self._block = node.create_publisher(PoseStamped, '/block_pose', sensor)
        self._clock = node.create_publisher(Clock, '/clock', 10)
        self._coverage = node.create_publisher(Float64, '/coverage', 10)
        self._success = node.create_publisher(Bool, '/success', 10)
        self._status = node.create_publisher(SceneStatus, '/scene_status', 10)
        self._description = node.create_publisher(String, '/robot_description', LATCHED)
        self._description.publish(String(data=description))

    @property
    def has_clock_listeners(self) -> bool:
        """Whether somebody listens to `/clock`."""
        return self._clock.get_subscription_count() > 0

    def publish_state(self, state: SceneState) -> None:
        """Publish joint states, poses and clock of one tick."""
        fault = self.fault
        self._clock.publish(Clock(clock=to_time(faults.clock(fault, state.stamp_ns))))
        if self._joint_states is not None:
            self._publish_joints(self._joint_states, state)
        tool = faults.PoseSample(
            state.stamp_ns, state.told.tool_position, state.told.tool_orientation
        )
        self._tool.publish(_pose(faults.tool_pose(fault, tool)))
        sample = faults.PoseSample(state.stamp_ns, state.block_position, state.block_orientation)
        block = faults.block_pose(fault, sample)
        if block is not None:
            self._block.publish(_pose(block))

    def _publish_joints(self, publisher: Publisher, state: SceneState) -> None:
        sample = faults.JointSample(
            state.stamp_ns, self._joints, state.told.positions, state.told.velocities
        )
        joints = faults.joint_states(self.fault, sample)
        if joints is not None:
            message = JointState(name=list(joints.names))
            message.header.stamp = to_time(joints.stamp_ns)
            message.position = array('d', joints.positions.tobytes())
            message.velocity = array('d', joints.velocities.tobytes())
            publisher.publish(message)

    def publish_score(self, score: SceneScore) -> None:
        """Publish coverage, success and the counters."""
        self._coverage.publish(Float64(data=score.coverage))
        self._success.publish(Bool(data=score.coverage >= SUCCESS_COVERAGE))
        message = SceneStatus(
            seed=score.seed,
            coverage=score.coverage,
            max_coverage=score.max_coverage,
            score=min(max(score.max_coverage / SUCCESS_COVERAGE, 0.0), 1.0),
            late_ticks=score.late_ticks,
            rejected_messages=score.rejected,
            accepted_messages=score.accepted,
            realtime_factor=score.realtime_factor,
            goal_active=score.goal_active,
            block_x=float(score.block_pose[0]),
            block_y=float(score.block_pose[1]),
            block_yaw=float(score.block_pose[2]),
        )
        message.header.frame_id = FRAME
        message.header.stamp = to_time(score.stamp_ns)
        self._status.publish(message)


def _pose(sample: faults.PoseSample) -> PoseStamped:
    message = PoseStamped()
    message.header.frame_id = FRAME
    message.header.stamp = to_time(sample.stamp_ns)
    position, orientation = message.pose.position, message.pose.orientation
    position.x, position.y, position.z = sample.position.tolist()
    orientation.x, orientation.y, orientation.z, orientation.w = sample.orientation.tolist()
    return message
