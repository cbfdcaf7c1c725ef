# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages -> episodes on the disk; everything of the recorder but ROS. Called by one thread."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
from datetime import datetime
from datetime import timezone
import json
from pathlib import Path

from dp_core.errors import ConfigError
from dp_core.errors import RecordingError
from dp_data_tools.recording import audit
from dp_data_tools.recording.bag_metadata import bag_information
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.bag_metadata import write_metadata
from dp_data_tools.recording.episode_folder import delete
from dp_data_tools.recording.episode_folder import EpisodeFolder
from dp_data_tools.recording.episode_folder import free_bytes
from dp_data_tools.recording.episode_folder import mark
from dp_data_tools.recording.episode_folder import write_facts
from dp_data_tools.recording.episode_writer import EpisodeWriter
from dp_data_tools.recording.episode_writer import MAX_QUEUED_BYTES
from dp_data_tools.recording.latched import Latched
from dp_data_tools.recording.storage import create_file
from dp_data_tools.recording.storage import StorageFile
from dp_data_tools.recording.storage import STORAGES
from dp_data_tools.recording.wanted import WantedTopic
import yaml

CreateFile = Callable[[str, Path, str], StorageFile]


@dataclass(frozen=True)
class RecorderSettings:
    """How episodes are recorded.

    Attributes:
        root: folder of the episodes.
        storage: ``mcap`` or ``sqlite3``.
        max_queued_bytes: of messages that wait for the disk; what comes then is dropped.
        min_free_bytes: on the disk; with less no episode begins, with a quarter of it the
            running one is ended and kept.
        allow_missing: begin without a topic that the contract needs.
    """

    root: Path
    storage: str = 'mcap'
    max_queued_bytes: int = MAX_QUEUED_BYTES
    min_free_bytes: int = 1 << 30
    allow_missing: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.storage not in STORAGES:
            raise ConfigError(f'storage is {self.storage!r}, valid: {list(STORAGES)}')
        if self.max_queued_bytes < 1 or self.min_free_bytes < 0:
            raise ConfigError(
                f'max_queued_bytes is {self.max_queued_bytes} and min_free_bytes is '
                f'{self.min_free_bytes}, valid: 1 or more, and 0 or more'
            )


@dataclass
class _Current:
    folder: EpisodeFolder
    file: StorageFile
    writer: EpisodeWriter
    audit: audit.Audit
    facts: dict[str, str]
    start_ns: int


class Recorder:
    """Does what `dp_data_tools.recording.episodes` decides."""

    def __init__(
        self,
        settings: RecorderSettings,
        wanted: Sequence[WantedTopic],
        facts: Mapping[str, str],
        clock: Callable[[], int],
        create: CreateFile = create_file,
    ) -> None:
        """Prepare; nothing is written yet.

        Args:
            settings: where and how.
            wanted: topics.
            facts: what every episode keeps beside its messages: contract, version, task, ...
            clock: of reception [ns].
            create: makes the file of a bag.
        """
        self._settings = settings
        self._wanted = tuple(wanted)
        self._facts = dict(facts)
        self._clock = clock
        self._create = create
        self._topics: dict[str, RecordedTopic] = {}
        self._absent: set[str] = set()  # known topics that nobody publishes now
        self._latched = Latched()
        self._current: _Current | None = None
        self.audits: tuple[audit.TopicAudit, ...] = ()  # of the episode kept last

    def know(self, topic: RecordedTopic, *, is_latched: bool = False) -> None:
        """Take note of a topic that is there from now on, or has more publishers than before.

        What a latched topic says to one who comes late is repeated in every episode.

        Raises:
            RecordingError: nobody could convert a topic of this type.
        """
        valid = next((w.types for w in self._wanted if w.name == topic.name), ())
        if valid and topic.msgtype not in valid:
            raise RecordingError(
                f'topic {topic.name} is of type {topic.msgtype}, valid: {list(valid)}'
            )
        is_new = topic.name not in self._topics
        self._topics[topic.name] = topic
        self._absent.discard(topic.name)
        if is_latched:
            self._latched.expect(topic)
        if self._current is not None and is_new:  # the file of the episode knows each topic once
            self._add(self._current, topic)

    def present(self, topic: str, is_present: bool) -> None:
        """Take note of whether anybody publishes a topic now."""
        if is_present:
            self._absent.discard(topic)
        else:
            self._absent.add(topic)

    def take(self, topic: str, received_ns: int, published_ns: int, data: bytes) -> None:
        """Take a message: when received and sent [ns], serialized."""
        self._latched.take(topic, data)
        current = self._current
        if current is None:
            return
        if current.writer.put(topic, received_ns, published_ns, data):
            current.audit.take(topic, received_ns, data)
        else:
            current.audit.drop(topic)

    def lose(self, topic: str, number: int) -> None:
        """Take note of messages that the middleware lost."""
        if self._current is not None:
            self._current.audit.lose(topic, number)

    @property
    def missing(self) -> list[str]:
        """Topics that are needed and nobody publishes."""
        there = self._topics.keys() - self._absent
        return [w.name for w in self._wanted if w.is_needed and w.name not in there]

    @property
    def error(self) -> str:
        """Why the episode cannot go on; '' while it can."""
        found = self._current and self._current.writer.error
        return f'writing failed: {found}' if found else ''

    @property
    def is_nearly_full(self) -> bool:
        """Whether the disk has so little room that the episode should end now."""
        return free_bytes(self._settings.root) < self._settings.min_free_bytes / 4

    def begin(self) -> str:
        """Begin an episode; return its name."""
        if self.missing and not self._settings.allow_missing:
            there = sorted(self._topics.keys() - self._absent)
            raise RecordingError(
                f'nobody publishes {self.missing}, which every episode needs; there are '
                f'{there or "none"} of the topics to be recorded'
            )
        facts = dict(self._facts)
        facts['started'] = datetime.now(timezone.utc).isoformat(timespec='seconds')
        folder = EpisodeFolder(self._settings.root, facts)
        free = free_bytes(self._settings.root)
        if free < self._settings.min_free_bytes:
            folder.drop()
            raise RecordingError(
                f'{self._settings.root} has {free >> 20} MiB left, wanted are '
                f'{self._settings.min_free_bytes >> 20} MiB'
            )
        try:
            file = self._create(self._settings.storage, folder.part, folder.name)
        except OSError as error:
            folder.leave()
            raise RecordingError(f'cannot write in {folder.part}: {error}') from error
        start_ns = self._clock()
        ages = {w.name: w.max_age_s for w in self._wanted if w.max_age_s is not None}
        writer = EpisodeWriter(file, self._settings.max_queued_bytes)
        counts = audit.Audit(start_ns, ages)
        self._current = _Current(folder, file, writer, counts, facts, start_ns)
        for topic in self._topics.values():
            self._add(self._current, topic)
        for name, data in self._latched.messages():
            self.take(name, start_ns, start_ns, data)
        return folder.name

    def keep(self, outcome: str) -> str:
        """Make the episode whole; return what it has, in words.

        Raises:
            RecordingError: it is left behind as unfinished, or it had no message and is gone.
        """
        current = self._require()
        end_ns = self._clock()
        if not current.audit.messages:
            missed = current.audit.missed
            self.drop()
            raise RecordingError(f'not one message was written, {missed} were missed')
        try:
            current.writer.drain()
            self._require_all(current)
            audits = current.audit.finish(end_ns)
            facts = current.facts | {
                'outcome': outcome,
                'most_queued_bytes': str(current.writer.most_queued_bytes),
                'audit': json.dumps([dataclasses.asdict(each) for each in audits]),
            }
            topics = list(self._topics.values())
            information = bag_information(
                self._settings.storage, topics, [current.file.count], facts
            )
            current.file.close(yaml.safe_dump(information, sort_keys=False))
            write_metadata(current.folder.part, information)
            write_facts(current.folder.part, facts)
        except (OSError, RecordingError) as error:
            self.abandon()
            raise RecordingError(
                f'{error}; `dp_data_tools recover {self._settings.root}` makes a bag of what '
                'there is'
            ) from error
        self._current = None
        current.folder.keep()
        self.audits = audits
        seconds = (end_ns - current.start_ns) * 1e-9
        return f'{sum(each.messages for each in audits)} messages, {seconds:.1f} s'

    def drop(self) -> None:
        """Delete the episode that is being recorded."""
        current = self._require()
        self._current = None
        current.writer.abort()
        current.folder.drop()

    def abandon(self) -> None:
        """Stop recording and leave what there is as unfinished."""
        if self._current is not None:
            self._current.writer.abort()
            self._current.folder.leave()
            self._current = None

    def note(self, outcome: str) -> None:
        """Write the outcome of the running episode, so that it outlives a recorder that dies."""
        current = self._require()
        current.folder.note(current.facts | {'outcome': outcome})

    def mark(self, name: str, outcome: str) -> None:
        """Write the outcome of a kept episode."""
        mark(self._settings.root / name, outcome)

    def delete(self, name: str) -> None:
        """Delete a kept episode."""
        delete(self._settings.root / name)

    def silent(self) -> dict[str, float]:
        """Needed topics that say nothing while recording -> for how long [s]."""
        return self._current.audit.silent(self._clock()) if self._current else {}

    def progress(self) -> str:
        """How the episode gets on, in words; '' while nothing is recorded."""
        current = self._current
        if current is None:
            return ''
        seconds = (self._clock() - current.start_ns) * 1e-9
        words = f'{seconds:.1f} s, {current.audit.messages} messages'
        return f'{words}, {current.audit.missed} missed' if current.audit.missed else words

    def _add(self, current: _Current, topic: RecordedTopic) -> None:
        current.audit.expect(topic.name, topic.has_header)
        current.writer.add_topic(topic)

    def _require_all(self, current: _Current) -> None:
        """Raise RecordingError unless what was taken is in the file."""
        taken, written = current.audit.messages, current.file.count.total
        if taken != written:
            raise RecordingError(f'{current.file.path} has {written} of {taken} messages')

    def _require(self) -> _Current:
        if self._current is None:
            raise RecordingError('nothing is being recorded')
        return self._current
