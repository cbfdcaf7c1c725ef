# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The messages of a bag by rosbag2_py, which comes with ROS 2 and knows every storage plugin."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from dp_core.errors import DatasetError
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.bag_reader import Topic
from dp_data_tools.message_types import MessageTypes
from dp_data_tools.raw_message import RawMessage


class Rosbag2Reader(BagReader):
    """Reads one bag as `BagReader` does, by rosbag2_py; use as a context manager."""

    def __init__(self, path: Path | str) -> None:
        """Remember the path; nothing is read yet."""
        super().__init__(path)
        self._types = MessageTypes({})

    def __enter__(self) -> Rosbag2Reader:
        """Open the bag.

        Raises:
            DatasetError: there is no bag, or it is damaged.
        """
        reader = self._open()
        information = reader.get_metadata()
        if hasattr(reader, 'get_all_message_definitions'):  # since Iron
            self._types = MessageTypes(
                {
                    d.topic_type: (d.encoding, d.encoded_message_definition)
                    for d in reader.get_all_message_definitions()
                    if d.encoded_message_definition
                }
            )
        self._topics = {
            t.topic_metadata.name: Topic(
                t.topic_metadata.name, t.topic_metadata.type, t.message_count
            )
            for t in sorted(
                information.topics_with_message_count, key=lambda t: t.topic_metadata.name
            )
        }
        filled = any(topic.count for topic in self._topics.values())
        self._start_ns = int(information.starting_time.nanoseconds) if filled else 0
        self._duration_s = int(information.duration.nanoseconds) * 1e-9 if filled else 0.0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is open between reads."""

    @property
    def topics(self) -> dict[str, Topic]:
        """Topics by name, in alphabetical order."""
        return self._topics

    @property
    def start_ns(self) -> int:
        """When the first message was recorded [ns]; 0 in an empty bag."""
        return self._start_ns

    @property
    def duration_s(self) -> float:
        """Time between the first and the last message [s]."""
        return self._duration_s

    def raw_messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Yield messages in the order of recording, not deserialised.

        Raises:
            DatasetError: the bag is damaged where it is being read.
        """
        import rosbag2_py

        chosen = {name for name in topics if name in self._topics}
        if not chosen:
            return  # an empty filter lets everything pass
        reader, recorded_ns = self._open(), 0
        reader.set_filter(rosbag2_py.StorageFilter(topics=sorted(chosen)))
        try:
            while reader.has_next():
                topic, data, recorded_ns = reader.read_next()
                if topic not in chosen:
                    continue  # since Jazzy the events of services pass every filter of topics
                yield RawMessage(topic, int(recorded_ns), bytes(data))
        except RuntimeError as error:
            raise DatasetError(
                f'bag {self.path} is damaged after {recorded_ns * 1e-9:.3f} s: {error}'
            ) from error

    def kind_of(self, topic: str) -> str:
        """Type of a topic's messages."""
        return self._topics[topic].msgtype

    def _open(self) -> Any:
        import rosbag2_py

        reader = rosbag2_py.SequentialReader()
        try:
            reader.open(
                rosbag2_py.StorageOptions(uri=str(self.path), storage_id=''),
                rosbag2_py.ConverterOptions('', ''),
            )
        except RuntimeError as error:
            raise DatasetError(
                f'cannot read bag {self.path}: {error}; a recording that was killed may be '
                'repaired by `dp_data_tools recover` or `ros2 bag reindex`'
            ) from error
        return reader
