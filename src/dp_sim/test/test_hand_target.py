# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Taps and sticks become targets that a hand could have chosen."""

from dp_sim import scene
from dp_sim.hand_target import BACKLOG_M
from dp_sim.hand_target import DEAD_ZONE
from dp_sim.hand_target import HandTarget
from dp_sim.hand_target import SPEED
from dp_sim.hand_target import TAP_M
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest


def hand(place=(0.0, 0.0)):
    made = HandTarget()
    made.follow(np.array(place))
    return made


def test_nothing_is_commanded_before_a_place_is_known():
    made = HandTarget()
    made.tap(np.array([1.0, 0.0]))
    assert made.advance(0.1) is None
    assert made.target is None


def test_a_tap_moves_a_centimetre_and_no_more():
    made = hand()
    made.tap(np.array([0.0, 1.0]))
    places = [made.advance(0.1)[1] for _ in range(3)]
    assert places == pytest.approx([0.01, 0.01, 0.01])
    assert TAP_M == 0.01


def test_a_key_that_repeats_runs_at_the_speed_and_stops_soon():
    made = hand((-0.2, 0.0))
    for _ in range(30):
        for _ in range(3):
            made.tap(np.array([1.0, 0.0]))
        made.advance(0.1)
    assert made.target == pytest.approx([-0.2 + 3.0 * SPEED - 0.0, 0.0], abs=0.06 + SPEED)
    before = made.target.copy()
    for _ in range(5):
        made.advance(0.1)
    assert made.target[0] - before[0] <= BACKLOG_M + 1e-9
    assert made.target == pytest.approx(made.advance(0.1))


def test_a_stick_goes_on_and_its_middle_is_still():
    made = hand()
    made.lean(np.array([0.5 * DEAD_ZONE, 0.0]))
    assert not made.is_leaning
    made.lean(np.array([1.0, 0.0]))
    assert made.is_leaning
    assert made.advance(0.1) == pytest.approx([0.1 * SPEED, 0.0])
    assert made.advance(0.1) == pytest.approx([0.2 * SPEED, 0.0])
    made.lean(np.zeros(2))
    assert made.advance(0.1) == pytest.approx([0.2 * SPEED, 0.0])


@given(
    st.lists(
        st.tuples(
            st.floats(-3, 3, allow_nan=False),
            st.floats(-3, 3, allow_nan=False),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_no_target_is_faster_or_farther_than_the_tool_may_be(inputs):
    made = hand((0.1, 0.1))
    for x, y, taps in inputs:
        before = made.target.copy()
        (made.tap if taps else made.lean)(np.array([x, y]))
        after = made.advance(0.1)
        assert np.linalg.norm(after - before) <= 0.1 * SPEED + 1e-9
        assert scene.clamp_tool(after) == pytest.approx(after)
