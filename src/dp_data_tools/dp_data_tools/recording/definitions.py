# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Message definitions as rosbag2 stores them: a type, then the types that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import re

from dp_core.errors import RecordingError

_SEPARATOR = '=' * 80
_PRIMITIVES = {
    *('bool', 'byte', 'char', 'float32', 'float64', 'string', 'wstring'),
    *(f'{sign}int{bits}' for sign in ('', 'u') for bits in (8, 16, 32, 64)),
}


def full_definition(msgtype: str, share: Callable[[str], Path]) -> str:
    """Definition of ``package/msg/Type``.

    Args:
        msgtype: of the message.
        share: package -> its folder ``share/<package>``; raises LookupError where there is none.

    Raises:
        RecordingError: the definition of this type, or of one in it, is not installed.
    """
    texts: dict[str, str] = {}
    waiting = [_short(msgtype)]
    while waiting:
        name = waiting.pop(0)
        if name in texts:
            continue
        package, _, kind = name.partition('/')
        try:
            path = share(package) / 'msg' / f'{kind}.msg'
            texts[name] = path.read_text(encoding='utf-8')
        except (LookupError, OSError) as error:
            raise RecordingError(f'no definition of {name}, which {msgtype} needs: {error}') from (
                error
            )
        waiting += _parts(texts[name], package)
    first, *rest = texts
    return '\n'.join(
        [texts[first], *(f'{_SEPARATOR}\nMSG: {name}\n{texts[name]}' for name in rest)]
    )


def _short(msgtype: str) -> str:
    match = re.fullmatch(r'(\w+)/(?:msg/)?(\w+)', msgtype)
    if match is None:
        raise RecordingError(f'type {msgtype!r} is none, valid: package/msg/Type')
    return f'{match.group(1)}/{match.group(2)}'


def _parts(text: str, package: str) -> list[str]:
    found = []
    for line in text.splitlines():
        words = line.split('#')[0].split()
        if len(words) < 2:
            continue
        kind = re.split(r'[\[<]', words[0])[0]
        if kind in _PRIMITIVES:
            continue
        if kind == 'Header':
            kind = 'std_msgs/Header'
        found.append(_short(kind) if '/' in kind else f'{package}/{kind}')
    return found
