# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The timeline of dp_core/chunk.py, as a table."""

import dataclasses

from dp_core.chunk import check_timing
from dp_core.chunk import Chunker
from dp_core.contract import ActionGroup
from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import ConfigError
from dp_core.errors import TrajectoryError
from dp_core.tool_plane import JointPositions
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
    chunker = Chunker(of, [JointPositions() for _ in of.actions])
    return chunker.chunk(prediction, T_OBS, np.zeros(len(chunker.joint_names)), speed_scale)


def numbered(columns=2):
    """Prediction (16, columns) whose step i reads i in every column."""
    return np.repeat(np.arange(16.0)[:, None], columns, axis=1)


# prediction index -> chunk step, time after t_obs in steps of dt (the drawing in chunk.py)
DRAWING = [(1, 0, 0), (2, 1, 1), (3, 2, 2), (9, 8, 8), (15, 14, 14)]


@pytest.mark.parametrize(('index', 'step', 'dts'), DRAWING)
def test_the_drawing(index, step, dts):
    made = chunk(numbered())
    assert made.positions[step].tolist() == [index, index]
    assert made.times_ns()[step] == T_OBS + dts * DT


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
    with pytest.raises(ConfigError, match=rf'speed_scale is {scale}, valid: \(0, 1\]'):
        chunk(numbered(), scale)


def test_predictions_are_clamped_to_the_bounds_of_their_group():
    both = contract(arm('l', ('a',), low=(3.0,)), arm('r', ('b',), low=(0.0,), high=(5.0,)))
    made = chunk(numbered(), of=both)
    assert made.joint_names == ('a', 'b')
    assert made.actions[:, 0].tolist() == [3, 3, *range(3, 16)]
    assert made.actions[:, 1].tolist() == [*range(1, 6), *[5] * 10]
    assert made.positions.tolist() == made.actions.tolist()


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
    made = Chunker(both, spies).chunk(prediction, T_OBS, np.array([1.0, 2, 3, 4]))
    assert made.positions.shape == (15, 4)
    assert made.positions[0].tolist() == [1, 2, 3, 4]
    assert spies[0].seen[0][0].tolist() == [3, 4]
    assert spies[1].seen[0][0].tolist() == [5]
    assert spies[1].seen[1].tolist() == [4]


def test_an_ensemble_averages_targets_and_remembers_what_the_policy_said():
    of = contract()
    chunker = Chunker(of, [JointPositions()])
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


def test_the_motion_sent_ahead_must_last_until_the_takeover():
    with pytest.raises(ConfigError, match=r'max_blind_s 0.8 .*= 0.850 s: the arm would stop'):
        check_timing(contract(), 0.1, 0.05, 0.8)
    check_timing(contract(), 0.1, 0.05, 0.9)
