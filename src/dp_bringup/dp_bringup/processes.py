# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One child process that never outlives us, whatever ends us.

It gets a process group of its own, so that Ctrl-C in the terminal reaches only the parent, which
then stops its children in order. Should the parent die without a word (kill -9), the kernel ends
the child: PR_SET_PDEATHSIG.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import ctypes
import os
from pathlib import Path
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
# How a process is asked to end, and how long each request may take [s].
ESCALATION = ((signal.SIGINT, 5.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))
POLL_S = 0.02
_LIBC = ctypes.CDLL(None, use_errno=True)


class ChildProcess:
    """A running command. Start it from the main thread: the kernel watches the thread."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        """Start the command; all that it prints goes to the file `log`."""
        self.name = name
        self.log = log
        parent = os.getpid()

        def bind_to_parent() -> None:
            os.setpgid(0, 0)
            _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open('wb') as output:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                preexec_fn=bind_to_parent,
            )

    @property
    def pid(self) -> int:
        """Process id, and id of its group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code; negative for a signal; None while it runs."""
        return self._process.poll()

    def stop(self, escalation: Sequence[tuple[signal.Signals, float]] = ESCALATION) -> int:
        """End the process and all of its group; return the exit code."""
        for number, patience_s in escalation:
            if self.exit_code is not None:
                break
            self._signal(number)
            self._wait(patience_s)
        self._signal(signal.SIGKILL)  # what it may have started and left behind
        return self._process.wait()

    def last_lines(self, count: int = 8) -> str:
        """Return the end of its log."""
        try:
            text = self.log.read_text(encoding='utf-8', errors='replace')
        except OSError:
            return ''
        return '\n'.join(text.splitlines()[-count:])

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass  # nothing is left of the group

    def _wait(self, patience_s: float) -> None:
        end_s = time.monotonic() + patience_s
        while self.exit_code is None and time.monotonic() < end_s:
            time.sleep(POLL_S)
