# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the controller followed, what the arm did, and the judgement that it rests.

Times are stamps, in simulated time: nothing here depends on the speed of the machine.
"""

from dataclasses import dataclass
from dataclasses import field
import threading
import time

import numpy as np
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

PATIENCE_S = 60.0  # a bound for a machine under load, not a measurement
JOINTS = (
    'shoulder_pan_joint',
    'shoulder_lift_joint',
    'elbow_joint',
    'wrist_1_joint',
    'wrist_2_joint',
    'wrist_3_joint',
)
MAX_ACCELERATION = 5.0  # the node's parameter [rad/s^2]
VELOCITY_LIMIT = np.pi  # of every joint of a UR5e [rad/s]
# A controller begins each trajectory at its last command: one tick of 2 ms is done twice.
HANDOVER_S = 0.0025
JUMP_RAD = 1e-3  # what bends in the curve make of a tick of 8 ms, beyond its mean velocity
STILL_S = 1.0  # an arm at rest is watched for so long [s]
RAMP_NS = 150_000_000  # a brake takes no less [ns]
SETTLED_S = 0.3  # the servos lag behind their reference by less than this [s]


def until(condition, what, patience_s=PATIENCE_S):
    """Wait for a condition and return its value; `what` is told when it never holds."""
    end_s = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < end_s, f'waited in vain for {what() if callable(what) else what}'
        time.sleep(0.01)
    return value


@dataclass
class Track:
    """Stamps [ns], positions [rad] and velocities [rad/s], in the order of JOINTS."""

    stamps: list = field(default_factory=list)
    rows: list = field(default_factory=list)

    def add(self, message):
        columns = {name: k for k, name in enumerate(message.name)}
        if set(columns) >= set(JOINTS):
            order = [columns[name] for name in JOINTS]
            row = np.array([message.position, message.velocity])[:, order]
            if np.isfinite(row).all():
                self.rows.append(row)
                self.stamps.append(message.header.stamp.sec * 10**9 + message.header.stamp.nanosec)

    def since(self, begin_ns):
        """Return times after `begin_ns` (N,) [s], positions and velocities (N, 6)."""
        count = len(self.stamps)
        stamps = np.array(self.stamps[:count], dtype=np.int64)
        keep = stamps >= begin_ns
        rows = np.array(self.rows[:count]).reshape(-1, 2, len(JOINTS))[keep]
        return (stamps[keep] - begin_ns) * 1e-9, rows[:, 0], rows[:, 1]


class MotionRecord:
    """Listens to the reference, the measured joints and the trajectories, on a node of its own."""

    def __init__(self, context):
        self._node = Node('motion_record', context=context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self._node)
        self.clear()
        qos = QoSProfile(depth=200)
        for kind, topic, callback in (
            (JointState, '/joint_trajectory_controller/reference', self._on_reference),
            (JointState, '/joint_states', self._on_measured),
            (JointTrajectory, '/joint_trajectory_controller/joint_trajectory', self._on_sent),
        ):
            self._node.create_subscription(kind, topic, callback, qos)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def close(self):
        """Leave the graph."""
        self._executor.shutdown()
        self._thread.join(5.0)
        self._node.destroy_node()

    def clear(self):
        """Forget everything."""
        self.reference, self.measured, self.sent = Track(), Track(), []

    def _spin(self):
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass

    def _on_reference(self, message):
        self.reference.add(message)

    def _on_measured(self, message):
        newest_s = self.reference.stamps[-1] * 1e-9 if self.reference.stamps else 0.0
        if message.header.stamp.sec < newest_s + 1.0:  # those from the future are a fault
            self.measured.add(message)

    def _on_sent(self, message):
        self.sent.append(message)

    @property
    def now_ns(self):
        """Newest stamp of the reference [ns]."""
        return until(lambda: self.reference.stamps, 'a reference')[-1]

    @property
    def speed(self):
        """Newest speed of the reference, of its fastest joint [rad/s]."""
        return float(np.abs(self.reference.rows[-1][1]).max()) if self.reference.rows else 0.0

    def simulate(self, seconds):
        """Let so much simulated time pass."""
        end_ns = self.now_ns + round(seconds * 1e9)
        until(lambda: self.now_ns >= end_ns, f'{seconds} s of simulated time')

    def wait_for_motion(self, speed=0.1):
        """Wait until the reference moves, not only begins to [rad/s]."""
        until(lambda: self.speed > speed, f'a motion of {speed} rad/s')

    def rests_after(self, begin_ns):
        """Return when the reference stopped for good [s after begin_ns]; None while it moves."""
        times_s, _, velocities = self.reference.since(begin_ns)
        moving = np.flatnonzero(velocities.any(axis=1))
        if not len(times_s) or (len(moving) and moving[-1] == len(times_s) - 1):
            return None
        return float(times_s[moving[-1] + 1]) if len(moving) else 0.0

    def wait_for_rest(self, begin_ns):
        """Wait until the reference does not move any more."""
        until(lambda: self.rests_after(begin_ns) is not None, 'the reference at rest')

    def assert_comes_to_rest(self, begin_ns, within_s, is_seen=True):
        """Wait for rest, watch it, and judge the way to it; returns when it began [s]."""
        self.wait_for_rest(begin_ns)
        self.simulate(STILL_S)
        rest_s = self.rests_after(begin_ns)
        assert rest_s is not None, 'the arm moves again without a goal'
        assert rest_s <= within_s, rest_s
        self.assert_smooth(begin_ns)
        if rest_s:
            self.assert_gentle(begin_ns + round(rest_s * 1e9))
        self.assert_still(begin_ns + round(rest_s * 1e9), is_seen)
        return rest_s

    def assert_gentle(self, rest_ns):
        """The last ramp to rest at `rest_ns` obeys max_acceleration.

        A brake begins where the controller will be when it has the message. One that comes 10 ms
        earlier or later begins off its place, and its first piece of 0.1 s makes up for that.
        """
        times_s, _, velocities = self.reference.since(rest_ns - RAMP_NS)
        ramp = times_s <= RAMP_NS * 1e-9
        times_s, velocities = times_s[ramp], velocities[ramp]
        rates = (velocities[2:] - velocities[:-2]) / (times_s[2:] - times_s[:-2])[:, None]
        room = 6.0 * np.abs(velocities).max() * 0.01 / 0.1**2
        assert np.abs(rates).max() <= 1.05 * MAX_ACCELERATION + room

    def assert_still(self, begin_ns, is_seen=True):
        """The reference does not move at all, and the measured arm no more than a servo does.

        Without `is_seen` the joint states may be what has failed.
        """
        _, positions, velocities = self.reference.since(begin_ns)
        assert len(positions) and not velocities.any()
        assert np.ptp(positions, axis=0).max() == 0.0
        _, positions, velocities = self.measured.since(begin_ns + round(SETTLED_S * 1e9))
        assert len(positions) or not is_seen
        if len(positions):
            assert np.abs(velocities).max() < 0.02
            assert np.ptp(positions, axis=0).max() < 2e-3

    def assert_smooth(self, begin_ns):
        """The reference never jumps: no position step is longer than its velocities allow."""
        times_s, positions, velocities = self.reference.since(begin_ns)
        dt = np.diff(times_s)[:, None]
        mean = (velocities[1:] + velocities[:-1]) / 2
        beyond = np.abs(np.diff(positions, axis=0) - mean * dt)
        beyond = beyond - HANDOVER_S * np.maximum(np.abs(velocities[1:]), np.abs(velocities[:-1]))
        near = dt[:, 0] < 0.012  # none was lost between
        assert beyond[near].max(initial=0.0) < JUMP_RAD
        assert np.abs(velocities).max(initial=0.0) <= VELOCITY_LIMIT * 1.05
