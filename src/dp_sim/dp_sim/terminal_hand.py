# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a terminal sends of keys and mouse -> moves of a hand; drag the mouse in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import re
import sys
import termios
import tty

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HELP = (
    'arrows, w a s d, or drag the mouse: move   r: reset the scene   x: let go   q: quit\n'
    'recorder: n begin an episode   e end and keep it   m mark it a success   u discard it'
)
# Not those of the recorder's own terminal: there s and d begin and discard, here they move.
RECORDER_KEYS = {'n': 'start', 'e': 'stop', 'm': 'mark_success', 'u': 'discard'}
# What terminals send -> direction in `world`: up is away from the robot.
DIRECTIONS = {
    '\x1b[A': (1.0, 0.0),
    '\x1b[B': (-1.0, 0.0),
    '\x1b[D': (0.0, 1.0),
    '\x1b[C': (0.0, -1.0),
    'w': (1.0, 0.0),
    's': (-1.0, 0.0),
    'a': (0.0, 1.0),
    'd': (0.0, -1.0),
}
COLUMN, ROW = 0.5, 1.0  # taps that a cell is worth: it is about twice as high as wide
_MOUSE = re.compile(r'\x1b\[<(\d+);(\d+);(\d+)([Mm])')
# Keys such as F5 or Ctrl+Left, and the mouse, send a sequence; the console's F1 has two brackets.
_WORD = re.compile(r'\x1b\[\[?[0-?]*[ -/]*[@-~]|\x1bO.|[\s\S]')
_BEGUN = re.compile(r'\x1b(\[\[?[0-?]*[ -/]*|O)?\Z')
_DRAG = 32  # flag of a movement with a button held
# Ask for presses and drags, with decimal places; and take it back.
_MOUSE_ON, _MOUSE_OFF = '\x1b[?1002h\x1b[?1006h', '\x1b[?1006l\x1b[?1002l'


class TerminalHand:
    """Keeps where the mouse was pressed last, and a sequence whose end has not come yet."""

    def __init__(self) -> None:
        """No button is held."""
        self._cell: tuple[int, int] | None = None
        self._begun = ''

    def read(self, text: str) -> list[Array | str]:
        """Return what was asked for: taps (2,) in `world`, or the letter of a command."""
        found: list[Array | str] = []
        text = self._begun + text
        begun = _BEGUN.search(text)
        self._begun = begun.group() if begun else ''
        for word in _WORD.findall(text.removesuffix(self._begun)):
            mouse = _MOUSE.fullmatch(word)
            is_sequence = word.startswith('\x1b')
            # In application mode arrows come as \x1bOA to \x1bOD.
            key = word.replace('\x1bO', '\x1b[') if is_sequence else word.lower()
            if mouse:
                found += self._drag(mouse)
            elif key in DIRECTIONS:
                found.append(np.array(DIRECTIONS[key]))
            elif not is_sequence:
                found.append(key)
        return found

    def _drag(self, mouse: re.Match[str]) -> list[Array]:
        code, column, row = (int(mouse.group(k)) for k in (1, 2, 3))
        before, self._cell = self._cell, (column, row)
        if mouse.group(4) == 'm':  # released
            self._cell = None
        if before is None or not code & _DRAG:
            return []
        return [np.array([ROW * (before[1] - row), COLUMN * (before[0] - column)])]


@contextmanager
def raw_terminal() -> Iterator[bool]:
    """Let keys and drags come through one by one; yield whether there is a terminal."""
    if not sys.stdin.isatty():
        yield False
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    sys.stderr.write(_MOUSE_ON)
    sys.stderr.flush()
    try:
        yield True
    finally:
        sys.stderr.write(_MOUSE_OFF)
        sys.stderr.flush()
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
