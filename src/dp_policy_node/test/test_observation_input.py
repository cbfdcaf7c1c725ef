# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import math

from dp_core.errors import ConfigError
from dp_core.errors import NotReadyError
import pytest

pytest.importorskip('rclpy')

from dp_policy_node.observation_input import ObservationInput
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState
import three_joints

CAMERA = {'name': 'front', 'kind': 'image', 'topic': 'front', 'size': [8, 8], 'max_age_s': 0.3}
JOINTS = {
    'name': 'joints', 'kind': 'joint_state', 'topic': 'joint_states',
    'joints': list(three_joints.JOINTS), 'max_age_s': 0.2,
}  # fmt: skip
NAMES = list(three_joints.JOINTS)
T0 = 100 * 10**9
STEP = 10**8


class Feed:
    """Hands messages to the input as its listeners would."""

    def __init__(self, *observations):
        contract = three_joints.contract(observations=list(observations))
        self.input = ObservationInput(contract, three_joints.JOINTS, 'joint_states')
        self._handlers = []
        self.input.listen(self, self)

    def add(self, topic, kind, handler):
        self._handlers.append((topic, kind, handler))

    def joints(self, stamp_ns, names=None, positions=(0.1, 0.2, 0.3), now_ns=None):
        message = JointState(name=names or NAMES, position=list(positions))
        self._send('joint_states', message, stamp_ns, now_ns)

    def image(self, stamp_ns, encoding='rgb8'):
        message = Image(height=8, width=8, step=24, encoding=encoding, data=bytes(192))
        self._send('front', message, stamp_ns)

    def _send(self, topic, message, stamp_ns, now_ns=None):
        message.header.stamp.sec = stamp_ns // 10**9
        message.header.stamp.nanosec = stamp_ns % 10**9
        for name, _, handler in self._handlers:
            if name == topic:
                handler(message, stamp_ns if now_ns is None else now_ns)


def test_window_and_robot_state_come_from_the_same_messages():
    feed = Feed(JOINTS)
    for k in range(3):
        feed.joints(T0 + k * STEP, NAMES[::-1], (0.3, 0.2, 0.1))
    window = feed.input.window(T0 + 2 * STEP)
    assert window.t_obs_ns == T0 + 2 * STEP
    assert window.low_dim['joints'][-1].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert feed.input.robot_state.positions.tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert feed.input.why_missing(T0 + 2 * STEP, 0.5) == ''
    assert feed.input.complaint is None


def test_other_devices_on_the_topic_are_none_of_our_business():
    feed = Feed(JOINTS)
    feed.joints(T0, ['gripper'], (math.nan,))
    assert feed.input.complaint is None
    assert feed.input.robot_state is None


@pytest.mark.parametrize(
    ('names', 'positions', 'word'),
    [
        (NAMES, (0.0, math.nan, 0.0), 'NaN'),
        (NAMES[:2], (0.0, 0.0), 'missing'),
        ([*NAMES[:2], NAMES[0]], (0.0, 0.0, 0.0), 'missing'),
    ],
)
def test_joints_that_cannot_be_right_are_told_as_invalid(names, positions, word):
    feed = Feed(JOINTS)
    feed.joints(T0, names, positions)
    assert feed.input.complaint.invalid
    assert word in feed.input.complaint.reason
    assert feed.input.refused_messages == 2  # as robot state and as observation


def test_a_stamp_from_the_future_is_refused_but_may_be_one_bad_clock():
    feed = Feed(JOINTS)
    feed.joints(T0 + 10**9, now_ns=T0)
    assert feed.input.complaint.future
    assert not feed.input.complaint.invalid
    assert feed.input.robot_state is None
    assert 'future' in feed.input.why_missing(T0, 0.5)


def test_a_broken_picture_is_counted_and_the_window_waits_for_a_good_one():
    feed = Feed(JOINTS, CAMERA)
    for k in range(3):
        feed.joints(T0 + k * STEP)
        feed.image(T0 + k * STEP, 'rgb8' if k < 2 else 'yuv17')
    assert not feed.input.complaint.invalid
    assert 'yuv17' in feed.input.complaint.reason
    assert feed.input.window(T0 + 2 * STEP).t_obs_ns == T0 + STEP


def test_clear_forgets_observations_but_not_the_robot():
    feed = Feed(JOINTS)
    feed.joints(T0)
    feed.input.clear()
    with pytest.raises(NotReadyError):
        feed.input.window(T0)
    assert feed.input.robot_state is not None
    feed.input.forget()
    assert feed.input.robot_state is None


def test_what_is_missing_is_told():
    feed = Feed(JOINTS, CAMERA)
    assert 'joint_states' in feed.input.why_missing(T0, 0.5)
    feed.joints(T0)
    assert "'front'" in feed.input.why_missing(T0, 0.5)


def test_a_stream_that_no_topic_carries_is_named():
    with pytest.raises(ConfigError, match="stream 'corners' is of kind 'vector'.*'joint_state'"):
        Feed(JOINTS, {'name': 'corners', 'kind': 'vector', 'length': 16})
