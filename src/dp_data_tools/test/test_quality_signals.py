# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers of episodes: each fault is found with its figures, clean ones are silent."""

from dp_core.errors import ConfigError
from dp_core.errors import KinematicsError
from dp_data_tools.quality.examine import examine
from dp_data_tools.quality.lag import lags_of
from dp_data_tools.quality.signals import check_constant
from dp_data_tools.quality.signals import check_jerk
from dp_data_tools.quality.sources import with_limits
from dp_data_tools.quality.thresholds import Thresholds
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest
from quality_samples import changed
from quality_samples import episode
from quality_samples import loud
from quality_samples import motion
from quality_samples import only

LIMITS = Thresholds()


def check(*episodes, limits=LIMITS):
    return examine(episodes, 'demo', limits)


@pytest.mark.parametrize('rate_hz', [10.0, 50.0, 500.0])
def test_clean_episodes_are_silent_but_for_the_measured_lag(rate_hz):
    found = check(*(episode(k, 8.0, rate_hz) for k in range(5)))
    assert not loud(found)
    assert [f.check for f in found] == ['action_lag']
    assert found[0].value == pytest.approx(100.0, abs=2.0)


def test_nan_is_found_where_it_begins():
    def spoil(values):
        values[100:103, 1] = np.nan

    found = only(check(changed(episode(), 'arm', spoil)), 'not_finite')
    assert (found.subject, found.value, found.time_s) == ('arm/b', 3.0, 2.0)
    assert found.severity == 'error'


def test_constant_numbers_are_named_once_for_all_of_their_track():
    def freeze(values):
        values[:, 0] = 0.25

    found = check(*(changed(episode(k), 'arm', freeze) for k in range(3)))
    names = {f.check: f for f in found}
    assert names['zero_variance'].message == '1 of 2 numbers never change: a (0.25)'
    assert names['zero_variance'].subject == 'arm'
    assert names['zero_variance'].episode is None


def test_a_number_stuck_in_one_of_many_episodes():
    def freeze(values):
        values[:, 1] = 0.5

    episodes = [episode(k) for k in range(11)]
    episodes[4] = changed(episodes[4], 'arm', freeze)
    found = list(check_constant(episodes, 'demo'))
    assert [(f.check, f.episode, f.subject) for f in found] == [('stuck', 4, 'arm/b')]
    assert 'it moves in 10 of 11' in found[0].message


@given(st.integers(20, 900), st.floats(0.3, 0.5))
@settings(max_examples=20, deadline=None)
def test_a_spike_is_found_where_it_is(row, height):
    def spike(values):
        values[row, 0] += height

    found = list(check_jerk([changed(episode(), 'arm', spike)], LIMITS))
    assert [f.subject for f in found] == ['arm/a']
    assert found[0].time_s == pytest.approx(row / 50, abs=0.031)
    assert found[0].value > LIMITS.jerk_z


def test_a_gripper_that_switches_has_no_jerk_outliers():
    def switch(values):
        values[:, 1] = 0.0
        values[400:600, 1] = 0.8

    found = check(changed(episode(), 'arm', switch), limits=Thresholds(velocity_rad=100))
    assert 'jerk' not in [f.check for f in found]


def test_limits_of_the_contract_and_of_the_robot():
    high = np.array([0.5, np.inf])
    found = [
        f
        for f in check(changed(episode(), 'action', lambda values: None, high=high))
        if f.check == 'limit'
    ]
    values = episode().actions[0].values[:, 0]
    assert found[0].severity == 'error'
    assert found[0].value == pytest.approx(values.max())
    assert f'{(values > 0.5).sum()} of 1000 values outside [-inf, 0.5]' in found[0].message
    urdf = (
        '<robot name="r"><link name="x"/><link name="y"/>'
        '<joint name="a" type="revolute"><parent link="x"/><child link="y"/>'
        '<limit lower="-0.4" upper="9" velocity="0.2" effort="1"/></joint></robot>'
    )
    found = check(with_limits(episode(), urdf))
    by_check = {(f.check, f.subject): f for f in found}
    assert by_check['limit', 'arm/a'].threshold == -0.4
    assert by_check['limit', 'arm/a'].severity == 'warning'  # it was there, after all
    assert by_check['velocity', 'action/a'].threshold == 0.2
    assert ('limit', 'action/b') not in by_check  # the robot has no such joint
    with pytest.raises(KinematicsError, match="joint 'a' of the URDF has limit lower='low'"):
        with_limits(episode(), urdf.replace('-0.4', 'low'))


@pytest.mark.parametrize('lag_s', [-0.2, -0.05, 0.0, 0.04, 0.25])
@pytest.mark.parametrize('rate_hz', [10.0, 30.0])
def test_the_lag_is_measured_between_samples_with_its_sign(lag_s, rate_hz):
    found = {f.check: f for f in check(*(episode(k, 12.0, rate_hz, lag_s) for k in range(4)))}
    late = lag_s < -LIMITS.late_s
    lag = found['action_late' if late else 'action_lag']
    assert lag.value == pytest.approx(lag_s * 1e3, abs=3.0)
    assert lag.severity == ('error' if late else 'info')
    if late:
        assert f'actions are late: they come {-lag.value:.0f} ms AFTER the motion' in lag.message


def test_an_arm_that_is_very_slow_to_follow():
    lag = only(check(episode(0, 30.0, lag_s=0.7)), 'action_slow')
    assert (lag.severity, round(lag.value, -1)) == ('warning', 700)


def test_one_episode_with_another_lag():
    episodes = [episode(k) for k in range(5)] + [episode(5, lag_s=0.25)]
    found = only(check(*episodes), 'lag_differs')
    assert (found.episode, found.value) == (5, pytest.approx(250, abs=3))


def test_an_arm_at_rest_tells_no_lag():
    still = episode(pairs=episode().pairs)
    still = changed(changed(still, 'arm', np.zeros_like), 'action', np.zeros_like)
    assert lags_of([still])[0].why_not == 'nothing moves'
    found = {f.check: f for f in check(still)}
    assert set(found) == {'zero_variance', 'idle'}
    assert found['idle'].message == 'nothing moves for 20.0 s from start to end'


def test_actions_that_are_the_states_of_the_same_rows():
    found = only([f for f in check(episode(lag_s=0.0)) if f.check == 'identical'], 'identical')
    assert 'stand still' in found.message


@pytest.mark.parametrize(
    ('offset', 'severity'), [(0.03, None), (0.05, 'warning'), (0.297, 'error')]
)
def test_leader_and_follower_apart(offset, severity):
    found = check(changed(episode(), 'arm', lambda values: values + [0.0, offset]))
    if severity is None:
        assert not loud(found)
        return
    found = only(found, 'offset')
    assert (found.subject, found.severity) == ('action/b', severity)
    assert found.value == pytest.approx(offset, abs=0.002)
    assert f'{np.degrees(offset):+.1f} degrees' in found.message


def test_exchanged_joints():
    found = check(*(changed(episode(k), 'arm', lambda values: values[:, ::-1]) for k in range(3)))
    assert [f.subject for f in found if f.check == 'exchanged'] == ['action/a', 'action/b']
    assert 'it moves like arm/b' in found[0].message


def test_commands_too_quick_for_the_joints():
    def dash(values):
        values[500:, 0] += 0.2

    found = [f for f in check(changed(episode(), 'action', dash)) if f.check == 'velocity']
    assert found[0].value == pytest.approx(0.2 * 50, rel=0.05)
    assert (found[0].time_s, found[0].threshold) == (pytest.approx(9.98), 3.2)


def test_an_arm_that_is_blocked():
    def block(values):
        values[500:550, 1] -= 0.5  # for 1 s

    found = check(changed(episode(), 'arm', block))
    found = {f.check: f for f in found}['not_followed']
    assert found.subject == 'action/b'
    assert found.value == pytest.approx(0.5, abs=0.03)  # the fault moves the measured lag
    assert found.spans[0] == pytest.approx((10.0, 10.98), abs=0.03)


def test_lengths_duplicates_and_rest():
    episodes = [episode(k, 8.0 + 0.1 * k) for k in range(8)]
    assert not loud(check(*episodes))
    short = only(check(*episodes, episode(8, 2.0)), 'length')
    assert (short.episode, short.value) == (8, 2.0)
    assert '4.2 times shorter than the usual 8.3 s' in short.message
    twice = only(check(*episodes, episode(8, 8.3, seed=3)), 'duplicate')
    assert twice.message == 'the same numbers as episode 3 of demo'

    def rest(values):
        values[:150] = values[150]  # 3 s

    idle = changed(changed(episode(0, lag_s=0.0), 'arm', rest), 'action', rest)
    found = {f.check: f for f in check(idle)}['idle']
    assert found.value == pytest.approx(3.0, abs=0.1)
    assert found.message.endswith('at the start')


def test_what_hardly_leaves_its_place_is_at_rest_from_start_to_end():
    wide = episode(1)  # beside it 0.004 of its range is next to nothing
    least = 0.004 * float(np.ptp(wide.states[0].values, axis=0).min())

    def tremble(values):
        # Farther from its first value than the limit of 0.005, never so far from its last one.
        values[:] = np.where(np.arange(len(values)) < 100, least, -least)[:, None]
        values[-1] = 0.0

    still = changed(changed(episode(0), 'arm', tremble), 'action', tremble)
    found = [f for f in check(still, wide) if f.check == 'idle']
    assert [f.episode for f in found] == [0]


def test_thresholds_by_name():
    assert Thresholds.from_texts(['gap_s=0.25']).gap_s == 0.25
    with pytest.raises(ConfigError, match="no threshold 'gap'; valid: .'gap_periods'"):
        Thresholds.from_texts(['gap=1'])
    with pytest.raises(ConfigError, match="threshold gap_s is 'long', valid: a number"):
        Thresholds.from_texts(['gap_s=long'])
    with pytest.raises(ConfigError, match='threshold gap_s is -1.0, valid: above 0'):
        Thresholds.from_texts(['gap_s=-1'])


def test_the_samples_move_smoothly():
    speed = np.abs(np.diff(motion(np.arange(0, 60, 0.01)), axis=0)).max() / 0.01
    assert 0.5 < speed < 1.8
