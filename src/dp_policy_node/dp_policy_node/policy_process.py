# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A policy in a process of its own.

In the node's process a network would share the interpreter's one lock with the callbacks: whatever
holds it for 0.1 s holds up a cancel by 0.1 s. And one that runs out of memory, or dies, would take
away the only one who can brake. Here the node hands over a window and waits for the actions.

`PolicyProcess` is the node's side, `serve` the other one. They speak over a pair of sockets that
nobody else can open. The process ends when its side is closed, and by a lifeline, a pipe that the
node holds and never writes to, as soon as the node ends or dies, also while it still loads.
"""

from __future__ import annotations

from multiprocessing.connection import Connection
import os
from pathlib import Path
import signal
import socket
import subprocess
import sys
import threading
import time
from weakref import WeakSet

from dp_core.continuation import KnownActions
from dp_core.contract import Contract
from dp_core.device import is_lost
from dp_core.errors import CheckpointError
from dp_core.errors import DpError
from dp_core.observation import ObservationWindow
import numpy as np
from numpy.typing import NDArray

FAREWELL_S = 2.0
_children: WeakSet[subprocess.Popen[bytes]] = WeakSet()


class PolicyProcess:
    """A `dp_core.policy.Policy` elsewhere; see `dp_core.pipeline.Predictor`."""

    def __init__(self, folder: Path | str, device: str = 'cpu'):
        """Start the process and load the checkpoint ``folder`` there; returns when it is ready.

        Args:
            folder: of the checkpoint.
            device: where it computes, one of `dp_core.device.DEVICES`.

        Raises:
            CheckpointError: what is wrong with the checkpoint, or how the process ended.
            DpError: likewise, of the contract or the device.
        """
        self._lock = threading.Lock()
        self._folder = str(folder)
        ours, theirs = socket.socketpair()
        self._connection = Connection(ours.detach())
        lifeline, self._lifeline = os.pipe()
        with theirs:
            fds = (theirs.fileno(), lifeline)
            self._process = subprocess.Popen(
                [sys.executable, '-m', __name__, *map(str, fds), self._folder, device],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                # A Ctrl-C is for the node, which brakes first. A session would do that too, but
                # Linux shares the processor among sessions first (sched_autogroup): the policy
                # would get as much of it as the node and all that was started with it.
                process_group=0,
            )
        _children.add(self._process)
        os.close(lifeline)
        try:
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            self._close_lifeline()
            raise CheckpointError(f'policy {folder}: {self._how_ended()}') from error
        if isinstance(answer, Exception):
            self.close()
            raise answer
        self._contract: Contract = answer
        self.computed_s = 0.0  # processor time of the last prediction [s]

    @property
    def contract(self) -> Contract:
        """What the policy sees and commands."""
        return self._contract

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def predict(
        self, window: ObservationWindow, seed: int | None, known: KnownActions | None
    ) -> NDArray[np.float32]:
        """Predict actions (horizon, action_dim) in physical units; step 0 is the oldest tick.

        Raises:
            DpError: from the policy.
            RuntimeError: the network failed, or its process has ended.
        """
        with self._lock:
            try:
                self._connection.send((window, seed, known))
                answer = self._connection.recv()
            except (EOFError, OSError) as error:
                raise RuntimeError(self._how_ended()) from error
        if isinstance(answer, Exception):
            raise answer
        actions, self.computed_s = answer
        return np.asarray(actions)

    def close(self) -> None:
        """End the process, also one that still computes."""
        self._connection.close()
        self._close_lifeline()
        try:
            self._process.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _close_lifeline(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def _how_ended(self) -> str:
        try:
            code = self._process.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            return 'the process of the policy does not answer any more'
        name = signal.Signals(-code).name if code < 0 else f'exit code {code}'
        hint = ', as when memory runs out' if code == -signal.SIGKILL else ''
        return f'the process of the policy has ended with {name}{hint}'


def kill_all() -> None:
    """Kill all policy processes of this one, for a node that ends without waiting for anything.

    The lifeline alone would do, but not before a library that one is loading releases the
    interpreter.
    """
    for process in list(_children):
        process.kill()


def serve(connection: Connection, folder: str, device: str) -> None:
    """Load the checkpoint, answer with its contract, then with actions, until it is closed.

    Raises:
        SystemExit: after an error that no later prediction would survive.
    """
    from dp_core.checkpoint import load_policy  # torch: only here

    try:
        policy = load_policy(Path(folder), device=device)
    except DpError as error:
        connection.send(error)
        return
    connection.send(policy.contract)
    while True:
        try:
            window, seed, known = connection.recv()
        except (EOFError, OSError):
            return
        begin_s = time.process_time()
        try:
            actions = policy.predict(window, seed, known)
            connection.send((actions, time.process_time() - begin_s))
        except DpError as error:
            connection.send(error)
        except (RuntimeError, ValueError, ArithmeticError) as error:
            connection.send(RuntimeError(str(error)))
            if is_lost(policy.device):  # every later prediction would fail as well
                sys.exit(f'the policy {folder} has lost its device: {error}')


def _end_with_the_node(lifeline_fd: int) -> None:
    os.read(lifeline_fd, 1)  # nothing is ever written: it returns when the node is gone
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Serve: file descriptors of socket and lifeline, both inherited, checkpoint, device."""
    socket_fd, lifeline_fd = int(arguments[0]), int(arguments[1])
    threading.Thread(target=_end_with_the_node, args=(lifeline_fd,), daemon=True).start()
    try:
        serve(Connection(socket_fd), *arguments[2:])
    except (BrokenPipeError, ConnectionResetError):
        pass  # the node has ended meanwhile


if __name__ == '__main__':
    main(sys.argv[1:])
