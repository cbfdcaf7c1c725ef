# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of the next prediction: the timeline of dp_core/chunk.py, seen from its end."""

from dp_core.action_space import ActionSpace
from dp_core.chunk import ActionChunk
from dp_core.chunk import check_timing
from dp_core.chunk import prediction_times_ns
from dp_core.continuation import ChunkHistory
from dp_core.continuation import Continuation
from dp_core.continuation import known_actions
from dp_core.continuation import rtc_weights
from dp_core.contract import ActionGroup
from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import ConfigError
from dp_core.tool_plane import JointPositions
from dp_core.trajectory import TrajectorySettings
from hypothesis import assume
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

STEP = 100_000_000
TIMES = STEP * np.arange(-1, 15)  # of a prediction with n_obs_steps 2, horizon 16, t_obs 0


def chunk(stamp, steps=15, actions=None):
    """A chunk observed at ``stamp`` [steps] whose actions are the time they are meant for."""
    if actions is None:
        actions = (stamp + np.arange(steps, dtype=float))[:, None]
    return ActionChunk(stamp * STEP, STEP, 0, ('a',), actions, actions)


def space(*latencies):
    groups = [
        ActionGroup(name, 'joint_position', (name,), (name,), 'jtc', latency_s=latency)
        for name, latency in zip('ab', latencies)
    ]
    return ActionSpace(groups, [JointPositions() for _ in groups])


def driven(times_ns):
    """What is commanded reads 100 more than the time in steps, in both joints."""
    return np.repeat(100.0 + times_ns[:, None] / STEP, 2, axis=1)


def continuation(seam, commanded=driven, chunks=None, **settings):
    """Joined at +1.7 dt, the lead is 0.5 dt."""
    return Continuation(
        TrajectorySettings(seam=seam, **settings),
        (chunk(-8),) if chunks is None else chunks,
        commanded,
        22 * STEP // 10,
    )


def one(times_ns):
    return driven(times_ns)[:, :1]


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


@pytest.mark.parametrize('seam', ['replace', 'fade', 'ensemble', 'rtc', 'warm_start'])
def test_each_seam_knows_its_own_of_the_past(seam):
    made = continuation(seam, commanded=one, ensemble_decay=0.2)
    assert made.ensemble_decay == (0.2 if seam == 'ensemble' else None)
    known = known_actions(made, TIMES, space(0.0))
    assert (known is not None) == (seam in ('rtc', 'warm_start'))


def test_a_run_begins_with_nothing_known():
    for seam in ('rtc', 'warm_start'):
        assert known_actions(continuation(seam, chunks=()), TIMES, space(0.0)) is None
    assert known_actions(None, TIMES, space(0.0)) is None


def test_rtc_knows_what_is_driven_anyway_and_what_the_chunk_before_meant():
    """The chunk observed at -8 ends at +6; what was sent is driven until +2.2."""
    known = known_actions(continuation('rtc', commanded=one), TIMES, space(0.0))
    assert known.skip == 0.0
    # index 0 is -1 dt, the older observation; index 1, chunk step 0, is t_obs
    assert known.actions[:, 0].tolist() == [99, 100, 101, 102, 3, 4, 5, *[6] * 9]
    assert known.weights[:4, 0].tolist() == [1] * 4
    c = np.array([4, 3, 2, 1]) / 5  # four steps of overlap are left
    assert known.weights[4:8, 0] == pytest.approx(c * (np.exp(c) - 1) / (np.e - 1))
    assert known.weights[8:, 0].tolist() == [0] * 8


def test_rtc_commits_more_steps_of_a_device_that_reacts_late():
    """One step late: what is meant for +3 is commanded at +2."""
    known = known_actions(
        continuation('rtc', chunks=(chunk(-8, actions=np.zeros((15, 2))),)), TIMES, space(0, 0.1)
    )
    assert (known.weights == 1).sum(axis=0).tolist() == [4, 5]
    assert known.actions[:4, 0].tolist() == [99, 100, 101, 102]
    assert known.actions[:5, 1].tolist() == [98, 99, 100, 101, 102]


def test_after_a_stall_the_arm_at_rest_is_all_that_is_known():
    known = known_actions(
        continuation('rtc', commanded=lambda t: np.full((len(t), 1), 7.0), chunks=(chunk(-40),)),
        TIMES,
        space(0.0),
    )
    assert known.actions[:4, 0].tolist() == [7] * 4
    assert known.weights[:, 0].tolist() == [1] * 4 + [0] * 12


@given(sent=st.integers(0, 16), end=st.integers(0, 16))
def test_rtc_weights_fall_from_one_to_zero(sent, end):
    index = np.arange(16)
    weights = rtc_weights(index < sent, index < end)
    assert (weights[:sent] == 1).all()
    assert (np.diff(weights) <= 0).all()
    assert (weights[max(sent, end) :] == 0).all()
    assert ((weights[sent:end] > 0) & (weights[sent:end] < 1)).all()


@given(
    horizon=st.sampled_from([8, 16, 32]),
    action_steps=st.integers(1, 32),
    inference_s=st.floats(0.0, 1.0),
    device_s=st.sampled_from([0.0, 0.05, 0.12]),
)
def test_settings_that_are_accepted_leave_rtc_as_many_steps_as_a_chunk_is_in_charge(
    horizon, action_steps, inference_s, device_s
):
    group = ActionGroup('a', 'joint_position', ('a',), ('a',), 'jtc', latency_s=device_s)
    stream = Stream('s', 'vector', length=1)
    assume(action_steps < horizon)
    terms = Contract('c', 0.1, 2, horizon, action_steps, (stream,), (group,))
    try:
        check_timing(terms, inference_s, 0.05, 4.0)
    except ConfigError:
        return
    sent_until_ns = round((inference_s + 0.05) * 1e9)
    made = Continuation(TrajectorySettings(seam='rtc'), (chunk(-4),), one, sent_until_ns)
    known = known_actions(made, prediction_times_ns(terms, 0), space(device_s))
    assert (known.weights < 1).sum() >= action_steps


def test_a_warm_start_begins_with_the_chunk_before_shifted_and_held_at_its_end():
    known = known_actions(continuation('warm_start', warm_start=0.4), TIMES, space(0.0))
    assert known.actions[:, 0].tolist() == [*range(-1, 7), *[6] * 8]
    assert known.weights.tolist() == [[0]] * 16
    assert known.skip == 0.4


def test_a_chunk_that_has_nearly_run_out_starts_nothing_warm():
    """Of the 16 steps the chunk observed at -11 speaks of 5, the one at -13 of 3."""
    for stamp, expected in ((-11, True), (-13, False)):
        made = known_actions(continuation('warm_start', chunks=(chunk(stamp),)), TIMES, space(0))
        assert (made is not None) == expected
