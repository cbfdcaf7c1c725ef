# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One pass over a bag: the stamps of all its topics, its joints and poses, its pictures."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from pathlib import Path
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.bag_reader import Topic
from dp_data_tools.markers import BEGIN
from dp_data_tools.markers import DISCARD
from dp_data_tools.markers import meaning
from dp_data_tools.markers import require_markers
from dp_data_tools.open_bag import open_bag
from dp_data_tools.quality.collect import JointCollector
from dp_data_tools.quality.collect import PictureCollector
from dp_data_tools.quality.collect import PoseCollector
from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Stamps
from dp_data_tools.quality.pairs import pair_by_names
from dp_data_tools.quality.used_topics import UsedTopics
from dp_data_tools.raw_message import RawMessage
import numpy as np
from numpy.typing import NDArray

Collector = JointCollector | PoseCollector | PictureCollector
READ = ('JointState', 'PoseStamped', 'Image', 'CompressedImage')  # of others only the times count
# Stamps further from those of the other topics are of another clock [ns].
_OTHER_CLOCK_NS = 10_000_000_000


def scan_bag(path: Path, commands: Sequence[str] = ()) -> Episode:
    """Read a bag once, the whole of it as one episode; see `scan_episodes`."""
    return scan_episodes(path, commands)[0]


def scan_episodes(
    path: Path,
    commands: Sequence[str] = (),
    markers: Sequence[str] = (),
    contract: Contract | None = None,
) -> list[Episode]:
    """Read a bag once.

    Args:
        path: of the recording.
        commands: topics of commands; empty to tell them by their names.
        markers: topics that say where episodes begin and end; none: the bag is one episode.
        contract: what it observes is no command unless that is said, and only messages that it
            or ``commands`` name must be readable; None: all that are looked into.

    Returns:
        The episodes with the numbers that `convert` gives them, without those that a marker
        discards; what is readable of a damaged bag.

    Raises:
        DatasetError: there is no bag, or nothing of it can be read, or no such topic.
    """
    damage = ''
    with open_bag(path) as reader:
        known = reader.topics
        require_markers(markers, known)
        topics = [topic for topic in known.values() if topic.count and topic.name not in markers]
        used = UsedTopics(path, [topic.name for topic in topics], commands, contract)
        needed = used.among({topic.name for topic in topics if _kind(topic) in READ})
        stretches = [] if markers else [_Stretch(topics)]
        current = None if markers else stretches[0]
        contents = _Contents(reader, needed | {*markers})
        try:
            for raw in reader.raw_messages([t.name for t in topics] + [*markers]):
                name, message = raw.topic, contents.read(raw)
                if name in markers:
                    said = meaning(name, known[name].msgtype, message)
                    if said == BEGIN and current is None:
                        current = _Stretch(topics)
                        stretches.append(current)
                    elif said and said != BEGIN:
                        if said == DISCARD and stretches:  # the one that runs, or the last one
                            stretches[-1].discarded = True
                        current = None
                elif current is not None:
                    current.topics[name].push(raw.recorded_ns, message)
        except DatasetError as error:
            damage = str(error)
    episodes = [
        stretch.episode(path, used.commands, number, bool(markers))
        for number, stretch in enumerate(stretches)
        if not stretch.discarded
    ]
    if damage:
        first = Episode(str(path), 0, path.resolve().name, 0.0)
        episodes[-1:] = [dataclasses.replace(episodes[-1] if episodes else first, damage=damage)]
    return episodes


class _Contents:
    """Messages as objects; those that cannot be read are None, unless their topic is needed."""

    def __init__(self, reader: BagReader, needed: set[str]) -> None:
        self._reader, self._needed = reader, needed
        self._unread: set[str] = set()

    def read(self, raw: RawMessage) -> Any:
        """Message as an object, or None; raises DatasetError where it is damaged."""
        if raw.topic in self._unread:
            return None
        try:
            return self._reader.deserialize(raw)
        except DatasetError:  # of a type that nobody knows, or no message of its type
            if raw.topic in self._needed:
                raise
            raw.data()  # raises where it is the file that is damaged
            self._unread.add(raw.topic)
            return None


class _Stretch:
    """The messages of one episode of a bag.

    Attributes:
        topics: collect them, by name.
        discarded: a marker said so.
    """

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.topics = {topic.name: _Devices(topic) for topic in topics}
        self.discarded = False

    def episode(self, path: Path, commands: set[str], number: int, split: bool) -> Episode:
        """What was collected; ``number`` is that of the episode, ``split`` if others may be."""
        place = {'source': str(path), 'index': number, 'bag': path.resolve().name}
        heard = [device for topic in self.topics.values() for device in topic.named()]
        if not heard:
            return Episode(**place, duration_s=0.0, part=number, split=split, damage='it is empty')
        begin_ns = min(topic.recorded_ns[0] for topic in heard)
        end_ns = max(topic.recorded_ns[-1] for topic in heard)
        clock_ns = _usual_offset([topic.stamps() for topic in heard])
        tracks, pictures = [], []
        for topic in heard:
            times_s = topic.times_s(begin_ns, clock_ns)
            if isinstance(topic.collector, PictureCollector):
                pictures.append(topic.collector.pictures(times_s))
            elif topic.collector is not None:
                tracks.append(topic.collector.track(*_rising(times_s)))
        actions = [track for track in tracks if track.name.partition('[')[0] in commands]
        states = [track for track in tracks if track not in actions]
        return Episode(
            **place,
            duration_s=(end_ns - begin_ns) * 1e-9,
            states=tuple(states),
            actions=tuple(actions),
            pairs=pair_by_names(actions, states),
            pictures=tuple(pictures),
            stamps=tuple(topic.stamps() for topic in heard),
            part=number,
            split=split,
        )


class _Devices:
    """Collects the messages of one topic; two devices with joints of their own may share it."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._joints: list[set[str]] = []
        self._devices: list[_Device] = []

    def push(self, recorded_ns: int, message: Any) -> None:
        """Add a message."""
        if message is None and self._devices:  # whosever it is, it cannot be read
            self._devices[0].push(recorded_ns, None)
            return
        names = {''}
        # A name in messages of other types may be that of anything.
        if _kind(self._topic) == 'JointState' and message is not None:
            names = set(message.name) or names
        at = next((k for k, known in enumerate(self._joints) if known & names), None)
        if at is None:
            at = len(self._devices)
            self._devices.append(_Device(self._topic))
            self._joints.append(set())
        self._joints[at] |= names
        self._devices[at].push(recorded_ns, message)

    def named(self) -> list[_Device]:
        """The devices: one has the name of the topic, the others that of a joint behind it.

        Which one is which follows from their joints; who speaks first is chance in every bag.
        """
        first = [min(joints) for joints in self._joints]
        order = sorted(range(len(first)), key=lambda k: (not first[k], first[k]))
        for k in order[1:]:
            self._devices[k].rename(f'{self._topic.name}[{first[k]}]')
        return [self._devices[k] for k in order]


class _Device:
    """Collects the messages of one device, mostly all of a topic."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self.recorded_ns: list[int] = []
        self._header_ns: list[int] = []
        self.collector: Collector | None = None
        kind = _kind(topic)
        if kind == 'JointState':
            self.collector = JointCollector(topic.name)
        elif kind == 'PoseStamped':
            self.collector = PoseCollector(topic.name)
        elif kind in ('Image', 'CompressedImage'):
            self.collector = PictureCollector(topic.name, topic.count)

    def push(self, recorded_ns: int, message: Any) -> None:
        """Add a message."""
        self.recorded_ns.append(recorded_ns)
        stamp = getattr(getattr(message, 'header', None), 'stamp', None)
        if stamp is not None:
            self._header_ns.append(stamp.sec * 1_000_000_000 + stamp.nanosec)
        if message is None:
            self.collector = None  # only its times are known
        elif self.collector is not None:
            self.collector.push(message)

    def rename(self, name: str) -> None:
        """Give it another name than that of its topic."""
        self._topic = dataclasses.replace(self._topic, name=name)
        if isinstance(self.collector, JointCollector):
            self.collector.topic = name

    def stamps(self) -> Stamps:
        """When its messages were stamped and recorded."""
        recorded_ns = np.array(self.recorded_ns, dtype=np.int64)
        whole = len(self._header_ns) == len(recorded_ns)
        header_ns = np.array(self._header_ns, dtype=np.int64) if whole else None
        orders = self.collector.orders if isinstance(self.collector, JointCollector) else ()
        return Stamps(self._topic.name, self._topic.msgtype, recorded_ns, header_ns, tuple(orders))

    def times_s(self, begin_ns: int, clock_ns: int) -> Array:
        """Times of its messages after ``begin_ns`` [s]: stamps, where they are of that clock."""
        stamps = self.stamps()
        times_ns = stamps.recorded_ns - begin_ns
        if stamps.header_ns is not None:
            header_ns = stamps.header_ns - clock_ns - begin_ns
            near = np.abs(header_ns - times_ns) < _OTHER_CLOCK_NS
            times_ns = np.where(near, header_ns, times_ns)
        return np.asarray(times_ns * 1e-9)


def _kind(topic: Topic) -> str:
    """Type of a topic without its package."""
    return topic.msgtype.rpartition('/')[2]


def _usual_offset(stamps: Sequence[Stamps]) -> int:
    """By how much stamps are usually before the recording, if by another clock; else 0 [ns]."""
    offsets = [
        int(np.median(s.header_ns - s.recorded_ns)) for s in stamps if s.header_ns is not None
    ]
    usual_ns = int(np.median(offsets)) if offsets else 0
    return usual_ns if abs(usual_ns) > _OTHER_CLOCK_NS else 0


def _rising(times_s: Array) -> tuple[Array, NDArray[np.intp]]:
    """Times that are later than all before, and their rows."""
    before = np.concatenate([[-np.inf], np.maximum.accumulate(times_s)[:-1]])
    rows = np.flatnonzero(times_s > before)
    return times_s[rows], rows
