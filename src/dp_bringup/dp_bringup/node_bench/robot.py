# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A robot for `node_bench`: drives that follow exactly, and dp_sim's stand-in for the controller.

`python -m dp_bringup.node_bench.robot FILE --ros-args --params-file controllers.yaml` ticks at
500 Hz, publishes joint states in each tick and the tool's pose in every fourth, and, when it is
asked to end, writes what it published, when trajectories arrived and how many ticks were late.
"""

from __future__ import annotations

from array import array
from pathlib import Path
import signal
import sys
import threading
import time

from action_msgs.msg import GoalStatus
from action_msgs.msg import GoalStatusArray
from dp_core.kinematics import KinematicChain
from dp_sim.assets import URDF_PATH
from dp_sim.controller_node import ControllerNode
from dp_sim.convert import to_time
from dp_sim.goal_watch import GoalWatch
from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.pacing import Pacer
from dp_sim.simulation import HOME
from dp_sim.simulation import JOINTS
from dp_sim.trajectory_rules import Judgement
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import Verdict
from geometry_msgs.msg import PoseStamped
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import qos_profile_action_status_default
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState
from std_msgs.msg import String

JOINT_HZ = 500.0
POSE_EVERY = 4  # ticks: the tool's pose comes at 125 Hz, as from dp_sim
JOINT_TOPIC, POSE_TOPIC = '/joint_states', '/tool_pose'


class Robot(Node):
    """Publishes what is measured and ticks the controller."""

    def __init__(self, controller_node: ControllerNode) -> None:
        """Rest at the scene's start pose; `tick` moves."""
        super().__init__('synthetic_robot')
        urdf = URDF_PATH.read_text(encoding='utf-8')
        self._chain = KinematicChain.from_urdf(urdf, 'world', 'pusher_tip', JOINTS)
        self.controller = JointTrajectoryController(controller_node.controller_parameters)
        self.controller.activate(time.time_ns(), np.array(HOME))
        self.goals = GoalWatch()
        self.stamps_ns: dict[str, list[int]] = {JOINT_TOPIC: [], POSE_TOPIC: []}
        self.arrivals_ns: list[int] = []
        self._last_ns = time.time_ns()
        self._executing: frozenset[bytes] = frozenset()
        self._joints = self.create_publisher(JointState, JOINT_TOPIC, 10)
        self._pose = self.create_publisher(PoseStamped, POSE_TOPIC, qos_profile_sensor_data)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._description = self.create_publisher(String, '/robot_description', latched)
        self._description.publish(String(data=urdf))
        self.create_subscription(
            GoalStatusArray,
            '/execute_policy/_action/status',
            self._on_goals,
            qos_profile_action_status_default,
        )
        controller_node.connect(self._receive)

    def tick(self, number: int) -> None:
        """Follow the trajectory for one period and publish."""
        now_ns = time.time_ns()
        period_ns, self._last_ns = now_ns - self._last_ns, now_ns
        held = self.controller.command[:2]
        self.controller.update(now_ns, period_ns, held[0], held[1])
        self.goals.follow(self._executing, self.controller.accepted)
        self.goals.tick(self.controller.ran_out, self.controller.accepted)
        position, velocity, _ = self.controller.reference
        joints = JointState(name=list(JOINTS))
        joints.header.stamp = to_time(now_ns)
        joints.position = array('d', position.tobytes())
        joints.velocity = array('d', velocity.tobytes())
        self._joints.publish(joints)
        self.stamps_ns[JOINT_TOPIC].append(now_ns)
        if number % POSE_EVERY == 0:
            self._publish_pose(now_ns, position)

    def _publish_pose(self, now_ns: int, position: np.ndarray) -> None:
        pose = PoseStamped()  # of x and y alone: the contract asks for no more
        pose.header.frame_id = 'world'
        pose.header.stamp = to_time(now_ns)
        point = pose.pose.position
        point.x, point.y, point.z = self._chain.forward(position)[:3, 3].tolist()
        self._pose.publish(pose)
        self.stamps_ns[POSE_TOPIC].append(now_ns)

    def _receive(self, message: TrajectoryMessage) -> Judgement:
        now_ns = time.time_ns()
        judgement = self.controller.receive(message, now_ns)
        if judgement.verdict is Verdict.ACCEPTED:
            self.arrivals_ns.append(now_ns)
        return judgement

    def _on_goals(self, message: GoalStatusArray) -> None:
        self._executing = frozenset(
            bytes(goal.goal_info.goal_id.uuid)
            for goal in message.status_list
            if goal.status == GoalStatus.STATUS_EXECUTING
        )


def main(file: Path) -> None:
    """Tick until SIGINT or SIGTERM, then write."""
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    sys.setswitchinterval(0.001)  # [s]; the ticks shall not wait long for the executor
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    controller_node = ControllerNode()
    robot = Robot(controller_node)
    executor = SingleThreadedExecutor()
    executor.add_node(controller_node)
    executor.add_node(robot)
    spinner = threading.Thread(target=executor.spin, daemon=True)
    spinner.start()
    pacer = Pacer(1.0 / JOINT_HZ)
    count = 0
    while not done.is_set():
        pacer.wait()
        robot.tick(count)
        count += 1
    counters = (robot.goals.late_ticks, robot.controller.accepted, robot.controller.rejected)
    stamps = {name: np.array(values) for name, values in robot.stamps_ns.items()}
    np.savez(file, arrivals=robot.arrivals_ns, counters=counters, **stamps)
    executor.shutdown(timeout_sec=1.0)
    spinner.join(timeout=1.0)
    rclpy.try_shutdown()


if __name__ == '__main__':
    main(Path(sys.argv[1]))
