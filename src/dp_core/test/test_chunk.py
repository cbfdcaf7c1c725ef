# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The timeline of dp_core/chunk.py, as a table."""

import dataclasses

from dp_core.action_space import ActionSpace
from dp_core.chunk import check_timing
from dp_core.chunk import Chunker
from dp_core.chunk import prediction_times_ns
from dp_core.chunk import stretched
from dp_core.continuation import Continuation
from dp_core.continuation import known_actions
from dp_core.contract import ActionGroup
from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import ConfigError
from dp_core.errors import TrajectoryError
from dp_core.tool_plane import JointPositions
from dp_core.trajectory import TrajectorySettings
import numpy as np
import pytest

MS = 1_000_000
T_OBS = 1_000_000 * MS
DT = 100 * MS


def arm(name='arm', joints=('a', 'b'), **bounds):
    return ActionGroup(name, 'joint_position', joints, joints, f'{name}_jtc', **bounds)


def contract(*groups, **values):
    """n_obs_steps 2, horizon 16, n_action_steps 8 as in the drawing."""
    base = Contract('demo', 0.1, 2, 16, 8, (Stream('s', 'vector', length=1),), groups or (arm(),))
    return dataclasses.replace(base, **values)


def chunk(prediction, speed_scale=1.0, of=None):
    of = of or contract()
    space = ActionSpace(of.actions, [JointPositions() for _ in of.actions])
    seed = np.zeros(len(space.joint_names))
    return Chunker(of, space).chunk(prediction, T_OBS, seed, speed_scale)


def numbered(columns=2):
    """Prediction (16, columns) whose step i reads i in every column."""
    return np.repeat(np.arange(16.0)[:, None], columns, axis=1)


# The drawing in chunk.py, column by column: prediction index, chunk step, when it is meant for
# [dt after t_obs], what becomes of it and what rtc knows of it; the last three again for a device
# that reacts 1 dt late.
DRAWING = """
     0   -   -1   -----  done    -2   -----  done
     1   0    0   cut    done    -1   cut    done
     2   1   +1   cut    done     0   cut    done
     3   2   +2   cut    done    +1   cut    done
     4   3   +3   sent   meant   +2   cut    done
     5   4   +4   sent   meant   +3   sent   meant
     7   6   +6   sent   meant   +5   sent   meant
     8   7   +7   sent   free    +6   sent   free
    15  14  +14   sent   free   +13   sent   free
"""
JOINED, LEAD = T_OBS + 170 * MS, 50 * MS


@pytest.mark.parametrize('row', [line.split() for line in DRAWING.split('\n') if line.strip()])
def test_the_drawing(row):
    index, step, meant_for = int(row[0]), row[1], int(row[2])
    terms = contract(arm('l', ('a',)), arm('r', ('b',), latency_s=0.1))
    assert prediction_times_ns(terms, T_OBS)[index] == T_OBS + meant_for * DT
    if step != '-':
        made = chunk(numbered(), of=terms)
        assert made.positions[int(step)].tolist() == [index, index]
        assert made.times_ns()[int(step)] == T_OBS + meant_for * DT
        due = made.due_ns()[int(step)]
        assert due.tolist() == [T_OBS + meant_for * DT, T_OBS + int(row[5]) * DT]
        assert [word == 'cut' for word in (row[3], row[6])] == (due <= JOINED + LEAD).tolist()
    assert known_to_rtc(terms)[index] == [row[4], row[7]]


def known_to_rtc(terms):
    """What is known of each prediction index, for both devices, after the chunk of -8 dt."""
    space = ActionSpace(terms.actions, [JointPositions() for _ in terms.actions])
    before = Chunker(terms, space).chunk(numbered(), T_OBS - 8 * DT, np.zeros(2))
    past = Continuation(
        TrajectorySettings(seam='rtc'), (before,), lambda t: np.zeros((len(t), 2)), JOINED + LEAD
    )
    weights = known_actions(past, prediction_times_ns(terms, T_OBS), space).weights
    return np.select([weights == 1, weights > 0], ['done', 'meant'], 'free').tolist()


def test_the_drawn_chunk_is_in_charge_until_9_7_dt():
    assert chunk(numbered()).takeover_ns(JOINED, 8) == T_OBS + 970 * MS


def test_what_belongs_to_older_observations_is_dropped():
    assert len(chunk(numbered()).positions) == 15
    assert len(chunk(numbered(), of=contract(n_obs_steps=1)).positions) == 16
    assert chunk(numbered(), of=contract(n_obs_steps=3)).positions[0, 0] == 2


def test_a_chunk_is_in_charge_for_n_action_steps_whatever_its_delay():
    made = chunk(numbered())
    assert made.takeover_ns(T_OBS, 8) == T_OBS + 8 * DT == made.times_ns()[8]
    assert made.takeover_ns(T_OBS + 4 * DT, 8) == T_OBS + 12 * DT


def test_a_chunk_that_came_late_is_replaced_at_its_last_step():
    made = chunk(numbered())
    assert made.takeover_ns(T_OBS + 7 * DT, 8) == T_OBS + 14 * DT == made.times_ns()[-1]


def test_a_device_that_reacts_late_is_commanded_earlier():
    slow = contract(arm('l', ('a',)), arm('r', ('b',), latency_s=0.15))
    made = chunk(numbered(), of=slow)
    assert made.latency_ns == (0, 150 * MS)
    assert made.times_ns()[8] == T_OBS + 8 * DT
    assert made.due_ns()[8].tolist() == [T_OBS + 8 * DT, T_OBS + 8 * DT - 150 * MS]
    # Step 14 is commanded at 12.5 dt; until then the next chunk must have taken over.
    assert made.takeover_ns(T_OBS + 7 * DT, 8) == T_OBS + 14 * DT - 150 * MS


def test_an_offset_moves_every_step_but_not_the_takeover():
    made = chunk(numbered(), of=contract(action_offset_s=0.1))
    assert made.times_ns()[0] == T_OBS + DT
    assert made.takeover_ns(T_OBS, 8) == T_OBS + 8 * DT


def test_half_speed_stretches_steps_offset_and_takeover():
    made = chunk(numbered(), 0.5, contract(action_offset_s=0.1))
    assert (made.step_ns, made.offset_ns, made.stretch) == (2 * DT, 2 * DT, 2.0)
    assert made.takeover_ns(T_OBS, 8) == T_OBS + 16 * DT
    assert made.positions.tolist() == chunk(numbered()).positions.tolist()


@pytest.mark.parametrize('scale', [0.0, -0.5, 1.01, float('nan')])
def test_a_speed_scale_outside_0_1_is_refused(scale):
    for refuse in (lambda: chunk(numbered(), scale), lambda: stretched(contract(), scale)):
        with pytest.raises(ConfigError, match=rf'speed_scale is {scale}, valid: \(0, 1\]'):
            refuse()


def test_predictions_are_clamped_to_the_bounds_of_their_group():
    both = contract(arm('l', ('a',), low=(3.0,)), arm('r', ('b',), low=(0.0,), high=(5.0,)))
    made = chunk(numbered(), of=both)
    assert made.joint_names == ('a', 'b')
    assert made.actions[:, 0].tolist() == [3, 3, *range(3, 16)]
    assert made.actions[:, 1].tolist() == [*range(1, 6), *[5] * 10]
    assert made.positions.tolist() == made.actions.tolist()
    assert made.clamped_steps == 12  # 1 and 2 of l, 6 to 15 of r
    assert chunk(numbered()).clamped_steps == 0


def test_clamping_leaves_the_callers_array_alone():
    prediction = numbered()
    chunk(prediction, of=contract(arm(low=(5.0, 5.0), high=(6.0, 6.0))))
    assert prediction.tolist() == numbered().tolist()


def test_each_group_is_solved_with_its_own_columns_and_seed():
    class Spy:
        def joints(self, actions, seed):
            self.seen = actions.copy(), seed.copy()
            return np.tile(seed, (len(actions), 1))

    plane = ActionGroup('l', 'tool_plane', ('x', 'y'), ('a', 'b', 'c'), 'jtc', 'w', 't')
    both = contract(plane, arm('r', ('d',)))
    spies = [Spy(), Spy()]
    prediction = np.arange(48.0).reshape(16, 3)
    made = Chunker(both, ActionSpace(both.actions, spies)).chunk(
        prediction, T_OBS, np.array([1.0, 2, 3, 4])
    )
    assert made.positions.shape == (15, 4)
    assert made.positions[0].tolist() == [1, 2, 3, 4]
    assert spies[0].seen[0][0].tolist() == [3, 4]
    assert spies[1].seen[0][0].tolist() == [5]
    assert spies[1].seen[1].tolist() == [4]


def test_an_ensemble_averages_targets_and_remembers_what_the_policy_said():
    of = contract()
    chunker = Chunker(of, ActionSpace(of.actions, [JointPositions()]))
    zeros, nothing = np.zeros(2), np.zeros((16, 2))
    old = chunker.chunk(nothing, T_OBS, zeros)
    alone = chunker.chunk(nothing + 1, T_OBS + 8 * DT, zeros, earlier=[old])
    assert alone.positions.tolist() == [[1, 1]] * 15
    made = chunker.chunk(nothing + 1, T_OBS + 8 * DT, zeros, 1.0, [old], 0.0)
    assert made.actions.tolist() == [[1, 1]] * 15
    assert made.positions[:, 0] == pytest.approx([*[0.5] * 4, 3 / 5, 3 / 4, *[1] * 9])


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_a_prediction_that_is_not_finite_is_refused(bad):
    prediction = numbered()
    prediction[9, 1] = bad
    with pytest.raises(TrajectoryError, match='the policy predicted NaN or infinity'):
        chunk(prediction)


def test_nan_is_refused_even_in_the_past_that_would_be_dropped():
    prediction = numbered()
    prediction[0] = np.nan
    with pytest.raises(TrajectoryError):
        chunk(prediction)


# The last step is 14 dt = 1.4 s after t_obs. Needed: 8 x 0.1 + latency + lead 0.05.
@pytest.mark.parametrize(('latency', 'fits'), [(0.1, True), (0.549, True), (0.56, False)])
def test_a_chunk_must_reach_until_the_next_one_is_ready(latency, fits):
    if fits:
        check_timing(contract(), latency, 0.05, 1.0)
        return
    with pytest.raises(ConfigError) as error:
        check_timing(contract(), latency, 0.05, 1.0)
    for number in ('reaches 1.400 s', 'after 1.410 s', 'n_action_steps 8 x 0.1 s', '0.560 s'):
        assert number in str(error.value)


def test_a_chunk_reaches_less_far_by_the_latency_of_the_slowest_device():
    slow = contract(arm('l', ('a',), latency_s=0.1), arm('r', ('b',), latency_s=0.2))
    check_timing(slow, 0.34, 0.05, 1.0)
    with pytest.raises(ConfigError, match=r'reaches 1.200 s .* after 1.210 s'):
        check_timing(slow, 0.36, 0.05, 1.0)


def test_an_offset_lets_a_chunk_reach_farther():
    check_timing(contract(action_offset_s=0.1), 0.56, 0.05, 1.0)


def test_two_steps_must_lie_ahead_when_the_chunk_is_joined():
    # Steps at 0, 0.1, 0.2 s. Joined at 0.03 + 0.02 s, with a lead of 0.05 s, the second is the
    # first that is sent; later, only the third is left.
    short = contract(n_obs_steps=1, horizon=3, n_action_steps=1)
    check_timing(short, 0.0299, 0.05, 1.0)
    with pytest.raises(ConfigError) as error:
        check_timing(short, 0.04, 0.05, 1.0)
    for number in ('reaches 0.200 s', '0.110 s past', 'latency 0.040 s', '0.02 s', '0.1 s apart'):
        assert number in str(error.value)


def test_the_motion_sent_ahead_must_last_until_the_takeover():
    with pytest.raises(ConfigError, match=r'max_blind_s 0.8 .*= 0.850 s: the arm would stop'):
        check_timing(contract(), 0.1, 0.05, 0.8)
    check_timing(contract(), 0.1, 0.05, 0.9)
