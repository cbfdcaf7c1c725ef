# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are no bag, or of another world, are told by name; the other bags are converted."""

import errno
from pathlib import Path
import shutil
import sqlite3

from bag_samples import IMAGE
from bag_samples import image
from bag_samples import JOINT_STATE
from bag_samples import MS
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from bag_samples import write_bag
from conversion import forbid
from conversion import run
from dp_core.replay_buffer import load_dataset
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionMode
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


def page_of_a_picture_lost(bag):
    """A page of the database, within a picture, is zero; the rest can be read."""
    shutil.rmtree(bag)
    pixels = np.full((64, 64, 3), 77, np.uint8)
    entries = [
        (t, k, ms, image(ms, pixels, 'rgb8') if k == IMAGE else m)
        for t, k, ms, m in recording(1.0)
    ]
    write_bag(bag, entries, StoragePlugin.SQLITE3)
    path, page = next(bag.glob('*.db3')), 4096
    content = path.read_bytes()
    pages = [content[at : at + page] for at in range(0, len(content), page)]
    lost = next(k for k, each in enumerate(pages) if set(each[4:]) == {77})
    path.write_bytes(b''.join([*pages[:lost], bytes(page), *pages[lost + 1 :]]))
    return bag


def compressed(mode, storage=StoragePlugin.MCAP, damaged=True, metadata=True):
    """A compressed bag, of which the first compressed data are damaged."""

    def change(bag):
        shutil.rmtree(bag)
        write_bag(bag, recording(1.0), storage, mode)
        path = next(path for path in bag.iterdir() if path.suffix != '.yaml')
        content = path.read_bytes()
        at = content.index(b'\x28\xb5\x2f\xfd') + 4  # all of zstd begins so
        if damaged:
            path.write_bytes(content[:at] + b'\xff' * 12 + content[at + 12 :])
        if not metadata:
            (bag / 'metadata.yaml').unlink()
        return bag

    return change


def huge_record(bag):
    """The length of a record, such as that of the header, is damaged."""
    path = next(bag.glob('*.mcap'))
    content = path.read_bytes()
    path.write_bytes(content[:9] + b'\xff' * 6 + content[15:])
    return bag


def link_to_nowhere(bag):
    shutil.rmtree(bag)
    bag.mkdir()
    (bag / 'x.mcap').symlink_to('nowhere')
    return bag


def last_part_alone(bag):
    """The recorder was killed while it compressed the first of two files."""
    file = next(bag.glob('*.mcap'))
    file.rename(bag / 'x_1.mcap')
    (bag / 'x_0.mcap.zstd').write_bytes(b'')
    (bag / 'metadata.yaml').unlink()
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
    'a database with a damaged page': (page_of_a_picture_lost, 'image is malformed'),
    'a compressed file with damage': (compressed(CompressionMode.FILE), 'cannot read bag '),
    'a compressed message with damage': (compressed(CompressionMode.MESSAGE), 'is damaged after '),
    'the same in a database': (
        compressed(CompressionMode.MESSAGE, StoragePlugin.SQLITE3),
        'is damaged after ',
    ),
    'a compressed file without metadata': (
        compressed(CompressionMode.FILE, damaged=False, metadata=False),
        ".mcap.zstd'] are compressed, which only a metadata.yaml tells: name the folder that has",
    ),
    'one compressed part of two': (
        last_part_alone,
        "['x_0.mcap.zstd'] are compressed, which only a metadata.yaml tells",
    ),
    'a record longer than any memory': (huge_record, 'cannot read bag '),
    'a link that leads nowhere': (link_to_nowhere, "x.mcap' does not exist"),
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


@pytest.mark.parametrize('given', ['the folder above', 'the folder itself'])
def test_a_folder_that_may_not_be_read_is_told(tmp_path, monkeypatch, capsys, given):
    good, lost = tmp_path / 'disk' / 'good', tmp_path / 'disk' / 'lost+found'
    write_bag(good, recording(1.0))
    lost.mkdir()
    forbid(monkeypatch, lost)
    bags = [tmp_path / 'disk'] if given == 'the folder above' else [good, lost]
    assert run(tmp_path, bags) == 1
    assert f'{lost}: cannot read bag {lost}: Permission denied' in capsys.readouterr().err
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [10]


@pytest.mark.parametrize('path', ['a', '.'])
def test_reasons_name_the_bag_and_stay_whole_otherwise(tmp_path, monkeypatch, path):
    """The path of a bag may be a word, or a dot, of the reason."""
    write_bag(tmp_path / 'good', recording(1.0))
    bad = write_bag(tmp_path / 'monday' / 'a', recording(1.0))
    good = write_bag(tmp_path / 'tuesday' / 'a', recording(1.0))
    (bad / 'metadata.yaml').write_text('{{{')
    monkeypatch.chdir(bad.parent if path == 'a' else bad)
    assert run(tmp_path, [Path(path), good]) == 1
    failure = yaml.safe_load((tmp_path / 'out' / 'conversion.yaml').read_text())['failures'][0]
    assert failure['bag'] == 'monday/a'
    file = 'monday/a/metadata.yaml' if path == 'a' else 'metadata.yaml'
    words = f'cannot read bag monday/a: Could not load YAML from {file}: '
    assert failure['reason'].startswith(words)
    assert 'a recording that was killed may be repaired by `dp_data_tools rec' in failure['reason']


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
