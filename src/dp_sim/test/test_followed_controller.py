# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_sim.followed_controller import FollowedController
from dp_sim.followed_controller import STALE_NS
import numpy as np
import pytest

NOW_NS = 10**18


@pytest.fixture
def followed():
    controller = FollowedController(2)
    controller.activate(NOW_NS, np.array([0.5, -0.5]))
    return controller


def update(controller, time_ns):
    return controller.update(time_ns, 2_000_000, np.zeros(2), np.zeros(2)).tolist()


def test_it_holds_until_something_is_heard(followed):
    assert update(followed, NOW_NS) == [[0.5, -0.5], [0.0, 0.0], [0.0, 0.0]]


def test_it_follows_the_newest_joint_states(followed):
    followed.hear(NOW_NS, np.array([0.6, -0.6]), np.array([0.1, 0.2]))
    followed.hear(NOW_NS + 1, np.array([0.7, -0.7]), np.array([0.3, 0.4]))
    assert update(followed, NOW_NS + 2) == [[0.7, -0.7], [0.3, 0.4], [0.0, 0.0]]
    assert followed.reference.tolist() == [[0.7, -0.7], [0.3, 0.4], [0.0, 0.0]]


def test_old_joint_states_are_held_at_rest(followed):
    followed.hear(NOW_NS, np.array([0.6, -0.6]), np.array([0.1, 0.2]))
    assert update(followed, NOW_NS + STALE_NS)[1] == [0.1, 0.2]
    assert update(followed, NOW_NS + STALE_NS + 1) == [[0.6, -0.6], [0.0, 0.0], [0.0, 0.0]]


def test_a_reset_forgets_what_was_heard(followed):
    followed.hear(NOW_NS, np.array([0.6, -0.6]), np.array([0.1, 0.2]))
    followed.activate(NOW_NS, np.array([1.0, 1.0]))
    assert update(followed, NOW_NS)[0] == [1.0, 1.0]
