# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings with known numbers become datasets with known numbers."""

from dataclasses import replace
from pathlib import Path

from bag_samples import contract
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import plane_contract
from bag_samples import POSE
from bag_samples import pose
from bag_samples import recording
from bag_samples import so101_contract
from bag_samples import write_bag
from conversion import run
from conversion import STATES
from dp_core.replay_buffer import load_dataset
from dp_data_tools.bag_reader import BagReader
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

# The arm of the sample stands still: that is taken for rest.
SAMPLE_ACTION = ('--action-topic', '/joint_commands', '--idle-speed', '0')
SAMPLE = Path(__file__).parents[4] / 'shared' / 'data' / 'so101_rosbag2' / 'ep4'


@pytest.mark.parametrize('storage', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize('compressed', [False, True])
def test_a_bag_becomes_an_episode(tmp_path, storage, compressed):
    bag = write_bag(tmp_path / 'bag', recording(compressed=compressed), storage)
    assert run(tmp_path, bag) == 0
    loaded, buffer = load_dataset(tmp_path / 'out')
    assert loaded == contract()
    assert buffer.episode_ends.tolist() == [30]
    assert buffer.data['front'].dtype == np.uint8
    # Every third picture from the first one on, and the joints of that very time.
    assert buffer.data['front'][:, 4, 4, 0].tolist() == [3 * i for i in range(30)]
    t = 0.1 * np.arange(30)
    assert buffer.data['arm'][:, 0] == pytest.approx(t, abs=1e-6)
    assert buffer.data['arm'][:, 1] == pytest.approx(t * t, abs=2e-5)  # a chord over 8 ms
    assert buffer.data['action'][:, 0] == pytest.approx(t + 0.05, abs=1e-6)


def test_commands_are_read_at_the_tick_and_states_action_offset_later(tmp_path):
    bag = write_bag(tmp_path / 'bag', recording())
    late = contract(offset_s=0.1)
    assert run(tmp_path, bag, late, 'commands') == 0
    assert run(tmp_path, bag, late, 'states', STATES) == 0
    t = 0.1 * np.arange(30)
    commands = load_dataset(tmp_path / 'commands')[1].data['action'][:, 0]
    assert commands == pytest.approx(t + 0.05, abs=1e-6)
    states = load_dataset(tmp_path / 'states')[1].data['action'][:, 0]
    assert states == pytest.approx(t[:29] + 0.1, abs=1e-6)  # the last tick has no future


def test_calibrated_latencies_move_commands_to_their_motion_and_states_back(tmp_path):
    bag = write_bag(tmp_path / 'bag', recording())
    what = contract(offset_s=0.1)
    arm, group = what.stream('arm'), what.actions[0]
    streams = tuple(replace(s, latency_s=0.02) if s == arm else s for s in what.observations)
    late = replace(what, observations=streams, actions=(replace(group, latency_s=0.04),))
    assert run(tmp_path, bag, late, 'commands') == 0
    assert run(tmp_path, bag, late, 'states', STATES) == 0
    commands, states = (load_dataset(tmp_path / name)[1].data for name in ('commands', 'states'))
    t = commands['arm'][:, 0]  # arm says when it was stamped, a command 0.05 s more
    assert commands['action'][:, 0] == pytest.approx(t - 0.02 + 0.05 - 0.04, abs=1e-6)
    assert states['action'][:, 0] == pytest.approx(states['arm'][:, 0] + 0.1, abs=1e-6)


def test_without_cameras_the_rows_lie_on_an_exact_grid(tmp_path):
    bag = write_bag(tmp_path / 'bag', recording())
    assert run(tmp_path, bag, contract(camera=False)) == 0
    arm = load_dataset(tmp_path / 'out')[1].data['arm']
    assert np.diff(arm[:, 0]) == pytest.approx(0.1, abs=1e-6)


def test_tool_poses_feed_a_tool_plane(tmp_path):
    messages = [('/tool_pose', POSE, 10 * i, pose(10 * i, 0.01 * i, 1.0)) for i in range(101)]
    bag = write_bag(tmp_path / 'bag', messages)
    what = plane_contract(offset_s=0.2)
    assert run(tmp_path, bag, what, action=('--action-state', 'arm=tool_pose')) == 0
    data = load_dataset(tmp_path / 'out')[1].data
    assert data['tool'][:, 0] == pytest.approx(0.1 * np.arange(9), abs=1e-6)
    assert data['action'] == pytest.approx(data['tool'] + [0.2, 0.0], abs=1e-6)


def test_each_bag_is_one_episode_in_the_order_given(tmp_path, capsys):
    long = write_bag(tmp_path / 'long', recording(3.0))
    short = write_bag(tmp_path / 'short', recording(1.0))
    assert run(tmp_path, [long, short]) == 0
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [30, 40]
    said = capsys.readouterr().out
    assert 'long, episode 0: 30 frames, 3.0 s' in said
    assert 'out: 2 episodes, 40 frames' in said
    assert 'bag: short' in (tmp_path / 'out' / 'episodes.yaml').read_text()


def test_messages_out_of_order_are_counted_and_left_out(tmp_path, capsys):
    messages = recording()
    late = joints(996, (-9.0, -9.0))
    messages.append(('/joint_states', JOINT_STATE, 1020, late))
    bag = write_bag(tmp_path / 'bag', sorted(messages, key=lambda entry: entry[2]))
    assert run(tmp_path, bag) == 0
    assert 'arm: 1 messages out of order left out' in capsys.readouterr().out
    assert load_dataset(tmp_path / 'out')[1].data['arm'].min() >= 0.0


def test_a_stream_that_ends_early_ends_the_episode_and_is_reported(tmp_path, capsys):
    messages = recording(drop=lambda topic, ms: topic == '/commands' and ms > 1500)
    assert run(tmp_path, write_bag(tmp_path / 'bag', messages)) == 0
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [16]
    assert '/commands: stops early' in capsys.readouterr().out


@pytest.mark.parametrize('camera', [True, False])
def test_a_reference_that_ends_early_is_reported_as_well(tmp_path, capsys, camera):
    """Rows wait for no camera, or it is the camera itself that died."""
    gone = '/front/image_raw' if camera else '/joint_states'
    messages = recording(5.0, drop=lambda topic, ms: topic == gone and ms > 1500)
    bag = write_bag(tmp_path / 'bag', messages)
    assert run(tmp_path, bag, contract(camera)) == 0
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [16 if camera else 15]
    assert f'{"front" if camera else "arm"}: stops early' in capsys.readouterr().out


@pytest.mark.skipif(not SAMPLE.is_dir(), reason='the recorded sample is not on this machine')
def test_the_recorded_sample(tmp_path):
    assert run(tmp_path, SAMPLE, so101_contract(), action=SAMPLE_ACTION) == 0
    buffer = load_dataset(tmp_path / 'out')[1]
    assert buffer.episode_ends.tolist() == [30]
    assert buffer.data['wrist'].shape == (30, 90, 160, 3)
    with BagReader(SAMPLE) as reader:
        states = [m for _, _, m in reader.messages(['/joint_states'])]
    # Joint states and pictures share their stamps: every third message, exactly.
    expected = [dict(zip(m.name, m.position)) for m in states[::3]]
    assert buffer.data['arm'] == pytest.approx(
        np.array(
            [[row[name] for name in so101_contract().stream('arm').joints] for row in expected]
        ),
        abs=1e-6,
    )
