# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings with known numbers become datasets with known numbers; bad ones leave nothing."""

from dataclasses import replace
from pathlib import Path

from bag_samples import contract
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import MS
from bag_samples import plane_contract
from bag_samples import POSE
from bag_samples import pose
from bag_samples import recording
from bag_samples import T0
from bag_samples import write_bag
from dp_core.decode import decode
from dp_core.errors import NotReadyError
from dp_core.replay_buffer import load_dataset
from dp_core.sync import Synchronizer
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.cli import main
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

SAMPLE = Path(__file__).parents[4] / 'shared' / 'data' / 'so101_rosbag2' / 'ep4'


def run(tmp_path, bags, what=None, output='out', action=('--action-topic', '/commands')):
    """Run `dp_data_tools convert` and return its exit status."""
    (what or contract()).save(tmp_path / 'contract.yaml')
    bags = [str(bag) for bag in (bags if isinstance(bags, list) else [bags])]
    files = ['--contract', str(tmp_path / 'contract.yaml'), '--output', str(tmp_path / output)]
    return main(['convert', *bags, *files, *action])


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
    assert run(tmp_path, bag, late, 'states', ('--action-state', '/joint_states')) == 0
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
    assert run(tmp_path, bag, late, 'states', ('--action-state', '/joint_states')) == 0
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
    assert f'{long}: 30 frames, 3.0 s' in said
    assert 'out: 2 episodes, 40 frames' in said
    assert 'bag: short' in (tmp_path / 'out' / 'episodes.yaml').read_text()


def test_the_same_bags_give_the_same_bytes(tmp_path):
    bag = write_bag(tmp_path / 'bag', recording())
    assert run(tmp_path, bag, output='one') == run(tmp_path, bag, output='two') == 0
    one, two = (
        {p.relative_to(root): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file()}
        for root in (tmp_path / 'one', tmp_path / 'two')
    )
    assert len(one) > 8
    assert one == two


def live_windows(bag, what):
    """Windows that the robot would have made while the bag was recorded, by t_obs."""
    synchronizer, windows = Synchronizer(what), {}
    topics = {'/joint_states': 'arm', '/front/image_raw': 'front'}
    with BagReader(bag) as reader:
        for topic, now_ns, message in reader.messages(topics):
            name = topics[topic]
            event_ns, value = decode(what.stream(name), message)
            synchronizer.push(name, event_ns, value, now_ns)
            try:
                window = synchronizer.window(now_ns)
            except NotReadyError:
                continue
            windows[window.t_obs_ns] = window  # the last one knows the samples after t_obs
    return windows


def test_training_rows_are_what_the_robot_sees_live(tmp_path):
    bag = write_bag(tmp_path / 'bag', recording(delay=9.0))
    assert run(tmp_path, bag) == 0
    data = load_dataset(tmp_path / 'out')[1].data
    windows, compared = live_windows(bag, contract()), 0
    ticks = [T0 + round(100 * i * MS) for i in range(30)]
    for i, tick in enumerate(ticks):
        window = windows.get(tick)
        if i == 0 or window is None:
            continue
        assert np.array_equal(window.images['front'], data['front'][i - 1 : i + 1])
        assert np.allclose(window.low_dim['arm'], data['arm'][i - 1 : i + 1], atol=1e-7)
        compared += 1
    assert compared >= 25


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
    assert '_action_0: stops early' in capsys.readouterr().out


def between(name, start, end):
    """Drop the messages of a topic in a time [ms]."""
    return lambda topic, ms: topic == name and start < ms < end


def nan_at_1_s():
    messages = recording()
    bad = ('/joint_states', JOINT_STATE, 1004.5, joints(1000.5, (np.nan, 0.0)))
    return sorted([*messages, bad], key=lambda entry: entry[2])


def stamp_of_next_year():
    far = ('/joint_states', JOINT_STATE, 1004.5, joints(3e10, (0.0, 0.0)))
    return sorted([*recording(), far], key=lambda entry: entry[2])


BROKEN = {
    'gap of a camera': (
        lambda: recording(drop=between('/front/image_raw', 1000, 1400)),
        "'front' has no picture for 0.400 s after 1700000001.000",
    ),
    'gap of numbers': (
        lambda: recording(drop=between('/joint_states', 1000, 1450)),
        "'arm' has a gap",
    ),
    'pause of numbers': (
        lambda: recording(4.0, drop=between('/joint_states', 1000, 2800)),
        "'arm' pauses for more than 1.0 s",
    ),
    'no messages at all': (lambda: [], 'is missing; the bag has no topics'),
    'a topic is missing': (
        lambda: recording(drop=between('/front/image_raw', -1, 9999)),
        'topic /front/image_raw is missing; the bag has /commands (sensor_msgs/msg/JointState, 1',
    ),
    'not a number': (nan_at_1_s, '/joint_states: NaN or infinity'),
    'a stamp of another year': (stamp_of_next_year, "the stamps of 'arm' move by 2999"),
    'another joint': (
        lambda: [
            (t, k, ms, joints(ms, (0.0, 0.0), ('a', 'c')) if t == '/joint_states' else m)
            for t, k, ms, m in recording(0.5)
        ],
        "/joint_states: joints ['b'] are missing",
    ),
    'another type': (
        lambda: [
            (t, POSE, ms, pose(ms, 0.0, 0.0)) if t == '/commands' else (t, k, ms, m)
            for t, k, ms, m in recording(0.5)
        ],
        "/commands is of type geometry_msgs/msg/PoseStamped, valid: ['sensor_msgs",
    ),
    'streams that never overlap': (
        lambda: [
            *recording(0.5, drop=between('/commands', -1, 9999)),
            ('/commands', JOINT_STATE, 5000, joints(5000, (0.0, 0.0))),
        ],
        'at no time all streams are known',
    ),
}


@pytest.mark.parametrize('case', BROKEN)
def test_a_bad_recording_is_refused_and_leaves_nothing(tmp_path, capsys, case):
    make, words = BROKEN[case]
    good = write_bag(tmp_path / 'good', recording(0.5))
    bad = write_bag(tmp_path / 'bad', make())
    before = sorted(tmp_path.iterdir())
    assert run(tmp_path, [good, bad]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert f'{bad}: ' in said
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / 'contract.yaml'])


@pytest.mark.parametrize('storage', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize('kept', [0.0, 0.5, 0.95])
def test_a_truncated_bag_is_refused(tmp_path, capsys, storage, kept):
    bag = write_bag(tmp_path / 'bag', recording(), storage)
    data = next(p for p in bag.iterdir() if p.suffix in ('.mcap', '.db3'))
    content = data.read_bytes()
    data.write_bytes(content[: int(kept * len(content))])
    assert run(tmp_path, bag) == 1
    assert not (tmp_path / 'out').exists()
    said = capsys.readouterr().err
    assert f'cannot read bag {bag}' in said or f'bag {bag} is damaged' in said


def test_a_missing_bag_is_named(tmp_path, capsys):
    assert run(tmp_path, tmp_path / 'nowhere') == 1
    assert f'cannot read bag {tmp_path / "nowhere"}' in capsys.readouterr().err


def test_nothing_is_overwritten(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', recording(0.5))
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'precious').write_text('data')
    assert run(tmp_path, bag) == 1
    assert 'exists already' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'precious').read_text() == 'data'


def test_the_same_bag_twice_is_refused(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', recording(0.5))
    assert run(tmp_path, [bag, bag]) == 1
    assert 'are given more than once' in capsys.readouterr().err


def test_a_crash_while_writing_leaves_nothing(tmp_path, monkeypatch):
    bag = write_bag(tmp_path / 'bag', recording(0.5))

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr('dp_data_tools.convert._summary', crash)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, bag)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['bag', 'contract.yaml']


@pytest.mark.parametrize(
    ('action', 'words'),
    [
        ((), "group 'arm' has 0 sources []"),
        (('--action-topic', '/a', '--action-state', '/b'), "has 2 sources ['/a', '/b']"),
        (('--action-topic', 'leg=/a'), "no action group 'leg'; the contract has ['arm']"),
    ],
)
def test_actions_need_one_source_each(tmp_path, capsys, action, words):
    bag = write_bag(tmp_path / 'bag', recording(0.5))
    assert run(tmp_path, bag, action=action) == 1
    assert words in capsys.readouterr().err


def test_a_benchmark_contract_has_no_bags(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', recording(0.5))
    what = contract(observations=[{'name': 's', 'kind': 'vector', 'length': 2}])
    assert run(tmp_path, bag, what) == 1
    assert "'s' is of kind 'vector'; bags can feed" in capsys.readouterr().err


def test_info_lists_topics_types_counts_and_rates(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', recording(2.0))
    assert main(['info', str(bag)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith('410 messages')
    assert said[1].split() == ['/commands', JOINT_STATE, '100', '50.2', 'Hz']
    assert said[3].split()[:3] == ['/joint_states', JOINT_STATE, '250']
    assert main(['info', str(tmp_path / 'nowhere')]) == 1


def test_help_shows_an_example(capsys):
    for arguments in (['--help'], ['convert', '--help']):
        with pytest.raises(SystemExit) as leave:
            main(arguments)
        assert leave.value.code == 0
        assert 'dp_data_tools convert take_* --contract contract.yaml' in capsys.readouterr().out
    with pytest.raises(SystemExit) as leave:
        main(['convert'])
    assert leave.value.code == 2


@pytest.mark.skipif(not SAMPLE.is_dir(), reason='the recorded sample is not on this machine')
def test_the_recorded_sample(tmp_path):
    names = ['shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper']
    camera = {'name': 'wrist', 'kind': 'image', 'topic': 'camera/wrist/image_raw'}
    arm = {'name': 'arm', 'kind': 'joint_state', 'topic': 'joint_states', 'joints': names}
    group = {'name': 'arm', 'kind': 'joint_position', 'dims': names, 'joints': names}
    what = contract(
        observations=[{**camera, 'size': [90, 160]}, arm],
        actions=[{**group, 'controller': 'jtc'}],
    )
    assert run(tmp_path, SAMPLE, what, action=('--action-topic', '/joint_commands')) == 0
    buffer = load_dataset(tmp_path / 'out')[1]
    assert buffer.episode_ends.tolist() == [30]
    assert buffer.data['wrist'].shape == (30, 90, 160, 3)
    with BagReader(SAMPLE) as reader:
        states = [m for _, _, m in reader.messages(['/joint_states'])]
    # Joint states and pictures share their stamps: every third message, exactly.
    expected = [dict(zip(m.name, m.position)) for m in states[::3]]
    assert buffer.data['arm'] == pytest.approx(
        np.array([[row[name] for name in names] for row in expected]), abs=1e-6
    )
