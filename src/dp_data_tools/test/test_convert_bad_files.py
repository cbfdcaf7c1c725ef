# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are no bag, or of another world, are told by name; the other bags are converted."""

import errno
from pathlib import Path
import shutil
import sqlite3

from bag_samples import IMAGE
from bag_samples import JOINT_STATE
from bag_samples import MS
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from bag_samples import write_bag
from conversion import run
from dp_core.replay_buffer import load_dataset
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_types_from_msg
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores
import yaml

TOPICS = {'/front/image_raw': IMAGE, '/joint_states': JOINT_STATE, '/commands': JOINT_STATE}


def metadata(content):
    """Change the metadata of a bag to bytes, or by a function of its text."""

    def change(bag):
        path = bag / 'metadata.yaml'
        path.write_bytes(content(path.read_text()).encode() if callable(content) else content)
        return bag

    return change


def file(name, content):
    """Put a file in the place of a bag."""

    def change(bag):
        path = bag.with_name(name)
        path.write_bytes(content)
        return path

    return change


def rename(bag):
    next(bag.glob('*.mcap')).rename(bag / 'other.mcap')
    return bag


def no_messages(bag):
    shutil.rmtree(bag)
    with Writer(bag, version=9) as writer:
        for topic, kind in TOPICS.items():
            writer.add_connection(topic, kind, typestore=STORE)
    return bag


def no_positions(bag):
    shutil.rmtree(bag)
    messages = recording(1.0)
    for topic, _, _, message in messages:
        if topic == '/joint_states':
            message.position = np.array([])
    return write_bag(bag, messages)


BROKEN = {
    'metadata that is no YAML': (metadata(b'{{{'), 'Could not load YAML'),
    'metadata that is no text': (metadata(b'\xff\xfe'), "can't decode byte 0xff"),
    'metadata that is empty': (metadata(b''), 'Invalid bag metadata'),
    'metadata of a distant future': (
        metadata(lambda text: text.replace('version: 9', 'version: 99')),
        'version 99 not supported',
    ),
    'messages of ROS 1': (
        metadata(lambda text: text.replace('format: cdr', 'format: ros1')),
        "{'ros1'} is not supported",
    ),
    'a file that has another name': (rename, "files are missing: ['"),
    'a bag of ROS 1': (file('take.bag', b'#ROSBAG V2.0\n'), "valid: ['.mcap', '.db3']"),
    'a text': (file('notes.txt', b'hello'), "valid: ['.mcap', '.db3']"),
    'a database that is none': (file('x.db3', b'hello' * 99), 'file is not a database'),
    'an mcap file that is none': (file('x.mcap', b'hello' * 99), 'File magic is invalid'),
    'topics without messages': (
        no_messages,
        'topic /joint_states has no messages; the bag has /commands (',
    ),
    'joints without positions': (
        no_positions,
        '/joint_states: 2 names but 0 positions, recorded at 1700000000.005',
    ),
}


@pytest.mark.parametrize('case', BROKEN)
def test_what_is_no_bag_is_told_and_the_others_are_converted(tmp_path, capsys, case):
    change, words = BROKEN[case]
    good = write_bag(tmp_path / 'good', recording(1.0))
    bad = change(Path(shutil.copytree(good, tmp_path / 'bad')))
    assert run(tmp_path, [bad, good]) == 1
    said = capsys.readouterr().err
    assert '1 failed:' in said
    assert f'{bad}: ' in said
    assert words in said
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [10]


def bag_with_an_unknown_type(folder):
    """A sqlite3 bag with a topic of a type that only its robot knows."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    store.register(get_types_from_msg('float64 x', 'my_msgs/msg/Odd'))
    odd = store.types['my_msgs/msg/Odd'](1.0)
    with Writer(folder, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        own = writer.add_connection('/odd', 'my_msgs/msg/Odd', typestore=store)
        writer.write(own, T0, store.serialize_cdr(odd, 'my_msgs/msg/Odd'))
        topics = {t: writer.add_connection(t, k, typestore=STORE) for t, k in TOPICS.items()}
        for topic, kind, ms, message in recording(1.0):
            writer.write(topics[topic], T0 + round(ms * MS), STORE.serialize_cdr(message, kind))
    return folder


def test_an_old_distribution_and_a_type_that_nobody_knows_change_nothing(tmp_path):
    """Foxy wrote no definitions, no hashes of types, and metadata of version 4."""
    old = bag_with_an_unknown_type(tmp_path / 'old')
    with sqlite3.connect(next(old.glob('*.db3'))) as database:
        database.execute('DROP TABLE message_definitions')
        database.execute('DROP TABLE schema')
    about = yaml.safe_load((old / 'metadata.yaml').read_text())
    known = about['rosbag2_bagfile_information']
    known['version'] = 4
    for name in ('files', 'custom_data', 'ros_distro'):
        known.pop(name, None)
    for topic in known['topics_with_message_count']:
        topic['topic_metadata'].pop('type_description_hash')
        topic['topic_metadata']['offered_qos_profiles'] = ''
    (old / 'metadata.yaml').write_text(yaml.safe_dump(about))
    new = write_bag(tmp_path / 'new', recording(1.0))
    assert run(tmp_path, old, output='a') == run(tmp_path, new, output='b') == 0
    one, two = (load_dataset(tmp_path / name)[1].data for name in 'ab')
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_a_topic_of_an_unknown_type_is_refused_by_name(tmp_path, capsys):
    old = bag_with_an_unknown_type(tmp_path / 'old')
    assert run(tmp_path, old, action=('--action-topic', '/odd')) == 1
    assert '/odd is of type my_msgs/msg/Odd, valid: [' in capsys.readouterr().err


def test_a_disk_that_may_only_be_read_is_named(tmp_path, monkeypatch, capsys):
    bag = write_bag(tmp_path / 'bag', recording(1.0))
    real = Path.mkdir

    def mkdir(path, *arguments, **options):
        if path.name == '.out.converting':
            raise OSError(errno.EROFS, 'Read-only file system', str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, 'mkdir', mkdir)
    assert run(tmp_path, bag) == 1
    assert f'cannot write in {tmp_path}: Read-only file system' in capsys.readouterr().err
