# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Writes an episode in a thread of its own, behind a queue that is bounded by its bytes."""

from __future__ import annotations

from collections import deque
import struct
import threading
import time

from dp_core.errors import RecordingError
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.storage import StorageFile

MAX_QUEUED_BYTES = 256 << 20  # four seconds of two raw 640 x 480 cameras at 30 Hz
FLUSH_S = 0.5  # what a SIGKILL may cost, at most, beside the queue [s]
_MESSAGE_BYTES = 100  # what a message costs beside its data
# A full disk, no memory, and numbers that the file has no place for.
_FAILURES = (OSError, MemoryError, ValueError, OverflowError, struct.error)


class EpisodeWriter:
    """Takes messages from one thread, writes them in another."""

    def __init__(self, file: StorageFile, max_bytes: int = MAX_QUEUED_BYTES) -> None:
        """Write to ``file``, keeping at most ``max_bytes`` of messages in memory."""
        self._file = file
        self._max_bytes = max_bytes
        self._queue: deque[RecordedTopic | tuple[str, int, int, bytes]] = deque()
        self._bytes = 0
        self._most_bytes = 0
        self._ended = self._aborted = False
        self._error: OSError | None = None
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name='episode_writer', daemon=True)
        self._thread.start()

    @property
    def error(self) -> OSError | None:
        """What ended the writing early; None while all is well."""
        return self._error

    @property
    def most_queued_bytes(self) -> int:
        """Most that waited in memory [bytes]."""
        return self._most_bytes

    def add_topic(self, topic: RecordedTopic) -> None:
        """Make a topic known, before its first message."""
        with self._wake:
            self._queue.append(topic)

    def put(self, topic: str, log_ns: int, publish_ns: int, data: bytes) -> bool:
        """Queue a message; return False where there is no room or writing has failed."""
        size = len(data) + _MESSAGE_BYTES
        with self._wake:
            if self._error is not None or self._bytes + size > self._max_bytes:
                return False
            self._queue.append((topic, log_ns, publish_ns, data))
            self._bytes += size
            self._most_bytes = max(self._most_bytes, self._bytes)
            self._wake.notify()
        return True

    def drain(self) -> None:
        """Write what is queued and end the thread; the file is flushed, not yet closed.

        Raises:
            RecordingError: the disk is full or fails.
        """
        self._end(aborted=False)
        if self._error is not None:
            raise RecordingError(f'cannot write {self._file.path}: {self._error}')

    def abort(self) -> None:
        """End the thread without writing what is queued, and close the file unfinished."""
        self._end(aborted=True)
        self._file.abort()

    def _end(self, aborted: bool) -> None:
        with self._wake:
            self._ended, self._aborted = True, self._aborted or aborted
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        flushed_s = time.monotonic()
        try:
            while True:
                batch = self._take()
                if batch is None:
                    break
                for item in batch:
                    if isinstance(item, RecordedTopic):
                        self._file.add_topic(item)
                    else:
                        self._file.write(*item)
                        with self._wake:
                            self._bytes -= len(item[3]) + _MESSAGE_BYTES
                if time.monotonic() - flushed_s > FLUSH_S:
                    self._file.flush()
                    flushed_s = time.monotonic()
            if not self._aborted:
                self._file.flush()
        except _FAILURES as error:
            with self._wake:
                self._error = error if isinstance(error, OSError) else OSError(repr(error))
                self._queue.clear()

    def _take(self) -> list[RecordedTopic | tuple[str, int, int, bytes]] | None:
        """Wait for messages; None when there will be no more, [] when it is time to flush."""
        with self._wake:
            if not self._queue and not self._ended:
                self._wake.wait(FLUSH_S)
            if self._aborted or (self._ended and not self._queue):
                return None
            batch = list(self._queue)
            self._queue.clear()
            return batch
