# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Node teleoperation: hears targets of the tool, and sends the arm there as a person's hand would.

`/tool_target` (geometry_msgs/PoseStamped) is what a person, a script or a joystick commands: x, y
of the tool in `world`, to be reached 0.1 s after the stamp. It is the topic to record, and what
`dp_data_tools convert --action-topic /tool_target` takes.
"""

from __future__ import annotations

import math
import sys

from dp_core.decode import stamp_ns
from dp_core.errors import DpError
from dp_core.kinematics import KinematicChain
from dp_sim.assets import URDF_PATH
from dp_sim.demonstration import Disturbance
from dp_sim.parameters import declare
from dp_sim.scene_publisher import FRAME
from dp_sim.simulation import JOINTS
from dp_sim.spinning import run
from dp_sim.teleoperation_parameters import TELEOPERATION
from dp_sim.tool_follower import Knot
from dp_sim.tool_follower import STEP_S
from dp_sim.tool_follower import ToolFollower
from geometry_msgs.msg import PoseStamped
import numpy as np
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory
from trajectory_msgs.msg import JointTrajectoryPoint

TARGET_TOPIC = '/tool_target'
COMMAND_TOPIC = '/joint_trajectory_controller/joint_trajectory'
SILENCE_S = 0.5  # after so much the arm is taken to rest where it is measured
LATE_S = 0.3  # an older target is refused
ASTRAY_M = 0.05  # farther from where it was sent, somebody else has moved the arm
COMPLAIN_S = 2.0


class TeleoperationNode(Node):
    """Targets in, trajectories out."""

    def __init__(self) -> None:
        """Listen."""
        super().__init__('teleoperation')
        values = declare(self, TELEOPERATION)
        rng = np.random.default_rng(values['seed'])
        self._disturb = Disturbance(rng, values['disturbance'])
        self._chain = KinematicChain.from_urdf(
            URDF_PATH.read_text(encoding='utf-8'), FRAME, 'pusher_tip', JOINTS
        )
        self._follower = ToolFollower(self._chain)
        self._heard_ns = 0
        self._measured: np.ndarray | None = None
        self._commands = self.create_publisher(JointTrajectory, COMMAND_TOPIC, 1)
        self.create_subscription(JointState, '/joint_states', self._on_joints, 1)
        self.create_subscription(PoseStamped, TARGET_TOPIC, self._on_target, 1)

    def _on_joints(self, message: JointState) -> None:
        place = dict(zip(message.name, message.position))
        if set(JOINTS) <= set(place):
            self._measured = np.array([place[name] for name in JOINTS])

    def _on_target(self, message: PoseStamped) -> None:
        now_ns = self.get_clock().now().nanoseconds
        age_s = (now_ns - stamp_ns(message)) * 1e-9
        target = np.array([message.pose.position.x, message.pose.position.y])
        why_not = self._why_not(message.header.frame_id, target, age_s)
        if not why_not:
            try:
                self._send(self._disturb(target), age_s, now_ns)
            except DpError as error:
                why_not = str(error)
        if why_not:
            self.get_logger().warning(
                f'target not followed: {why_not}', throttle_duration_sec=COMPLAIN_S
            )

    def _why_not(self, frame: str, target: np.ndarray, age_s: float) -> str:
        if frame != FRAME:
            return f'frame_id is {frame!r}, valid: {FRAME!r}'
        if not all(map(math.isfinite, target)):
            return f'it is {target.tolist()}'
        if abs(age_s) > LATE_S:
            return f'its stamp is {age_s:.3f} s old, valid: at most {LATE_S} s from now'
        return '' if self._measured is not None else 'no joint states yet'

    def _send(self, target: np.ndarray, age_s: float, now_ns: int) -> None:
        measured = self._measured
        silence_s, self._heard_ns = (now_ns - self._heard_ns) * 1e-9, now_ns
        tool = self._chain.forward(measured)[:2, 3]
        if silence_s > SILENCE_S or np.linalg.norm(tool - self._follower.target) > ASTRAY_M:
            self._follower.begin(measured)
        knots = self._follower.follow(target, STEP_S - age_s)
        points = [_point(knot) for knot in knots]
        self._commands.publish(JointTrajectory(joint_names=list(JOINTS), points=points))


def _point(knot: Knot) -> JointTrajectoryPoint:
    return JointTrajectoryPoint(
        positions=knot.positions.tolist(),
        velocities=knot.velocities.tolist(),
        time_from_start=Duration(seconds=knot.time_s).to_msg(),
    )


def main(args: list[str] | None = None) -> int:
    """Follow targets until Ctrl-C."""
    return run(TeleoperationNode, args)


if __name__ == '__main__':
    sys.exit(main())
