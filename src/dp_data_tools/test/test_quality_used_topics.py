# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What nobody uses condemns no take, and what is observed is not taken for a command."""

from bag_samples import contract
from bag_samples import IMAGE
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import POSE
from bag_samples import pose
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from bag_samples import write_bag
from dp_core.errors import DatasetError
from dp_data_tools.cli import main
from dp_data_tools.quality.examine import examine
from dp_data_tools.quality.scan import scan_bag
from dp_data_tools.quality.scan import scan_episodes
from dp_data_tools.quality.used_topics import is_command
from dp_data_tools.quality.used_topics import observed_topics
from dp_data_tools.recording.recover import recover
from dp_data_tools.recording.storage import create_file
import pytest
from quality_bags import between
from quality_bags import CAMERA
from quality_bags import messages
from quality_bags import noisy
from recording_samples import samples
from recording_samples import topic

OTHER = '/other/image_raw'
TWIST = 'geometry_msgs/msg/TwistStamped'
SHORT = b'\0\1\0\0odd'  # of no message whatever
TARGET = {'name': 'target', 'kind': 'pose', 'topic': 'target_pose', 'features': ['x', 'y']}
ARM = {'name': 'arm', 'kind': 'joint_state', 'topic': 'joint_states', 'joints': ['a', 'b']}


@pytest.mark.parametrize(
    'name',
    ['/commands', '/joint_command', '/cmd_vel', '/leader/joint_states', '/tool_target', '/Goal'],
)
def test_a_topic_with_a_word_for_commands_in_its_name_carries_commands(name):
    assert is_command(name)


@pytest.mark.parametrize(
    'name', ['/interaction_x', '/reaction', '/goalkeeper/image', '/transactions', '/joint_states']
)
def test_a_part_of_a_word_makes_no_command(name):
    assert not is_command(name)


def aimed(path):
    """Write a bag of an arm, and of a target that lies at a place which grows with the time."""
    made = [entry for entry in recording(1.0) if entry[0] == '/joint_states']
    made += [('/target_pose', POSE, 20 * k + 3, pose(20 * k, 0.01 * k, 0.2)) for k in range(50)]
    return write_bag(path, sorted(made, key=lambda entry: entry[2]))


@pytest.mark.parametrize(
    ('observations', 'named', 'commands'),
    [
        (None, [], ['/target_pose']),
        ([ARM], [], ['/target_pose']),
        ([ARM, TARGET], [], []),
        ([ARM, TARGET], ['target_pose'], ['/target_pose']),
        ([ARM, TARGET], ['/joint_states'], ['/joint_states']),
    ],
)
def test_what_is_observed_is_no_command_unless_it_is_named(
    tmp_path, observations, named, commands
):
    what = contract(observations=observations) if observations else None
    (episode,) = scan_episodes(aimed(tmp_path / 'bag'), named, contract=what)
    assert [track.name for track in episode.actions] == commands
    assert len(episode.tracks) == 2


def test_a_camera_is_observed_as_it_was_recorded():
    both = [CAMERA, f'{CAMERA}/compressed', '/joint_states']
    assert observed_topics(contract(), both) == {CAMERA, '/joint_states'}
    assert observed_topics(contract(), both[1:]) == {f'{CAMERA}/compressed', '/joint_states'}
    assert observed_topics(contract(), []) == {CAMERA, '/joint_states'}


def faulty(path):
    """Write a bag with a gap in the commands, four black pictures, and a camera that is black."""

    def change(name, k, ms):
        gap = between('/commands', 2000, 2700, drop=True)
        return {**gap(name, k, ms), **between(CAMERA, 990, 1110, value=3)(name, k, ms)}

    made = messages(4.0, change)
    made += [(OTHER, IMAGE, ms, noisy(ms, 0, 2)) for name, _, ms, _ in made if name == CAMERA]
    return write_bag(path, sorted(made, key=lambda entry: entry[2]))


def test_with_a_contract_only_its_topics_and_those_that_are_named_can_be_errors(tmp_path):
    episodes = [scan_bag(faulty(tmp_path / 'bag'))]

    def topics(severity, **options):
        found = examine(episodes, 'bag', **options)
        return {f.subject for f in found if f.severity == severity}

    assert topics('error') == {'/commands', CAMERA, OTHER}
    assert topics('error', contract=contract()) == {CAMERA}
    assert topics('warning', contract=contract()) >= {'/commands', OTHER}
    named = {'contract': contract(), 'commands': ['commands']}
    assert topics('error', **named) == {'/commands', CAMERA}


def test_a_take_is_not_dropped_for_a_camera_that_nobody_uses(tmp_path):
    made = messages(4.0)
    made += [(OTHER, IMAGE, ms, noisy(ms, 0, 2)) for name, _, ms, _ in made if name == CAMERA]
    bag = write_bag(tmp_path / 'bag', sorted(made, key=lambda entry: entry[2]))
    contract().save(tmp_path / 'c.yaml')
    words = ['check', str(bag), '--drop-list', str(tmp_path / 'drop.yaml')]
    assert main(words) == 1
    assert 'frozen /other/image_raw' in (tmp_path / 'drop.yaml').read_text()
    assert main([*words, '--contract', str(tmp_path / 'c.yaml')]) == 0
    assert (tmp_path / 'drop.yaml').read_text() == 'drop: []\n'


def with_bytes(folder, name, kind, good):
    """Write a bag of 50 commands and as many messages of another topic: ``good``, then bytes."""
    rows, topics = samples(seconds=1.0)
    file = create_file('mcap', folder, 'bag')
    for each in (*topics, topic(name, kind)):
        file.add_topic(each)
    left = list(good)
    for each, log_ns, data in rows:
        file.write(each, log_ns, log_ns, data)
        if each == '/commands':
            file.write(name, log_ns, log_ns, left.pop(0) if left else SHORT)
    file.close('')
    recover(folder)
    return folder


def test_bytes_that_are_no_message_end_nothing_on_a_topic_that_is_not_read(tmp_path):
    episode = scan_bag(with_bytes(tmp_path, '/lab/twist', TWIST, []))
    assert not episode.damage
    stamps = {each.topic: each for each in episode.stamps}
    assert len(stamps['/lab/twist'].recorded_ns) == 50
    assert stamps['/lab/twist'].header_ns is None
    assert len(stamps['/joint_states'].recorded_ns) == 125


def test_with_a_contract_only_what_is_used_must_be_readable(tmp_path):
    good = [bytes(STORE.serialize_cdr(joints(20 * k, (1.0, 2.0)), JOINT_STATE)) for k in range(9)]
    bag = with_bytes(tmp_path, '/lab/joint_states', JOINT_STATE, good)
    for options in ({}, {'contract': contract(), 'commands': ['/lab/joint_states']}):
        assert '/lab/joint_states, recorded at' in scan_episodes(bag, **options)[0].damage
    (episode,) = scan_episodes(bag, contract=contract())
    assert not episode.damage
    stamps = {each.topic: each for each in episode.stamps}
    assert len(stamps['/lab/joint_states'].recorded_ns) == 50
    assert stamps['/joint_states'].recorded_ns[0] == T0 + 5_000_000
    assert [track.name for track in episode.states] == ['/joint_states']


def test_a_command_that_is_missing_is_told_with_what_there_is(tmp_path):
    with pytest.raises(DatasetError, match=r"no messages on \['/none'\]; it has \['/joint_"):
        scan_bag(aimed(tmp_path / 'bag'), ['none'])
