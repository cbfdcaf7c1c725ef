# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Averages that a person can check, and axioms: equal chunks, unit rotations, no chatter."""

from dp_core.blend import between
from dp_core.blend import decide
from dp_core.blend import ensemble
from dp_core.blend import HYSTERESIS
from dp_core.blend import interpolate
from dp_core.blend import orthonormal
from dp_core.blend import parts
from dp_core.blend import slerp
from dp_core.chunk import ActionChunk
from dp_core.errors import ConfigError
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
import numpy as np
import pytest

NS = 1_000_000_000
STEP = NS // 10
LINE = parts(['linear'])
MIXED = parts(['linear', 'quaternion', 'rotation_6d', 'binary', 'linear'])
WIDTH = 13
seeds = st.integers(0, 2**32 - 1)
shares = st.floats(0.0, 1.0)


def chunk(actions, stamp_ns=0):
    actions = np.asarray(actions, dtype=float)
    return ActionChunk(stamp_ns, STEP, 0, (), np.empty((len(actions), 0)), actions)


def column(*values):
    return np.array(values, dtype=float)[:, None]


def random_actions(random, steps):
    """Actions of the layout MIXED: valid rotations, binary numbers 0 or 1."""
    out = random.normal(0.0, 1.0, (steps, WIDTH))
    out[:, 1:5] /= np.linalg.norm(out[:, 1:5], axis=1, keepdims=True)
    out[:, 5:11] = orthonormal(out[:, 5:11], out[:, 5:11])
    out[:, 11] = random.integers(0, 2, steps)
    return out


def about_z(degrees):
    half = np.radians(np.asarray(degrees, dtype=float)) / 2
    return np.stack([0 * half, 0 * half, np.sin(half), np.cos(half)], axis=-1)


def test_columns_are_laid_out_in_order():
    assert [(p.kind, p.columns.start, p.columns.stop) for p in MIXED] == [
        ('linear', 0, 1),
        ('quaternion', 1, 5),
        ('rotation_6d', 5, 11),
        ('binary', 11, 12),
        ('linear', 12, 13),
    ]
    with pytest.raises(ConfigError, match=r"\['euler'\] are unknown, valid: \['linear'"):
        parts(['linear', 'euler'])


def test_between_two_steps_a_number_lies_on_the_line_and_outside_it_holds():
    times = np.array([0, 10, 20])
    at = np.array([-5, 0, 4, 15, 20, 99])
    assert interpolate(times, column(0, 1, 3), at, LINE)[:, 0].tolist() == [0, 0, 0.4, 2, 3, 3]


def test_a_single_step_holds_everywhere():
    assert interpolate(np.array([7]), column(2), np.array([0, 9]), LINE)[:, 0].tolist() == [2, 2]


def test_a_binary_number_holds_until_the_next_step():
    made = interpolate(np.array([0, 10]), column(0, 1), np.array([0, 9, 10]), parts(['binary']))
    assert made[:, 0].tolist() == [0, 0, 1]


def test_half_way_from_0_to_90_degrees_is_45_whichever_sign_the_quaternion_has():
    for sign in (1.0, -1.0):
        made = slerp(about_z([0.0]), sign * about_z([90.0]), np.array([0.5]))
        assert made[0] == pytest.approx(about_z(45.0))


def test_opposite_rotations_have_no_middle_and_give_the_second():
    rows = np.array([[1.0, 0, 0, 0, 1, 0]])
    assert between(rows, -rows, np.array([0.5]), parts(['rotation_6d'])).tolist() == (
        (-rows).tolist()
    )


@given(seed=seeds, share=shares)
@hypothesis_settings(deadline=None, max_examples=100)
def test_rotations_between_rotations_are_rotations(seed, share):
    random = np.random.default_rng(seed)
    made = between(*random_actions(random, 2)[:, None], np.array([share]), MIXED)[0]
    assert np.linalg.norm(made[1:5]) == pytest.approx(1.0, abs=1e-12)
    rows = made[5:11].reshape(2, 3)
    assert rows @ rows.T == pytest.approx(np.eye(2), abs=1e-9)


@given(seed=seeds)
@hypothesis_settings(deadline=None, max_examples=50)
def test_the_ends_of_the_way_are_exact(seed):
    a, b = random_actions(np.random.default_rng(seed), 2)[:, None]
    assert np.array_equal(between(a, b, np.array([0.0]), MIXED), a)
    assert np.array_equal(between(a, b, np.array([1.0]), MIXED), b)


# Two chunks of ten steps, the second 4 steps younger: they share its steps 0 to 5. The older one
# reads 0 and the newer 1, so the average is the share of the newer one.
OLD, NEW = chunk(np.zeros((10, 1))), chunk(np.ones((10, 1)), 4 * STEP)
# 3 steps before its end the weight of the older one begins to fall: at steps 3, 4, 5 of the newer
# chunk there are 2/3, 1/3 and 0 of it left.


def test_the_plain_mean_of_two_chunks_and_its_taper():
    made = ensemble(NEW, [OLD], LINE, 0.0)[:, 0]
    assert made == pytest.approx([0.5, 0.5, 0.5, 3 / 5, 3 / 4, 1, 1, 1, 1, 1])


def test_above_zero_the_newer_chunk_weighs_more_and_below_the_older_as_in_act():
    older = np.exp(-0.4)  # m 0.1, four steps of age
    assert ensemble(NEW, [OLD], LINE, 0.1)[0, 0] == pytest.approx(1 / (1 + older))
    assert ensemble(NEW, [OLD], LINE, -0.1)[0, 0] == pytest.approx(older / (1 + older))


def test_three_chunks_weigh_by_their_ages():
    made = ensemble(
        chunk(column(*[4.0] * 10), 4 * STEP),
        [chunk(column(*[2.0] * 12), 2 * STEP), chunk(column(*[1.0] * 14))],
        LINE,
        0.5,
    )
    weights = np.exp([-2.0, -1.0, 0.0])
    assert made[0, 0] == pytest.approx(np.dot(weights, [1, 2, 4]) / weights.sum())


def test_chunks_are_averaged_at_equal_times_and_not_at_equal_steps():
    """Both say x = t, the newer one with steps half way between those of the older."""
    ramp = np.arange(10.0)
    made = ensemble(
        chunk(column(*(ramp + 2.5)), round(2.5 * STEP)), [chunk(column(*ramp))], LINE, 0.0
    )
    assert made[:, 0] == pytest.approx(ramp + 2.5)


def test_of_binary_numbers_the_newest_wins():
    both = parts(['binary', 'linear'])
    old, new = chunk(np.zeros((10, 2))), chunk(np.ones((10, 2)), STEP)
    made = ensemble(new, [old], both, 0.0)
    assert made[:, 0].tolist() == [1.0] * 10
    assert made[0, 1] == 0.5


def test_nothing_earlier_or_all_of_it_over_leaves_the_chunk_as_it_is():
    new = chunk(random_actions(np.random.default_rng(0), 6), 40 * STEP)
    over = chunk(random_actions(np.random.default_rng(1), 6))
    assert np.array_equal(ensemble(new, [], MIXED, 0.1), new.actions)
    assert np.array_equal(ensemble(new, [over], MIXED, 0.1), new.actions)


@given(seed=seeds, count=st.integers(1, 4), decay=st.floats(-1.0, 1.0), shift=st.integers(0, 3))
@hypothesis_settings(deadline=None, max_examples=50)
def test_an_ensemble_of_chunks_that_agree_is_the_chunk(seed, count, decay, shift):
    """They say the same of every instant; each begins `shift` steps after the one before."""
    random = np.random.default_rng(seed)
    truth = random_actions(random, 16 + count * shift)
    chunks = [chunk(truth[i * shift : i * shift + 16], i * shift * STEP) for i in range(count + 1)]
    newest, earlier = chunks[-1], chunks[:-1]
    random.shuffle(earlier)
    assert ensemble(newest, earlier, MIXED, decay) == pytest.approx(newest.actions, abs=1e-9)


@given(seed=seeds, decay=st.floats(-1.0, 1.0), lag_ns=st.integers(0, 2 * NS))
@hypothesis_settings(deadline=None, max_examples=50)
def test_an_average_lies_between_what_is_averaged_and_rotations_stay_rotations(
    seed, decay, lag_ns
):
    random = np.random.default_rng(seed)
    old, new = chunk(random_actions(random, 12)), chunk(random_actions(random, 12), lag_ns)
    made = ensemble(new, [old], MIXED, decay)
    both = np.stack([interpolate(old.times_ns(), old.actions, new.times_ns(), MIXED), new.actions])
    for linear in (0, 12):
        assert (made[:, linear] >= both[..., linear].min(axis=0) - 1e-12).all()
        assert (made[:, linear] <= both[..., linear].max(axis=0) + 1e-12).all()
    assert np.linalg.norm(made[:, 1:5], axis=1) == pytest.approx(np.ones(12), abs=1e-12)
    rows = made[:, 5:11].reshape(-1, 2, 3)
    assert rows @ rows.transpose(0, 2, 1) == pytest.approx(np.tile(np.eye(2), (12, 1, 1)))


def test_a_binary_number_changes_beyond_the_band_only():
    said = column(0.45, 0.55, 0.61, 0.45, 0.41, 0.39, 0.55)
    grip = parts(['binary'])
    assert decide(said, grip)[:, 0].tolist() == [0, 0, 1, 1, 1, 0, 0]
    assert decide(said, grip, np.array([1.0]))[:, 0].tolist() == [1, 1, 1, 1, 1, 0, 0]
    assert said[0, 0] == 0.45


@given(
    noise=st.lists(st.floats(-0.99 * HYSTERESIS, 0.99 * HYSTERESIS), min_size=1, max_size=40),
    before=st.sampled_from([0.0, 1.0]),
)
def test_noise_about_the_middle_never_changes_a_binary_number(noise, before):
    made = decide(0.5 + column(*noise), parts(['binary']), np.array([before]))
    assert set(made[:, 0]) == {before}


@given(values=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40))
def test_decided_numbers_stay_decided(values):
    grip = parts(['binary'])
    once = decide(column(*values), grip)
    assert set(once[:, 0]) <= {0.0, 1.0}
    assert np.array_equal(decide(once, grip), once)
