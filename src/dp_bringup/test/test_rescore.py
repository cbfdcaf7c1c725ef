# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_bringup.episode_log import EpisodeLog
from dp_bringup.episode_log import goal_logs
from dp_bringup.rescore import covered
from dp_bringup.rescore import outline
from dp_bringup.rescore import rescore
from dp_bringup.rescore import write_episodes
from dp_core.errors import DatasetError
from episode_samples import SQUARE
from episode_samples import write_log_without_goal
from episode_samples import write_scene_log
import numpy as np
import pytest


def write(tmp_path, full_coverage=0.95, **times):
    logs = [
        EpisodeLog.load(write_scene_log(tmp_path / f'{seed}.npz', seed, **times))
        for seed in (7, 8)
    ]
    write_episodes(tmp_path / 'episodes.npz', logs, np.zeros(3), SQUARE, full_coverage)
    return tmp_path / 'episodes.npz'


def test_half_a_square_away_is_half_covered():
    goal = outline(np.zeros(3), SQUARE)
    assert covered(goal, np.zeros(3), SQUARE) == pytest.approx(1.0)
    assert covered(goal, np.array([0.1, 0.0, 0.0]), SQUARE) == pytest.approx(0.5)
    assert covered(goal, np.array([0.0, 0.0, np.pi / 2]), SQUARE) == pytest.approx(1.0)
    # Turned by 45 degrees, a regular octagon is common to both: 2 (sqrt(2) - 1) of the square.
    turned = covered(goal, np.array([0.0, 0.0, np.pi / 4]), SQUARE)
    assert turned == pytest.approx(2 * (np.sqrt(2) - 1))


def test_scores_come_from_poses_and_geometry_in_the_file_alone(tmp_path):
    assert rescore(write(tmp_path)) == {7: 1.0, 8: 1.0}


def test_only_what_happened_while_the_goal_ran_counts(tmp_path):
    # At the last tick, 5 s, the square is at x = 12 cm, so 40 % are covered; after 1 s, 0 %.
    scores = rescore(write(tmp_path, begin_s=1.0, end_s=5.05))
    assert scores[7] == pytest.approx(0.4 / 0.95, abs=1e-6)


def test_the_file_agrees_with_what_the_scene_measured(tmp_path):
    path = write(tmp_path, end_s=5.05)
    with np.load(path) as file:
        ends, coverage = file['episode_ends'], file['coverage']
        assert len(file['block_pose']) == len(coverage) == ends[-1]
    assert coverage[: ends[0]].max() / 0.95 == pytest.approx(rescore(path)[7], abs=1e-6)


def test_the_shipped_scene_measures_in_the_same_way(tmp_path):
    scene = pytest.importorskip('dp_sim.scene')
    corners, goal = np.array(scene.BLOCK_CORNERS), outline(scene.GOAL_POSE, scene.BLOCK_CORNERS)
    for seed in range(5):
        pose = np.array(scene.draw_start(seed).block)
        assert covered(goal, pose, corners) == pytest.approx(scene.coverage(pose), abs=1e-9)


def test_a_broken_file_is_named(tmp_path):
    path = write(tmp_path)
    whole = path.read_bytes()
    damaged = whole[:100] + bytes(len(whole) - 1100) + whole[-1000:]  # its index is whole
    for data in (b'nothing', b'', whole[: len(whole) // 2], damaged):
        path.write_bytes(data)
        with pytest.raises(DatasetError, match=r'cannot read .*episodes\.npz'):
            rescore(path)
    with path.open('wb') as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DatasetError, match=r'cannot read .*episodes\.npz'):
        rescore(path)


def test_another_file_is_named_with_what_it_lacks(tmp_path):
    log = write_scene_log(tmp_path / 'log.npz')
    with pytest.raises(DatasetError, match=r"log\.npz lacks \['block_corners', .*'goal_pose'"):
        rescore(log)
    with pytest.raises(DatasetError, match=r"episodes\.npz lacks .*'goal_begin_s'"):
        EpisodeLog.load(write(tmp_path))


def test_a_log_without_a_goal_is_refused(tmp_path):
    with pytest.raises(DatasetError, match='no goal'):
        EpisodeLog.load(write_log_without_goal(tmp_path / 'log.npz'))


def test_of_a_seed_the_newest_log_with_a_goal_is_meant(tmp_path):
    write_scene_log(tmp_path / 'episode_000_seed_7.npz', 7)  # before the first reset
    write_log_without_goal(tmp_path / 'episode_001_seed_9.npz', 9)  # the answer was lost
    for name in ('episode_002_seed_9.npz', 'episode_998_seed_7.npz', 'episode_1000_seed_7.npz'):
        write_scene_log(tmp_path / name)
    write_log_without_goal(tmp_path / 'episode_1001_seed_7.npz', 7)
    assert {seed: path.name for seed, path in goal_logs(tmp_path).items()} == {
        9: 'episode_002_seed_9.npz',
        7: 'episode_1000_seed_7.npz',
    }


def test_a_goal_without_an_end_lasts_until_the_log_ends(tmp_path):
    log = EpisodeLog.load(write_scene_log(tmp_path / 'log.npz', end_s=np.nan))
    assert log.end_s == pytest.approx(11.992)
    assert log.seconds(log.start_stamp_ns + 1_500_000_000) == pytest.approx(1.5)
    assert log.time_s[log.index(2.0)] == pytest.approx(2.0)


def test_a_turn_through_pi_is_interpolated_the_short_way(tmp_path):
    path = write_scene_log(tmp_path / 'log.npz')
    with np.load(path) as file:
        data = dict(file)
    yaw = np.pi - 0.05 + 0.01 * data['time_s']  # passes pi after five seconds
    data['block_pose'][:, 2] = np.arctan2(np.sin(yaw), np.cos(yaw))
    np.savez(path, **data)
    times, poses, _ = EpisodeLog.load(path).scored()
    assert poses[:, 2] == pytest.approx(np.pi - 0.05 + 0.01 * times, abs=1e-9)
