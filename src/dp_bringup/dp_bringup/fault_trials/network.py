# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Two computers and the switch between them, in network namespaces of one Linux machine.

As with a real switch that loses a port, nobody is told that the other one is gone: the links stay
up, and what is sent is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import ctypes
import os
from pathlib import Path
import subprocess
from types import TracebackType

from dp_core.errors import DpError

CLONE_NEWNET = 0x40000000
PORTS = {'robot': '10.77.0.1/24', 'policy': '10.77.0.2/24'}
# Both computers have one kernel, so shared memory would go round the network.
ENVIRONMENT = {
    'ROS_DOMAIN_ID': '1',
    'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET',
    'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4',
}
_LIBC = ctypes.CDLL(None, use_errno=True)


class NetworkError(DpError):
    """The network cannot be made."""


class Network:
    """The computers 'robot' and 'policy', while its context is open. Needs the superuser."""

    def __init__(self) -> None:
        """Make nothing yet."""
        names = ('switch', *PORTS)
        self._names = {name: f'dp_{name}_{os.getpid()}' for name in names}

    def __enter__(self) -> Network:
        try:
            for name in self._names.values():
                _ip('netns', 'add', name)
            self._in('switch', 'link', 'add', 'bridge', 'type', 'bridge', 'mcast_snooping', '0')
            self._in('switch', 'link', 'set', 'bridge', 'up')
            for name, address in PORTS.items():
                other = ('peer', 'name', 'eth0', 'netns', self._names[name])
                self._in('switch', 'link', 'add', name, 'type', 'veth', *other)
                self._in('switch', 'link', 'set', name, 'master', 'bridge', 'up')
                self._in(name, 'address', 'add', address, 'dev', 'eth0')
                for device in ('eth0', 'lo'):
                    self._in(name, 'link', 'set', device, 'up')
                self._in(name, 'route', 'add', '239.0.0.0/8', 'dev', 'eth0')  # discovery
        except NetworkError:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def prefix(self, computer: str) -> tuple[str, ...]:
        """Return the words before a command that shall run on a computer."""
        return 'ip', 'netns', 'exec', self._names[computer]

    @contextmanager
    def on(self, computer: str) -> Iterator[None]:
        """Let this thread, and the threads and processes it starts, be on a computer."""
        with Path('/proc/thread-self/ns/net').open('rb') as here:
            with Path('/run/netns', self._names[computer]).open('rb') as there:
                _enter(there.fileno())
            try:
                yield
            finally:
                _enter(here.fileno())

    def cut(self) -> None:
        """Lose all that the two computers say to each other from now on."""
        self._in('switch', 'link', 'set', 'policy', 'nomaster')

    def join(self) -> None:
        """Carry messages again."""
        self._in('switch', 'link', 'set', 'policy', 'master', 'bridge')

    def _in(self, name: str, *words: str) -> None:
        _ip('-n', self._names[name], *words)

    def _remove(self) -> None:
        for name in self._names.values():
            subprocess.run(['ip', 'netns', 'delete', name], capture_output=True, check=False)


def _ip(*words: str) -> None:
    try:
        done = subprocess.run(['ip', *words], capture_output=True, text=True, check=False)
    except OSError as error:
        raise NetworkError(f'the command ip (iproute2) cannot be run: {error}') from error
    if done.returncode:
        why = done.stderr.strip()
        raise NetworkError(f'ip {" ".join(words)}: {why}; networks are made by the superuser only')


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, CLONE_NEWNET):
        raise NetworkError(f'cannot enter a network: {os.strerror(ctypes.get_errno())}')
