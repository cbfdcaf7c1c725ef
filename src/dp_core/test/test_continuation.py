# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.chunk import ActionChunk
from dp_core.continuation import ChunkHistory
from dp_core.continuation import Continuation
from dp_core.trajectory import TrajectorySettings
from hypothesis import given
from hypothesis import strategies as st
import numpy as np

STEP = 100_000_000


def chunk(stamp, steps=15):
    """A chunk observed at ``stamp`` [steps]."""
    nothing = np.zeros((steps, 1))
    return ActionChunk(stamp * STEP, STEP, 0, ('a',), nothing, nothing)


def test_a_chunk_stays_in_force_until_its_last_step_is_past():
    history = ChunkHistory()
    for stamp in (0, 8, 13):
        history.add(chunk(stamp))
    assert [c.stamp_ns // STEP for c in history.chunks] == [0, 8, 13]  # the first ends at 14
    history.add(chunk(14))
    assert [c.stamp_ns // STEP for c in history.chunks] == [8, 13, 14]


@given(st.lists(st.integers(0, 100), min_size=1, max_size=30))
def test_whatever_the_order_of_arrival_the_history_is_short_and_in_order(stamps):
    history = ChunkHistory()
    for stamp in stamps:
        history.add(chunk(stamp))
    kept = [c.stamp_ns // STEP for c in history.chunks]
    assert kept == sorted(stamp for stamp in stamps if stamp + 14 > max(stamps))


def test_only_the_ensemble_averages():
    for seam, decay in (('replace', None), ('fade', None), ('ensemble', 0.2)):
        settings = TrajectorySettings(seam=seam, ensemble_decay=0.2)
        assert Continuation(settings).ensemble_decay == decay
