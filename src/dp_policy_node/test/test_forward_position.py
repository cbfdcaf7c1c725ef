# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The node as interpolator: samples lie on the motion, at the rate, to the end."""

import time
from types import SimpleNamespace

from dp_core.motion import Trajectory
import numpy as np
import pytest

pytest.importorskip('rclpy')

from doubles import SilentNode
from dp_policy_node import forward_position
from dp_policy_node.forward_position import ForwardPosition
import three_joints

RATE_HZ = 200.0
TURN = np.array([0.1, 0.0, -0.1])  # of the joints [rad]


def motion(start_ns, length_s=0.2):
    """From rest by TURN to rest."""
    speed = 1.5 * TURN / length_s
    return Trajectory(
        start_ns, three_joints.JOINTS, np.zeros(3), np.zeros(3),
        np.array([length_s / 2, length_s]), np.array([TURN / 2, TURN]),
        np.array([speed, 0 * speed]),
    )  # fmt: skip


@pytest.fixture
def node():
    return SilentNode()


@pytest.fixture
def executor(node, monkeypatch):
    monkeypatch.setattr(forward_position, 'HOLD_S', 0.05)
    result = ForwardPosition(node, three_joints.contract().actions, RATE_HZ)
    yield result
    result.close()


def sent(node):
    assert {topic for topic, _ in node.published} <= {'arm_controller/commands'}
    return np.array([message.data for _, message in node.published])


def wait_until_quiet(node):
    count = -1
    while count != len(node.published):
        count = len(node.published)
        time.sleep(0.1)


def test_samples_lie_on_the_motion_and_end_at_its_rest(node, executor):
    trajectory = motion(time.monotonic_ns())
    executor.prepare(trajectory)()
    wait_until_quiet(node)
    positions = sent(node)
    assert positions[-1].tolist() == TURN.tolist()
    curve = trajectory.curve()
    times_s = np.linspace(0.0, 0.2, 20_001)
    on_curve = curve(times_s)[:, 0]
    assert np.abs(positions[:, :1] - on_curve).min(axis=1).max() < 1e-5
    assert (np.diff(positions[:, 0]) >= 0.0).all()
    assert not positions[:, 1].any()


def test_what_moves_is_seen_to_its_end_when_the_process_ends(node, executor):
    """As a brake, right before: else the controller would hold the last sample, from speed."""
    executor.prepare(motion(time.monotonic_ns()))()
    executor.close()
    assert sent(node)[-1].tolist() == pytest.approx(TURN.tolist(), abs=1e-3)


def test_nothing_is_sent_before_the_first_motion(node, executor):
    time.sleep(0.05)
    assert node.published == []


def test_a_new_motion_replaces_the_old_one_at_once(node, executor):
    executor.prepare(motion(time.monotonic_ns()))()
    time.sleep(0.05)
    hold = np.full(3, 0.5)
    held = Trajectory(
        time.monotonic_ns(), three_joints.JOINTS, hold, 0 * hold, np.array([0.1, 0.2]),
        np.array([hold, hold]), np.zeros((2, 3)),
    )  # fmt: skip
    executor.prepare(held)()
    count = len(node.published)
    wait_until_quiet(node)
    assert (sent(node)[count + 1 :] == 0.5).all()


@pytest.mark.parametrize(
    ('jump_s', 'simulated'), [(5.0, True), (-5.0, True), (5.0, False), (0.3, False), (-0.3, False)]
)
def test_the_arm_does_not_jump_with_the_clock(node, executor, jump_s, simulated):
    executor.prepare(motion(time.monotonic_ns(), length_s=0.6))()
    time.sleep(0.05)
    executor._clock = SimpleNamespace(
        now=lambda: SimpleNamespace(nanoseconds=time.monotonic_ns() + round(jump_s * 1e9)),
        ros_time_is_active=simulated,
    )
    count = len(node.published)
    wait_until_quiet(node)
    later = sent(node)[count + 1 :, 0]
    assert (np.diff(later) >= 0.0).all()
    assert ((later > 0.2 * TURN[0]) & (later < 0.9 * TURN[0])).any()  # on the way, not a leap
    assert later[-1] == TURN[0]


def test_a_clock_that_is_set_between_plan_and_motion_moves_nothing(node, executor):
    follow = executor.prepare(motion(time.monotonic_ns(), length_s=1.0))
    executor._clock = SimpleNamespace(
        now=lambda: SimpleNamespace(nanoseconds=time.monotonic_ns() + 400_000_000),
        ros_time_is_active=False,
    )
    follow()
    until_s = time.monotonic() + 5.0
    while not node.published and time.monotonic() < until_s:
        time.sleep(0.001)
    first = sent(node)[0]
    assert abs(first[0]) < 0.01  # by the clock that was set it would be 0.035


def test_a_paused_simulation_pauses_the_arm(node, executor):
    now_ns = time.monotonic_ns()
    times = iter([now_ns, *[now_ns + 50_000_000] * 10_000])
    executor._clock = SimpleNamespace(
        now=lambda: SimpleNamespace(nanoseconds=next(times)), ros_time_is_active=True
    )
    executor.prepare(motion(now_ns))()
    time.sleep(0.1)
    positions = sent(node)
    assert len(positions) > 1
    np.testing.assert_allclose(positions[-1], motion(0).curve()(0.05))
