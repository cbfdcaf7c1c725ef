# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of `bag_samples`, as a recorder gets them."""

from bag_samples import contract
from bag_samples import recording
from bag_samples import STORE
from bag_samples import T0
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.episodes import Episodes
from dp_data_tools.recording.recorder import Recorder
from dp_data_tools.recording.recorder import RecorderSettings
from dp_data_tools.recording.wanted import wanted_topics

STORAGES = ('mcap', 'sqlite3')
TIME = {'sec': 9223372036, 'nsec': 854775807}
RELIABLE = {
    'history': 'keep_last',
    'depth': 10,
    'reliability': 'reliable',
    'durability': 'volatile',
    'deadline': TIME,
    'lifespan': TIME,
    'liveliness': 'automatic',
    'liveliness_lease_duration': TIME,
    'avoid_ros_namespace_conventions': False,
}


def topic(name, msgtype):
    """The topic as a node would describe it."""
    text, _ = STORE.generate_msgdef(msgtype, ros_version=2)
    return RecordedTopic(name, msgtype, text, 'ros2msg', STORE.hash_rihs01(msgtype), (RELIABLE,))


def samples(**options):
    """(topic, log time [ns], serialized) of `bag_samples.recording`, and the topics."""
    rows = recording(**options)
    messages = [
        (n, T0 + round(ms * 1e6), bytes(STORE.serialize_cdr(m, k))) for n, k, ms, m in rows
    ]
    return messages, [topic(*each) for each in dict.fromkeys((n, k) for n, k, _, _ in rows)]


class Clock:
    """Says what it was told last."""

    def __init__(self):
        self.now_ns = T0

    def __call__(self):
        return self.now_ns


def make_recorder(root, clock=None, storage='mcap', **changes):
    """Recorder of the sample's topics that does not look at the disk's room."""
    create = {'create': changes.pop('create')} if 'create' in changes else {}
    settings = RecorderSettings(root, storage, **{'min_free_bytes': 0, **changes})
    wanted = wanted_topics(contract(), ['/commands'])
    facts = {'contract': 'name: sample\n', 'task': 'push'}
    return Recorder(settings, wanted, facts, clock or Clock(), **create)


def play(recorder, clock, messages):
    """Give a recorder messages that were sent a millisecond before they are received."""
    for name, log_ns, data in messages:
        clock.now_ns = log_ns
        recorder.take(name, log_ns, log_ns - 1_000_000, data)


def record_one(tmp_path, storage='mcap', **changes):
    """Record the sample as one episode; return recorder, episodes and its messages."""
    clock = Clock()
    recorder = make_recorder(tmp_path / 'demos', clock, storage, **changes)
    messages, topics = samples()
    for each in topics:
        recorder.know(each)
    episodes = Episodes(recorder)
    assert episodes.start().success
    play(recorder, clock, messages)
    return recorder, episodes, messages
