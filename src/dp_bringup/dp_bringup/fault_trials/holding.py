# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Orders the predictions of a policy to hold the interpreter, and knows when they do.

What a bad network or a bad pre-processing would do: a loop in Python, or a call into C that keeps
the GIL. The order lies in a file, which `hold/sitecustomize.py` reads at each prediction, in
whichever process predicts; the file says when the last hold began, and when it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
import os
from pathlib import Path
import random
import struct
import time

from dp_bringup.fault_trials.record import TrialError
from dp_core.errors import ConfigError

HOOK = Path(__file__).parent / 'hold'
ORDER, STAMPS = struct.Struct('=qq'), struct.Struct('=qq')
# 'loop' lets other threads in when they have waited for a switch interval, 'call' does not.
KINDS = {'': 0, 'loop': 1, 'call': 2}
POLL_S = 0.0005
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Hold:
    """How a prediction holds the interpreter, beside what it does by itself.

    Attributes:
        kind: 'loop', 'call', or '' for not at all.
        seconds: how long [s].

    Raises:
        ConfigError: on construction; another kind, or a time that is not valid.
    """

    kind: str = ''
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f'hold is {self.kind!r}, valid: {list(KINDS)}')
        if not 0.0 <= self.seconds < 1.0:  # usleep of one second may fail
            raise ConfigError(f'a hold takes {self.seconds} s, valid: 0 to below 1')

    @property
    def name(self) -> str:
        """In one word: 'plain', 'loop_100ms', 'call_30ms'."""
        return f'{self.kind}_{round(self.seconds * 1e3)}ms' if self.kind else 'plain'


class HoldFile:
    """The file that the processes under trial read."""

    def __init__(self, path: Path) -> None:
        """Create it, with the order not to hold."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ORDER.pack(0, 0) + STAMPS.pack(0, 0))
        self._path = path.resolve()
        self._file = os.open(path, os.O_RDWR)

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._file)

    def environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return variables for the processes that shall obey."""
        paths = [str(HOOK), *filter(None, [environment.get('PYTHONPATH', '')])]
        return {'PYTHONPATH': os.pathsep.join(paths), 'DP_HOLD': str(self._path)}

    def order(self, hold: Hold) -> None:
        """Let every prediction hold from now on."""
        os.pwrite(self._file, ORDER.pack(KINDS[hold.kind], round(hold.seconds * 1e9)), 0)

    def last(self) -> tuple[float, float]:
        """Begin and end of the newest hold on the steady clock [s]; the end may lie ahead."""
        begin_ns, end_ns = STAMPS.unpack(os.pread(self._file, STAMPS.size, ORDER.size))
        return begin_ns * 1e-9, end_ns * 1e-9

    def wait_within(self, generator: random.Random, is_over: Callable[[], bool]) -> bool:
        """Wait for the next hold, and then for a random moment within it; whether it is one.

        Nothing more is waited for, and it is none, when ``is_over``: no prediction will come.

        Raises:
            TrialError: it does not come.
        """
        before_s, _ = self.last()
        limit_s = time.monotonic() + PATIENCE_S
        while self.last()[0] == before_s:
            if is_over():
                return False
            if time.monotonic() > limit_s:
                raise TrialError(f'no prediction has begun for {PATIENCE_S:g} s')
            time.sleep(POLL_S)
        begin_s, end_s = self.last()
        time.sleep(max(0.0, generator.uniform(begin_s, end_s) - time.monotonic()))
        return time.monotonic() < end_s
