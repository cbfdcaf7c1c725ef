# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The sample episode: joint k is commanded sin(t + k), and measured at the same time."""

import dataclasses
import json

from dp_bringup import motion_plot
from dp_bringup import motion_timing
from dp_bringup.chunk_log import write_chunks
from dp_bringup.episode_log import EpisodeLog
import numpy as np
import pytest

pytest.importorskip('dp_msgs.msg')

from episode_samples import chunk
from episode_samples import JOINTS
from episode_samples import START_NS
from episode_samples import write_log_without_goal
from episode_samples import write_scene_log


def planned(number, late_s=0.0):
    """Return a chunk that planned what is commanded `late_s` after it was meant."""
    bare = chunk(number)
    meant_s = (bare.times_ns - START_NS) * 1e-9
    plan = np.stack([np.sin(meant_s + late_s + k) for k in range(6)], axis=1)
    return dataclasses.replace(bare, positions=plan)


@pytest.fixture
def run(tmp_path):
    """Return the folder of a run with one episode, 20 ms late."""
    (tmp_path / 'episodes').mkdir()
    write_scene_log(tmp_path / 'episodes' / 'episode_000_seed_0.npz')
    write_scene_log(tmp_path / 'episodes' / 'episode_001_seed_3.npz', seed=3)
    write_chunks(tmp_path / 'chunks.npz', [[planned(n, late_s=-0.02) for n in range(6)]])
    return tmp_path


def test_a_plan_that_is_driven_20_ms_early_is_found(run):
    log, chunks = motion_plot.load(run, 0)
    assert log.seed == 3
    timing = motion_timing.episode_timing(log, chunks)
    assert timing['command_shift_ms'] == pytest.approx(-20.0, abs=0.2)
    assert timing['servo_lag_ms'] == pytest.approx(0.0, abs=0.2)


def test_a_reset_that_was_asked_for_twice_changes_nothing(run):
    episodes = run / 'episodes'
    (episodes / 'episode_001_seed_3.npz').rename(episodes / 'episode_002_seed_3.npz')
    write_log_without_goal(episodes / 'episode_001_seed_3.npz', seed=3)
    log, _ = motion_plot.load(run, 0)
    assert log.seed == 3
    assert motion_timing.run_timing(run)['episodes'] == 1


def test_a_servo_that_follows_50_ms_later_is_found(run):
    log, chunks = motion_plot.load(run, 0)
    late = np.stack([np.sin(log.time_s - 0.05 + k) for k in range(6)], axis=1)
    lagging = dataclasses.replace(log, measured=late)
    timing = motion_timing.episode_timing(lagging, chunks)
    assert timing['servo_lag_ms'] == pytest.approx(50.0, abs=0.2)


def test_only_steps_in_charge_and_past_the_fade_count(run):
    log, chunks = motion_plot.load(run, 0)
    times_s, plans = motion_timing.driven_steps(log, chunks[:2])
    # Chunk 0 takes over at 1.0 s and is replaced at 1.8 s: its steps 1.4 .. 1.7 s remain;
    # chunk 1 holds until its last step at 3.2 s: 2.2 .. 3.1 s.
    expected = [*np.arange(1.4, 1.75, 0.1), *np.arange(2.2, 3.15, 0.1)]
    np.testing.assert_allclose(times_s, expected, atol=1e-6)
    assert plans.shape == (14, 6)


def test_commands_write_their_files(run, capsys):
    assert motion_timing.main([str(run)]) == 0
    assert json.loads((run / 'timing.json').read_text())['chunks'] == 6
    assert motion_plot.main([str(run), '--joint', JOINTS[2]]) == 0
    assert (run / 'motion.png').stat().st_size > 10_000
    assert motion_plot.main([str(run), '--joint', 'knee']) == 1
    assert "'knee'" in capsys.readouterr().err
    assert motion_timing.main([str(run / 'episodes')]) == 1


def test_the_busiest_joint_is_the_one_that_spans_most(run):
    log = EpisodeLog.load(run / 'episodes' / 'episode_001_seed_3.npz')
    still = log.commanded * ([0, 0, 1, 0, 0, 0.5])
    joint = motion_plot.busiest_joint(dataclasses.replace(log, commanded=still), 2.0, 6.0)
    assert joint == JOINTS[2]
