# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What may be done with episodes, and when: the state machine behind services, keys and buttons.

    idle --start--> recording --stop--> idle, the episode is kept
                        |--discard----> idle, it is deleted
                        |--fail-------> idle, its folder stays behind as unfinished

While idle, discard and mark_success mean the episode that was kept last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dp_core.errors import RecordingError

UNMARKED, SUCCESS = 'unmarked', 'success'
COMMANDS = ('start', 'stop', 'discard', 'mark_success')


class EpisodeStore(Protocol):
    """Does the work. Every method may raise RecordingError."""

    def begin(self) -> str:
        """Begin an episode; return its name."""

    def keep(self, outcome: str) -> str:
        """Make the episode whole; return what it has, in words."""

    def drop(self) -> None:
        """Delete the episode that is being recorded."""

    def abandon(self) -> None:
        """Stop recording; leave what there is as unfinished. Raises nothing."""

    def note(self, outcome: str) -> None:
        """Write the outcome of the episode that is being recorded."""

    def mark(self, name: str, outcome: str) -> None:
        """Write the outcome of a kept episode."""

    def delete(self, name: str) -> None:
        """Delete a kept episode."""


@dataclass(frozen=True)
class Reply:
    """Whether a command was carried out, and what a person should know."""

    success: bool
    message: str


class Episodes:
    """Which episode is being recorded, and which was the last."""

    def __init__(self, store: EpisodeStore) -> None:
        """Idle at first."""
        self._store = store
        self._outcome = UNMARKED
        self.recording: str | None = None  # name of the episode
        self.last: str | None = None  # kept last; None once it is discarded
        self.kept = 0

    def command(self, name: str) -> Reply:
        """Carry out one of `COMMANDS`, or ``toggle``: stop or start."""
        if name == 'toggle':
            return self.stop() if self.recording else self.start()
        calls = (self.start, self.stop, self.discard, self.mark_success)
        return dict(zip(COMMANDS, calls))[name]()

    def start(self) -> Reply:
        """Begin an episode."""
        if self.recording:
            return Reply(False, f'{self.recording} is being recorded; stop or discard it first')
        try:
            self.recording, self._outcome = self._store.begin(), UNMARKED
        except RecordingError as error:
            return Reply(False, str(error))
        self.last = None  # a late discard must not mean an episode before this one
        return Reply(True, f'recording {self.recording}')

    def stop(self) -> Reply:
        """Keep the episode that is being recorded."""
        if not self.recording:
            return Reply(False, 'nothing is being recorded')
        name, self.recording = self.recording, None
        try:
            words = self._store.keep(self._outcome)
        except RecordingError as error:
            return Reply(False, f'{name} is NOT kept: {error}')
        self.last, self.kept = name, self.kept + 1
        return Reply(True, f'kept {name}: {words}')

    def discard(self) -> Reply:
        """Delete the episode that is being recorded, or else the one kept last."""
        name = self.recording or self.last
        if name is None:
            return Reply(False, 'there is no episode to discard')
        try:
            if self.recording:
                self.recording = None
                self._store.drop()
            else:
                self.last = None
                self._store.delete(name)
                self.kept -= 1
        except RecordingError as error:
            return Reply(False, str(error))
        return Reply(True, f'discarded {name}')

    def mark_success(self) -> Reply:
        """Mark the episode that is being recorded, or else the one kept last, as a success."""
        name = self.recording or self.last
        if name is None:
            return Reply(False, 'there is no episode to mark')
        try:
            if self.recording:
                self._store.note(SUCCESS)
                self._outcome = SUCCESS
            else:
                self._store.mark(name, SUCCESS)
        except RecordingError as error:
            return Reply(False, str(error))
        return Reply(True, f'marked {name} as a success')

    def fail(self, reason: str) -> Reply:
        """End an episode that cannot go on; what there is can be recovered."""
        if not self.recording:
            return Reply(False, 'nothing is being recorded')
        name, self.recording = self.recording, None
        self._store.abandon()
        return Reply(False, f'{name} is NOT kept: {reason}')
