# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What latched topics say to one who comes late: with it every episode begins."""

from __future__ import annotations

from collections import deque

from dp_data_tools.recording.bag_metadata import RecordedTopic

MOST = 100  # of one topic
_SPARE = 10  # of publishers that are not known yet: their messages come before the next look


class Latched:
    """The newest messages of latched topics: as many as a publisher keeps, and all of several."""

    def __init__(self) -> None:
        """No topic is latched yet."""
        self._rooms: dict[str, int] = {}
        self._kept: dict[str, deque[bytes]] = {}

    def expect(self, topic: RecordedTopic) -> None:
        """Keep the messages of a topic from now on, or those of more publishers than before.

        Nobody tells whose a message is. Of several publishers all that they said is kept, up to
        `MOST`: as many as they keep together would be those of the one that speaks most.
        """
        # Some middlewares do not tell the depth of a publisher; one message it has.
        depths = [max(1, int(qos.get('depth', 1))) for qos in topic.offered_qos]
        room = MOST if len(depths) > 1 else min(max(1, sum(depths)), MOST)
        self._rooms[topic.name] = room
        self._kept[topic.name] = deque(self._kept.get(topic.name, ()), room + _SPARE)

    def take(self, topic: str, data: bytes) -> None:
        """Keep a message if its topic is latched; the same one is kept once."""
        kept = self._kept.get(topic)
        if kept is None:
            return
        if data in kept:
            kept.remove(data)
        kept.append(data)

    def messages(self) -> list[tuple[str, bytes]]:
        """Return topic and data of what one needs who comes now, the newest last."""
        rooms = self._rooms.items()
        return [(topic, data) for topic, n in rooms for data in list(self._kept[topic])[-n:]]
