# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Records a joint_trajectory_controller over ROS; the only module that needs control_msgs."""

from __future__ import annotations

import threading
from typing import Any

from action_msgs.msg import GoalStatus
from action_msgs.msg import GoalStatusArray
from control_msgs.msg import JointTrajectoryControllerState
from dp_policy_node.convert import duration_ns
import numpy as np
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_action_status_default
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from trajectory_msgs.msg import JointTrajectory

# A second of states may wait while Python is busy elsewhere.
STATES_QOS = QoSProfile(depth=500)


class ControllerRecorder:
    """Hears states, trajectories and goals in a thread of its own, from `start` to `close`."""

    def __init__(self, controller: str = '/joint_trajectory_controller') -> None:
        """Create the subscriptions."""
        self._node = Node('controller_recorder')
        self._states: list[bytes] = []
        self._sent: list[tuple[int, JointTrajectory]] = []
        self._goals: list[tuple[int, int]] = []
        self._begun_ns = 0
        subscribe = self._node.create_subscription
        subscribe(
            JointTrajectoryControllerState,
            f'{controller}/controller_state',
            self._states.append,
            STATES_QOS,
            raw=True,
        )
        subscribe(JointTrajectory, f'{controller}/joint_trajectory', self._on_trajectory, 100)
        subscribe(
            GoalStatusArray,
            '/execute_policy/_action/status',
            self._on_goals,
            qos_profile_action_status_default,
        )
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, name='controller_recorder')
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to record."""
        self._thread.start()

    def close(self) -> None:
        """End recording and leave the graph."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._executor.shutdown()
        self._node.destroy_node()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was recorded: T ticks, M messages with P points in all, J joints.

        `stamps_ns`, `starts_ns` (T,), `positions`, `velocities` (T, J): the reference by ticks;
        `sent_ns`, `header_ns`, `points` (M,): when a message was sent, its stamp, its number of
        points; `times_ns` (P,), `point_positions`, `point_velocities` (P, J): these points;
        `goals_ns` (G, 2): begin and end of each goal; `joint_names` (J,).
        """
        rows: dict[int, tuple[int, Any, Any]] = {}
        for raw in self._states:
            state = deserialize_message(raw, JointTrajectoryControllerState)
            stamp_ns, reference = duration_ns(state.header.stamp), state.reference
            start_ns = stamp_ns - duration_ns(reference.time_from_start)
            rows[stamp_ns] = (start_ns, reference.positions, reference.velocities)
        sent = sorted(self._sent, key=lambda row: row[0])
        points = [point for _, message in sent for point in message.points]
        stamps = sorted(rows)
        return {
            'stamps_ns': np.array(stamps, dtype=np.int64),
            'starts_ns': np.array([rows[stamp][0] for stamp in stamps], dtype=np.int64),
            'positions': np.array([rows[stamp][1] for stamp in stamps]),
            'velocities': np.array([rows[stamp][2] for stamp in stamps]),
            'sent_ns': np.array([stamp for stamp, _ in sent], dtype=np.int64),
            'header_ns': np.array([duration_ns(m.header.stamp) for _, m in sent], dtype=np.int64),
            'points': np.array([len(m.points) for _, m in sent], dtype=np.int64),
            'times_ns': np.array([duration_ns(p.time_from_start) for p in points], dtype=np.int64),
            'point_positions': np.array([p.positions for p in points]),
            'point_velocities': np.array([p.velocities for p in points]),
            'goals_ns': np.array(self._goals, dtype=np.int64).reshape(-1, 2),
            'joint_names': np.array(sent[0][1].joint_names if sent else []),
        }

    def _spin(self) -> None:
        while not self._stop.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def _on_trajectory(self, message: JointTrajectory, info: dict[str, Any]) -> None:
        self._sent.append((info['source_timestamp'], message))

    def _on_goals(self, message: GoalStatusArray, info: dict[str, Any]) -> None:
        executing = any(g.status == GoalStatus.STATUS_EXECUTING for g in message.status_list)
        if executing and not self._begun_ns:
            self._begun_ns = info['source_timestamp']
        elif not executing and self._begun_ns:
            self._goals.append((self._begun_ns, info['source_timestamp']))
            self._begun_ns = 0
