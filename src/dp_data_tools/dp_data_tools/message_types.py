# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Definitions of the messages of a bag, for `rosbags`: its own, or the common ones of ROS 2.

Bags of older distributions and sqlite3 bags may carry no definitions. The common interfaces that
this suite reads have not changed since Humble, whose definitions stand in then.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from dp_core.errors import DatasetError
from rosbags.interfaces import Connection
from rosbags.interfaces import MessageDefinitionFormat
from rosbags.serde import SerdeError
from rosbags.typesys import get_types_from_idl
from rosbags.typesys import get_types_from_msg
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores
from rosbags.typesys import TypesysError

_IDL_RULE = '=' * 80 + '\n'


# msgtype -> its encoding, MSG or an IDL, and the text with those it is made of
Definitions = Mapping[str, tuple[str, str]]
MSG = 'ros2msg'


def definitions_of(connections: Iterable[Connection]) -> Definitions:
    """Definitions that a bag carries."""
    idl = MessageDefinitionFormat.IDL
    return {
        c.msgtype: ('ros2idl' if c.msgdef.format == idl else MSG, c.msgdef.data)
        for c in connections
        if c.msgdef.format != MessageDefinitionFormat.NONE
    }


class UnknownTypeError(DatasetError):
    """Nobody can tell what the messages of a type hold; the bag may be whole nevertheless."""


class MessageTypes:
    """Deserialises the messages of one bag; definitions are looked at when they are needed."""

    def __init__(self, definitions: Definitions) -> None:
        """Remember the definitions that the bag carries."""
        self._definitions = definitions
        self._stores: dict[str, Any] = {}

    def deserialize(self, data: bytes | memoryview, msgtype: str, where: str) -> Any:
        """Message of serialised data; of a memoryview, `rosbags` copies no pixel.

        Raises:
            UnknownTypeError: nobody knows the type; names ``where``.
            DatasetError: the data are no such message; names ``where``.
        """
        if msgtype not in self._stores:
            self._stores[msgtype] = self._store(msgtype, where)
        try:
            return self._stores[msgtype].deserialize_cdr(data, msgtype)
        except SerdeError as error:
            raise DatasetError(f'{where}: {error}') from error
        except KeyError as error:  # a type that it is made of
            raise UnknownTypeError(
                f'{where}: the definition of {msgtype} lacks {error}'
            ) from error

    def _store(self, msgtype: str, where: str) -> Any:
        store = get_typestore(Stores.EMPTY)
        definition = self._definitions.get(msgtype)
        try:
            if definition is None:
                common = get_typestore(Stores.ROS2_HUMBLE)
                if msgtype not in common.fielddefs:
                    raise UnknownTypeError(
                        f'{where}: type {msgtype} is unknown: the bag carries no definition of '
                        'it, and it is not one of the common interfaces'
                    )
                return common
            store.register(_fields(*definition, msgtype))
        except TypesysError as error:
            raise UnknownTypeError(f'{where}: the definition of {msgtype}: {error}') from error
        return store


def _fields(encoding: str, text: str, msgtype: str) -> Any:
    if encoding == MSG:
        return get_types_from_msg(text, msgtype)
    found: dict[str, Any] = {}
    for part in text.split(_IDL_RULE):
        content = part.split('\n', 1)[1] if part.startswith('IDL: ') else part
        if content.strip():
            found.update(get_types_from_idl(content))
    return found
