# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The end of an episode as on the paper's real robot."""

from dp_sim import scene
from dp_sim.retreat import report
from dp_sim.retreat import Retreat
import numpy as np
import pytest

INSIDE, OUTSIDE = np.array(scene.END_ZONE), np.zeros(2)


def test_the_tool_must_stay_for_a_second_without_a_break():
    end = Retreat()
    for _ in range(9):
        end.follow(INSIDE, 0.96, 0.1)
    assert not end.is_over
    end.follow(OUTSIDE, 0.96, 0.1)
    for _ in range(9):
        end.follow(INSIDE, 0.96, 0.1)
    assert not end.is_over
    end.follow(INSIDE, 0.96, 0.1)
    assert end.is_over


def test_an_episode_whose_block_was_never_placed_goes_on():
    end = Retreat()
    for _ in range(20):
        end.follow(INSIDE, 0.94, 0.1)
    assert end.has_rested and not end.is_over


def test_what_counts_is_how_the_block_lies_in_the_end():
    figures = report(0.94, has_rested=True)  # placed once, then moved
    assert figures['retreated'] == 1.0
    assert figures['retreated_and_placed'] == 0.0
    assert figures['final_iou'] == pytest.approx(0.94 / 1.06)
