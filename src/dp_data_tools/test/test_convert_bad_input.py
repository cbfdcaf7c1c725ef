# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Bad recordings are refused with file, topic and time; the others are converted."""

from bag_samples import contract
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import POSE
from bag_samples import pose
from bag_samples import recording
from bag_samples import write_bag
from conversion import run
from dp_core.replay_buffer import load_dataset
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin
import yaml


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
            for t, k, ms, m in recording(1.0)
        ],
        "/joint_states: joints ['b'] are missing",
    ),
    'another type': (
        lambda: [
            (t, POSE, ms, pose(ms, 0.0, 0.0)) if t == '/commands' else (t, k, ms, m)
            for t, k, ms, m in recording(1.0)
        ],
        "/commands is of type geometry_msgs/msg/PoseStamped, valid: ['sensor_msgs",
    ),
    'streams that never overlap': (
        lambda: [
            *recording(1.0, drop=between('/commands', -1, 9999)),
            ('/commands', JOINT_STATE, 5000, joints(5000, (0.0, 0.0))),
        ],
        'at no time all streams are known',
    ),
}


@pytest.mark.parametrize('case', BROKEN)
def test_a_bad_recording_is_told_and_the_others_are_converted(tmp_path, capsys, case):
    make, words = BROKEN[case]
    good = write_bag(tmp_path / 'good', recording(1.0))
    bad = write_bag(tmp_path / 'bad', make())
    assert run(tmp_path, [bad, good]) == 1
    said = capsys.readouterr().err
    assert '1 failed:' in said
    told = next(line for line in said.splitlines() if line.startswith(f'{bad}: '))
    assert words in told
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [10]
    conversion = yaml.safe_load((tmp_path / 'out' / 'conversion.yaml').read_text())
    assert [entry['bag'] for entry in conversion['failures']] == ['bad']
    assert str(tmp_path) not in str(conversion)
    # Alone it leaves nothing at all.
    before = sorted(tmp_path.iterdir())
    assert run(tmp_path, bad, output='alone') == 1
    assert sorted(tmp_path.iterdir()) == before


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


@pytest.mark.parametrize(
    ('action', 'words'),
    [
        ((), "group 'arm' has 0 sources []"),
        (('--action-topic', '/a', '--action-state', '/b'), "has 2 sources ['/a', '/b']"),
        (('--action-topic', 'leg=/a'), "no action group 'leg'; the contract has ['arm']"),
    ],
)
def test_actions_need_one_source_each(tmp_path, capsys, action, words):
    bag = write_bag(tmp_path / 'bag', recording(1.0))
    assert run(tmp_path, bag, action=action) == 1
    assert words in capsys.readouterr().err


def test_a_benchmark_contract_has_no_bags(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', recording(1.0))
    what = contract(observations=[{'name': 's', 'kind': 'vector', 'length': 2}])
    assert run(tmp_path, bag, what) == 1
    assert "'s' is of kind 'vector'; bags can feed" in capsys.readouterr().err
