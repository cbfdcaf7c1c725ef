# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages that say where an episode begins and ends in a long recording.

A Bool is true during an episode. A String carries one of the words below, and so does a service
whose events were recorded: either it is a SetBool, or its name ends in such a word
(``/recorder/start/_service_event``). Repeated words change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from dp_core.errors import DatasetError
from dp_data_tools.bag_reader import Topic

BEGIN, END, DISCARD = 'begin', 'end', 'discard'
WORDS = {
    **dict.fromkeys(('start', 'begin', 'record'), BEGIN),
    **dict.fromkeys(('stop', 'end', 'keep', 'save', 'success'), END),
    **dict.fromkeys(('discard', 'cancel', 'abort', 'failure'), DISCARD),
}
_EVENT_SUFFIX = '/_service_event'
_REQUESTS = (0, 1)  # service_msgs/ServiceEventInfo: REQUEST_SENT, REQUEST_RECEIVED


def require_markers(topics: Sequence[str], recorded: Mapping[str, Topic]) -> None:
    """Raise DatasetError unless the marker topics were recorded and can be understood."""
    there = ', '.join(f'{t.name} ({t.msgtype}, {t.count})' for t in recorded.values())
    for name in topics:
        if name not in recorded:
            raise DatasetError(f'marker topic {name} is missing; the bag has {there}')
        kind = recorded[name].msgtype
        if kind not in ('std_msgs/msg/Bool', 'std_msgs/msg/String', 'std_srvs/srv/SetBool_Event'):
            if not (name.endswith(_EVENT_SUFFIX) and _service_word(name) in WORDS):
                raise DatasetError(
                    f'marker topic {name} is of type {kind}, valid: std_msgs/msg/Bool, '
                    'std_msgs/msg/String, the events of a std_srvs/srv/SetBool, or of a service '
                    f'named {sorted(WORDS)}'
                )


def meaning(topic: str, msgtype: str, message: Any) -> str:
    """BEGIN, END or DISCARD; '' where a message marks nothing.

    Raises:
        DatasetError: a word that is none of WORDS.
    """
    if msgtype == 'std_msgs/msg/Bool':
        return BEGIN if message.data else END
    if msgtype == 'std_msgs/msg/String':
        words = str(message.data).lower().split()
        if not words or words[0].strip(':') not in WORDS:
            raise DatasetError(f'{topic}: marker {message.data!r}, valid: {sorted(WORDS)}')
        return WORDS[words[0].strip(':')]
    if message.info.event_type not in _REQUESTS:
        return ''
    if msgtype == 'std_srvs/srv/SetBool_Event':
        return (BEGIN if message.request[0].data else END) if len(message.request) else ''
    return WORDS[_service_word(topic)]


def _service_word(topic: str) -> str:
    return topic.removesuffix(_EVENT_SUFFIX).rsplit('/', 1)[-1].split('_')[0]
