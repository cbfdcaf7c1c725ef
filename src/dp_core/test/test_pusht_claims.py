# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.evaluation.claims import last_checkpoints
from dp_core.evaluation.claims import pauses
from dp_core.evaluation.claims import pusht_data
from dp_core.evaluation.claims import pusht_standstill
from dp_core.evaluation.claims.action_steps import roughness
from dp_core.evaluation.claims.pusht_episodes import padded
from dp_core.evaluation.claims.pusht_episodes import read
from dp_core.evaluation.claims.pusht_episodes import Rollouts
from dp_core.evaluation.claims.pusht_episodes import write
from dp_core.evaluation.claims.pusht_standstill import standstill
from dp_core.evaluation.claims.pusht_stepping import targets
import numpy as np
import pytest

PLANE = ([0.0, 0.0], [512.0, 512.0])


def episode(positions, actions):
    """An episode with a T that stands still."""
    return {
        'environment_state': np.zeros((len(actions), 16), np.float32),
        'agent_pos': np.float32(positions),
        'action': np.float32(actions),
    }


def rolled(paths, best):
    """Rollouts along given x coordinates."""
    paths = [np.float32([[x, 0] for x in path]) for path in paths]
    steps = np.array([len(path) - 1 for path in paths])
    best = [np.float64(row) for row in best]
    long = max(steps) + 1
    scores = np.array([row[-1] for row in best])
    return Rollouts(scores, steps, padded(paths, long), padded(best, long))


def test_positions_come_back_from_velocities():
    commanded = np.float32([[110, 100], [120, 90], [120, 90], [60, 90]])
    start = np.float32([100, 100])
    speeds = pusht_data.velocities(commanded, start, 0.1)
    assert speeds.tolist() == [[100, 0], [100, -100], [0, 0], [-600, 0]]
    np.testing.assert_allclose(targets(speeds, start, 0.1, PLANE), commanded, atol=1e-4)


def test_a_step_above_the_speed_limit_is_made_up_for():
    commanded = np.float32([[150, 0], [150, 0], [150, 0], [150, 0]])
    speeds = pusht_data.velocities(commanded, np.float32([0, 0]), 0.1)
    assert speeds[:, 0].tolist() == [600, 600, 300, 0]


def test_targets_stay_in_the_plane_and_do_not_wind_up():
    path = targets(np.float32([[600, 0], [600, 0], [-100, 0]]), np.float32([490, 5]), 0.1, PLANE)
    assert path.tolist() == [[512, 5], [512, 5], [502, 5]]


def test_demonstrations_come_back_but_for_the_few_steps_above_the_limit():
    contract, buffer = pusht_data.demonstrations()
    limited, moving = pusht_data.with_velocities(contract, buffer)
    assert len(moving) == len(buffer) + len(buffer.episode_ends)
    assert limited.actions[0].high == (600.0, 600.0)
    far = 0
    for told, driven in zip(pusht_data.episodes(buffer), pusht_data.episodes(moving), strict=True):
        assert driven['action'][-1].tolist() == [0, 0]
        path = targets(driven['action'][:-1], told['agent_pos'][0], contract.dt_s, PLANE)
        far += int((abs(path - told['action']).max(axis=1) > 0.01).sum())
    assert far == 36  # of 25,650


def test_a_pause_repeats_the_frame_and_commands_where_the_agent_is():
    part = episode([[0, 0], [4, 0], [8, 0]], [[5, 0], [9, 0], [12, 0]])
    paused = pusht_data.with_pause(part, 1, 2)
    assert paused['agent_pos'][:, 0].tolist() == [0, 4, 4, 4, 8]
    assert paused['action'][:, 0].tolist() == [5, 4, 4, 9, 12]
    assert part['action'][:, 0].tolist() == [5, 9, 12]


def test_every_demonstration_gets_three_pauses_of_one_to_two_seconds():
    contract, buffer = pusht_data.demonstrations()
    _, paused = pusht_data.with_pauses(contract, buffer, seed=0)
    longer = np.diff(paused.episode_ends, prepend=0) - np.diff(buffer.episode_ends, prepend=0)
    assert longer.min() >= 30 and longer.max() <= 60
    held = (paused.data['action'] == paused.data['agent_pos']).all(axis=1).sum()
    assert held == longer.sum()
    _, again = pusht_data.with_pauses(contract, buffer, seed=0)
    np.testing.assert_array_equal(again.data['action'], paused.data['action'])


def test_standing_still_is_measured_in_steps_below_a_pixel():
    still = pusht_standstill.still_steps(np.float32([[0, 0], [0.6, 0.6], [2, 0], [2, 0.9]]))
    assert still.tolist() == [True, False, True]
    assert pusht_standstill.longest(np.array([1, 0, 1, 1, 0], bool)) == 2
    assert pusht_standstill.longest(np.zeros(3, bool)) == 0
    assert pusht_standstill.last_still(np.array([0, 1, 1], bool)) == 2
    assert pusht_standstill.last_still(np.array([1, 1, 0], bool)) == 0
    assert pusht_standstill.last_still(np.ones(3, bool)) == 3


def test_who_rests_at_the_goal_is_not_trapped():
    moving = list(range(0, 100, 2))  # 49 steps
    resting = [98.0] * 40
    low, high = [0.5] * 90, [0.5] * 50 + [0.95] * 40
    figures = standstill(rolled([moving + resting] * 2 + [moving], [low, high, low[:50]]))
    assert figures['trapped'] == 1 and figures['never_moved_again'] == 1
    assert figures['longest_still_s'] == pytest.approx([4.0, 0.1, 0.0])
    assert figures['still_share'] == pytest.approx([40 / 89, 1 / 89, 0.0])


def test_a_trap_that_opens_again_is_counted_as_one():
    path = [0.0] * 41 + [5.0, 10.0, 15.0]
    figures = standstill(rolled([path], [[0.0] * 44]))
    assert figures['trapped'] == 1 and figures['never_moved_again'] == 0


def test_episodes_are_picked_and_added_by_number():
    three = rolled([[0, 1, 2], [0, 5], [9]], [[0.1] * 3, [0.2] * 2, [0.3]])
    assert three.rows([2, 0]).scores.tolist() == [0.3, 0.1]
    more = three.rows([1]).joined(three.rows([0]))
    assert more.steps.tolist() == [1, 2]
    np.testing.assert_array_equal(more.paths[0, :, 0], [0, 5, np.nan])


def test_episodes_on_disk_count_only_with_the_weights_they_came_from(tmp_path):
    file = tmp_path / 'rollouts' / 'some.npz'
    write(file, 'these weights', [7], rolled([[0, 1, 2]], [[0.1] * 3]))
    seeds, kept = read(file, 'these weights')
    assert seeds == [7] and kept.paths[0, :, 0].tolist() == [0, 1, 2]
    assert read(file, 'other weights') == ([], None)
    assert read(tmp_path / 'absent.npz', '') == ([], None)


def test_a_path_of_constant_velocity_is_smooth():
    zeros = [0.0] * 4
    assert roughness(rolled([[0, 1, 2, 3], [0, 5]], [zeros, zeros[:2]])) == 0.0
    assert roughness(rolled([[0, 1, 0, 1]], [zeros])) == 2.0


def test_luck_spreads_equal_checkpoints_by_their_episodes_alone():
    same = np.tile([0.2, 0.9, 0.5], (4, 1))
    assert last_checkpoints.spreads_by_luck(same, 5, 0) == pytest.approx(np.zeros(5))
    two = np.array([[0.0], [1.0]])  # one seed: whoever gets the 1, the spread is 1
    assert last_checkpoints.spreads_by_luck(two, 5, 0).tolist() == [1.0] * 5


def test_verdicts_on_pauses_compare_with_every_policy_of_single_steps():
    def row(kind, share, trapped):
        return {'kind': kind, 'paused': {'still_share': [share] * 3, 'trapped': trapped}}

    rows = [row('diffusion, 8 steps', 0.1, 0), row('diffusion, 1 step', 0.2, 0)]
    values = [v['value'] for v in pauses.verdicts([*rows, row('regression, 1 step', 0.9, 3)], 3)]
    assert values == pytest.approx([0.0, 0.1, 3.0])
