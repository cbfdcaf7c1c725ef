# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The file of an episode: what it holds, and that it is never half."""

from dp_sim.scene_log import SceneLog
from dp_sim.scene_log import write_log
from dp_sim.scene_state import SceneState
from dp_sim.scene_state import Told
import numpy as np
import pytest

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS


def _state(stamp_ns):
    return SceneState(
        stamp_ns=stamp_ns,
        positions=np.full(2, 0.1),
        velocities=np.full(2, 0.2),
        command=np.array([[0.3, 0.3], [0.4, 0.4], [0.0, 0.0]]),
        reference=np.zeros((3, 2)),
        reference_time_ns=0,
        tool_position=np.array([0.5, 0.6, 0.7]),
        tool_orientation=np.array([0.0, 0.0, 0.0, 1.0]),
        block_pose=np.array([0.1, -0.1, 2.0]),
        block_position=np.array([0.1, -0.1, 0.02]),
        block_orientation=np.array([0.0, 0.0, 0.0, 1.0]),
        told=Told(np.zeros(2), np.zeros(2), np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])),
    )


@pytest.fixture
def log():
    log = SceneLog(7, 42, START_NS, ('a', 'b'))
    log.add_state(_state(START_NS))
    log.add_state(_state(START_NS + SECOND_NS // 2))
    log.add_coverage(START_NS, 0.25)
    log.begin_goal(START_NS + SECOND_NS)
    log.add_message(START_NS + SECOND_NS, True)
    log.add_message(START_NS + 2 * SECOND_NS, False)
    log.add_late_tick(START_NS + 2 * SECOND_NS)
    return log


def test_written_file_holds_what_happened(log, tmp_path):
    log.end_goal(START_NS + 3 * SECOND_NS)
    path = write_log(tmp_path / 'new', log.name, log.snapshot(1.01))
    assert path.name == 'episode_007_seed_42.npz'
    with np.load(path, allow_pickle=False) as data:
        np.testing.assert_allclose(data['time_s'], [0.0, 0.5])
        assert data['command_positions'].shape == (2, 2)
        assert data['command_velocities'][0, 0] == 0.4
        assert data['block_pose'][1].tolist() == [0.1, -0.1, 2.0]
        assert data['message_accepted'].tolist() == [True, False]
        assert (data['goal_begin_s'][0], data['goal_end_s'][0]) == (1.0, 3.0)
        assert data['late_time_s'].tolist() == [2.0]
        assert data['coverage'].tolist() == [0.25]
        assert data['joint_names'].tolist() == ['a', 'b']
        assert (data['seed'], data['realtime_factor']) == (42, 1.01)
        assert data['start_stamp_ns'] == START_NS


def test_goal_that_still_runs_has_no_end(log):
    assert np.isnan(log.snapshot(1.0)['goal_end_s']).all()


def test_snapshot_does_not_grow_with_the_log(log):
    snapshot = log.snapshot(1.0)
    log.add_state(_state(START_NS + SECOND_NS))
    assert len(snapshot['time_s']) == 2


def test_a_log_that_is_not_kept_stays_empty():
    log = SceneLog(7, 42, START_NS, ('a', 'b'), is_kept=False)
    log.add_state(_state(START_NS))
    log.add_coverage(START_NS, 0.25)
    log.add_message(START_NS, True)
    log.add_late_tick(START_NS)
    log.begin_goal(START_NS)
    log.end_goal(START_NS + SECOND_NS)
    snapshot = log.snapshot(1.0)
    constants = ('seed', 'episode', 'start_stamp_ns', 'joint_names', 'realtime_factor')
    assert all(not len(rows) for name, rows in snapshot.items() if name not in constants)
    assert snapshot['measured_positions'].shape == (0, 2)


def test_time_goes_on_evenly_when_the_clock_is_set(log):
    log.shift(-60 * SECOND_NS)
    log.add_state(_state(START_NS - 59 * SECOND_NS))
    snapshot = log.snapshot(1.0)
    np.testing.assert_allclose(snapshot['time_s'], [0.0, 0.5, 1.0])
    assert snapshot['start_stamp_ns'] == START_NS - 60 * SECOND_NS


def test_failed_write_keeps_the_old_file_and_leaves_no_part(log, tmp_path):
    path = write_log(tmp_path, log.name, log.snapshot(1.0))
    before = path.read_bytes()
    with pytest.raises(ValueError, match='inhomogeneous'):
        write_log(tmp_path, log.name, {'time_s': [[1.0], [1.0, 2.0]]})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [log.name]
