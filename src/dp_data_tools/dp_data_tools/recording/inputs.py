# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a person presses: one-letter keys in a terminal, buttons of a joystick."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any

from dp_core.errors import ConfigError
from dp_data_tools.recording.episodes import COMMANDS

KEYS = {
    's': 'start',
    'e': 'stop',
    ' ': 'toggle',
    'd': 'discard',
    'm': 'mark_success',
    'q': 'quit',
}
HELP = 's start  e end and keep  space either  d discard  m mark success  q quit'


class Keyboard:
    """Reads keys without waiting, and shows one status line; silent where there is no terminal."""

    def __init__(self) -> None:
        """Look whether there is a terminal."""
        self._has_keys = sys.stdin is not None and sys.stdin.isatty()
        self._has_line = sys.stderr.isatty()
        self._before: list[Any] | None = None
        self._line = ''

    def __enter__(self) -> Keyboard:
        """Let keys come through one by one."""
        if self._has_keys:
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        self.status('')
        if self._before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def commands(self) -> list[str]:
        """Return what was pressed since the last call."""
        found = []
        while self._has_keys and select.select([sys.stdin], [], [], 0.0)[0]:
            keys = os.read(sys.stdin.fileno(), 64).decode('ascii', 'replace')
            if not keys:
                self._has_keys = False  # the terminal is gone
            found += [KEYS[key] for key in keys.lower() if key in KEYS]
        return found

    def say(self, text: str) -> None:
        """Print a line above the status line."""
        clear = '\r\x1b[K' if self._has_line else ''
        sys.stderr.write(f'{clear}{text}\n')
        self._line, line = '', self._line
        self.status(line)

    def status(self, text: str) -> None:
        """Show the status line."""
        if self._has_line and text != self._line:
            sys.stderr.write(f'\r\x1b[K{text}')
        self._line = text
        sys.stderr.flush()


class Buttons:
    """Commands of a joystick: each press counts once."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        """Press button ``numbers[command]`` for a command; start and stop may share one."""
        self._commands = {number: command for command, number in numbers.items()}
        if numbers.get('start') is not None and numbers.get('start') == numbers.get('stop'):
            self._commands[numbers['start']] = 'toggle'
        self._pressed: set[int] | None = None

    def commands(self, buttons: Sequence[int]) -> list[str]:
        """Take the buttons of a sensor_msgs/Joy; return what was pressed since the last ones."""
        now = {number for number, value in enumerate(buttons) if value}
        before, self._pressed = self._pressed, now
        fresh = now - before if before is not None else set()  # held at the start: no press
        return [self._commands[number] for number in sorted(fresh & set(self._commands))]


def parse_buttons(text: str) -> dict[str, int]:
    """Read ``start=7,stop=6,discard=1,mark_success=0``.

    Raises:
        ConfigError: a command is unknown, or two share a button that are not start and stop.
    """
    numbers = {}
    for part in filter(None, text.split(',')):
        command, _, number = part.strip().partition('=')
        if command not in COMMANDS or not number.isdecimal():
            raise ConfigError(f'button {part!r} is none, valid: NAME=NUMBER, of {list(COMMANDS)}')
        numbers[command] = int(number)
    for number in set(numbers.values()):
        sharing = {command for command, other in numbers.items() if other == number}
        if len(sharing) > 1 and sharing != {'start', 'stop'}:
            raise ConfigError(
                f'button {number} means {sorted(sharing)}, valid: one command, or start and stop'
            )
    return numbers
