# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

from dp_bringup import demo
from dp_bringup.episode_log import EpisodeLog
from dp_bringup.rescore import write_episodes
from dp_core.errors import DatasetError
from episode_samples import record
from episode_samples import SQUARE
from episode_samples import write_log_without_goal
from episode_samples import write_scene_log
import numpy as np
import pytest


def test_scores_in_a_file_can_be_asked_for(tmp_path, capsys):
    log = EpisodeLog.load(write_scene_log(tmp_path / 'log.npz', seed=7, end_s=5.05))
    write_episodes(tmp_path / 'episodes.npz', [log], np.zeros(3), SQUARE, 0.95)
    assert demo.main(['--rescore', str(tmp_path / 'episodes.npz')]) == 0
    assert capsys.readouterr().out == 'seed 7: 0.421053\n'  # 40 % of 95 %


@pytest.mark.parametrize(
    'words, message',
    [
        (['--episodes', '0'], '--episodes is 0, valid: 1 to 1000'),
        (['--policy', 'nowhere'], "policy is 'nowhere'"),
        (['--time-limit', '-1'], 'time limit is -1.0'),
        (['--seam', 'weld'], "seam is 'weld'"),
        (['--rescore', 'nowhere.npz'], 'cannot read nowhere.npz'),
    ],
)
def test_a_mistake_ends_the_command_with_one_line(tmp_path, capsys, words, message):
    assert demo.main(['--output', str(tmp_path), *words]) == demo.EXIT_FAILED
    assert message in capsys.readouterr().err


def test_a_new_run_begins_without_the_results_of_the_last(tmp_path):
    (tmp_path / 'episodes').mkdir()
    stale = [tmp_path / 'summary.json', tmp_path / 'episodes' / 'episode_001_seed_0.npz']
    other = tmp_path / 'notes.txt'
    for path in (*stale, other):
        path.touch()
    demo.prepare(SimpleNamespace(episodes=1, output=tmp_path))
    assert not any(path.exists() for path in stale)
    assert other.exists()


def test_logs_are_found_by_seed_and_a_missing_one_is_named(tmp_path):
    write_log_without_goal(tmp_path / 'episode_001_seed_5.npz', seed=5)
    write_scene_log(tmp_path / 'episode_002_seed_5.npz', seed=5)
    write_scene_log(tmp_path / 'episode_003_seed_6.npz', seed=6)
    logs = demo.load_logs(tmp_path, [record(seed=5), record(seed=6)])
    assert [log.seed for log in logs] == [5, 6]
    with pytest.raises(DatasetError, match=r'holds no goal of the seeds \[7\]'):
        demo.load_logs(tmp_path, [record(seed=7)])


def test_progress_is_short_where_nobody_watches(capsys):
    progress = demo.Progress('episode 1/1')
    for number in range(50):
        progress.show(f'step {number}')
    progress.show('done', is_last=True)
    assert capsys.readouterr().out == 'episode 1/1  step 0\nepisode 1/1  done\n'


def test_the_line_that_stays_tells_score_and_why_it_ended():
    line = demo.ending(record(score=0.5, late=2, outcome='TIMEOUT'))
    assert all(word in line for word in ('score 0.500', 'late ticks 2', 'timeout'))
