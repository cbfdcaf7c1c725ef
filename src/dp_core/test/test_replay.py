# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Recorded commands become one motion from rest to rest, or a reason why not."""

from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_core.errors import KinematicsError
from dp_core.errors import LimitError
from dp_core.guard import Guard
from dp_core.guard import GuardSettings
from dp_core.kinematics import KinematicChain
from dp_core.limits import check_limits
from dp_core.motion import MotionState
from dp_core.replay import begun_at
from dp_core.replay import episode_chunk
from dp_core.replay import plan_replay
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest
from robot_samples import planar
from robot_samples import ur5e
from robot_samples import UR5E_JOINTS

ARM = {
    'name': 'arm', 'kind': 'joint_position', 'dims': ['a', 'b'], 'joints': ['a', 'b'],
    'controller': 'c',
}  # fmt: skip
SEED = np.zeros(2)


def contract(*groups):
    data = {
        'name': 'sample', 'dt_s': 0.1, 'n_obs_steps': 2, 'horizon': 8, 'n_action_steps': 4,
        'observations': [{'name': 'tool', 'kind': 'vector', 'length': 2}],
    }  # fmt: skip
    return Contract.from_dict({**data, 'actions': list(groups or [ARM])})


def chunk(actions, speed_scale=1.0, **changes):
    terms = contract({**ARM, **changes})
    return episode_chunk(terms, np.array(actions, dtype=float), planar(), SEED, speed_scale)


def guard(**values):
    return Guard(planar(), contract().actions, GuardSettings(**values))


def swing(steps, amplitude=0.3, period_s=4.0):
    """Joint a swings from rest, joint b as far the other way; 10 Hz."""
    t = 0.1 * np.arange(steps)
    a = amplitude * (1.0 - np.cos(2.0 * np.pi * t / period_s)) / 2.0
    return np.stack([a, -a], axis=1)


def test_an_arm_that_is_told_to_stand_stands():
    plan = plan_replay(chunk([[0.5, -0.2]] * 10), guard())
    # A knot every 50 ms, from the second on; at 0.9 s the last command, and the way to rest.
    assert plan.trajectory.times_s == pytest.approx(0.1 + 0.05 * np.arange(21))
    np.testing.assert_allclose(plan.trajectory.positions, [[0.5, -0.2]] * 21, atol=1e-12)
    np.testing.assert_allclose(plan.trajectory.velocities, 0.0, atol=1e-12)
    assert plan.first.tolist() == [0.5, -0.2] and plan.off_rad.max() < 1e-12


@pytest.mark.parametrize('speed_scale', [1.0, 0.5])
def test_commands_are_driven_when_they_are_due_and_the_arm_ends_at_rest(speed_scale):
    actions = swing(121)  # 12 s: several windows
    plan = plan_replay(chunk(actions, speed_scale), guard())
    due_s = 0.1 * np.arange(121) / speed_scale
    driven = plan.trajectory.curve()(due_s)
    np.testing.assert_allclose(driven, actions, atol=1e-3)
    assert plan.off_rad.max() < 1e-3
    assert not plan.trajectory.velocities[-1].any()
    np.testing.assert_allclose(plan.trajectory.positions[-1], actions[-1], atol=1e-3)
    assert due_s[-1] < plan.trajectory.times_s[-1] < due_s[-1] + 0.3 / speed_scale


def test_windows_join_without_a_step():
    """0.6 rad to and fro in 2 s: 0.94 rad/s and 2.96 rad/s^2 at most, and nothing above."""
    plan = plan_replay(chunk(swing(200, 0.6, 2.0)), guard())
    curve, t = plan.trajectory.curve(), np.arange(0.5, 19.8, 0.001)
    assert np.abs(curve(t, 1)).max() < 0.96
    assert np.abs(curve(t, 2)).max() < 3.2
    assert np.abs(np.diff(curve(t, 2), axis=0)).max() < 0.1  # no step of the acceleration


def test_a_device_that_reacts_late_is_commanded_earlier():
    """Both joints go at 0.1 rad/s; b reacts 0.2 s later, so its command is 20 mrad ahead."""
    groups = [
        {**ARM, 'name': j, 'dims': [j], 'joints': [j], 'controller': j, 'latency_s': late}
        for j, late in (('a', 0.0), ('b', 0.2))
    ]
    line = 0.01 * np.arange(40)[:, None] * np.ones(2)
    terms = contract(*groups)
    late = episode_chunk(terms, line, planar(), SEED)
    assert (late.due_ns()[0] == [200_000_000, 0]).all()
    plan = plan_replay(late, Guard(planar(), terms.actions, GuardSettings()))
    at = plan.trajectory.curve()(2.0)
    assert at[1] - at[0] == pytest.approx(0.02, abs=1e-4)


def test_it_can_begin_beside_the_first_command_and_at_any_time():
    start = np.array([0.0005, 0.0])
    plan = plan_replay(chunk(swing(41)), guard(), start)
    trajectory = begun_at(plan, 1234)
    assert trajectory.start_ns == 1234
    assert trajectory.start_position.tolist() == start.tolist()
    assert plan.off_rad.max() < 1e-3


def tool_plane(**changes):
    return {
        'name': 'arm', 'kind': 'tool_plane', 'dims': ['x', 'y'], 'joints': list(UR5E_JOINTS),
        'controller': 'c', 'frame': 'base_link', 'tool_frame': 'tool0', 'height_m': 0.3,
        **changes,
    }  # fmt: skip


def test_positions_of_a_tool_are_decoded_as_those_of_a_policy():
    seed = np.array([0.0, -1.2, 1.6, -1.97, -1.57, 0.0])
    actions = np.stack([np.full(20, 0.4), 0.1 + 0.005 * np.arange(20)], axis=1)
    decoded = episode_chunk(contract(tool_plane()), actions, ur5e(), seed)
    chain = KinematicChain.from_urdf(ur5e(), 'base_link', 'tool0', UR5E_JOINTS)
    tools = np.array([chain.forward(q)[:3, 3] for q in decoded.positions])
    np.testing.assert_allclose(tools[:, :2], actions, atol=1e-6)
    np.testing.assert_allclose(tools[:, 2], 0.3, atol=1e-6)
    with pytest.raises(KinematicsError):
        episode_chunk(contract(tool_plane()), actions + 5.0, ur5e(), seed)


@pytest.mark.parametrize(
    ('actions', 'changes', 'words'),
    [
        ([[0.0, 0.0]] * 3, {}, r'the commands are \(3, 2\), valid: 4 steps or more of 2 numbers'),
        ([[0.0]] * 9, {}, r'the commands are \(9, 1\)'),
        ([[0.0, 0.0]] * 4 + [[0.1, np.nan]], {}, r'command 4 is \[0.1, nan\]'),
        (
            [[0.0, 0.0]] * 4 + [[0.1, 0.6]],
            {'low': [-0.5, -0.5], 'high': [0.5, 0.5]},
            'command 4 has b 0.6000, the bound of the contract is 0.5000',
        ),
    ],
)
def test_what_was_recorded_wrongly_is_named(actions, changes, words):
    with pytest.raises(DatasetError, match=words):
        chunk(actions, **changes)


def test_a_benchmark_without_a_robot_and_a_speed_above_one_are_refused():
    force = {'name': 'force', 'kind': 'vector', 'dims': ['f', 'g']}
    with pytest.raises(ConfigError, match=r"commands no robot: its action groups \['force'\]"):
        episode_chunk(contract(force), np.zeros((9, 2)), planar(), SEED)
    with pytest.raises(ConfigError, match=r'speed_scale is 1.5, valid: \(0, 1\]'):
        chunk(swing(9), 1.5)


@pytest.mark.parametrize(
    ('actions', 'values', 'words'),
    [
        (
            swing(100),
            {'max_step': 0.02},
            'would go 0.023 rad from step 50 to step 51 of the chunk, valid: at',
        ),
        (swing(100, 2.0, 2.0), {}, 'would be .* rad off command .* choose a lower speed'),
        (swing(60, 6.5, 8.0), {'max_step': 1.0}, 'off command'),
    ],
)
def test_what_the_limits_do_not_allow_is_refused_with_the_reason(actions, values, words):
    with pytest.raises(LimitError, match=words):
        plan_replay(chunk(actions), guard(**values))


def test_at_a_lower_speed_the_same_episode_keeps_the_limits():
    actions = swing(100, 2.0, 2.0)
    plan = plan_replay(chunk(actions, 0.4), guard())
    assert np.abs(plan.trajectory.velocities).max() == pytest.approx(0.4 * np.pi, rel=0.02)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(4, 150), st.floats(0.2, 1.0))
def test_every_episode_is_driven_inside_the_limits_or_refused(seed, steps, speed_scale):
    random = np.random.default_rng(seed)
    pushes = np.cumsum(random.normal(0.0, 0.01, (steps, 2)), axis=0)
    actions = np.cumsum(pushes, axis=0) * 0.3
    watched = guard()
    try:
        plan = plan_replay(chunk(actions, speed_scale), watched)
    except LimitError:
        return
    rest = MotionState(actions[0], np.zeros(2), np.zeros(2))
    check_limits(plan.trajectory, watched.limits, rest)
    assert plan.off_rad.max() <= 0.02
