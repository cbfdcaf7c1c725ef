# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Many episodes stepped together, in this process or spread over several."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import multiprocessing
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Protocol

from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import DpError
from dp_core.evaluation.episode import EnvSpec
from dp_core.evaluation.episode import Episode
from dp_core.evaluation.episode import EpisodeState
import numpy as np
from numpy.typing import NDArray

Actions = Mapping[int, NDArray[np.float32]]
States = dict[int, EpisodeState]


class Stepper(Protocol):
    """Episodes by seed."""

    def reset(self, seeds: Sequence[int], keep: int) -> States:
        """Start an episode for each seed."""

    def advance(self, actions: Actions, lag: int) -> States:
        """Execute actions (n, action_dim) in the episode of each seed."""

    def close(self) -> None:
        """Release everything."""


class LocalStepper:
    """Episodes in this process, one environment each."""

    def __init__(self, spec: EnvSpec, contract: Contract) -> None:
        """Remember how to make episodes."""
        self._spec = spec
        self._contract = contract
        self._episodes: dict[int, Episode] = {}

    def reset(self, seeds: Sequence[int], keep: int) -> States:
        """Start an episode for each seed, in the environments made before where possible."""
        idle = list(self._episodes.values())
        self._episodes = {
            seed: idle.pop() if idle else Episode(self._spec, self._contract) for seed in seeds
        }
        for episode in idle:
            episode.close()
        return {seed: episode.reset(seed, keep) for seed, episode in self._episodes.items()}

    def advance(self, actions: Actions, lag: int) -> States:
        """Execute actions (n, action_dim) in the episode of each seed."""
        return {seed: self._episodes[seed].advance(a, lag) for seed, a in actions.items()}

    def close(self) -> None:
        """Close the environments."""
        for episode in self._episodes.values():
            episode.close()
        self._episodes = {}


def _serve(connection: Connection, spec: EnvSpec, contract: Contract) -> None:
    """Answer requests of a ProcessStepper until it hangs up."""
    stepper = LocalStepper(spec, contract)
    try:
        while True:
            verb, argument, steps = connection.recv()
            try:
                connection.send(getattr(stepper, verb)(argument, steps))
            except DpError as error:
                connection.send(error)
    except (EOFError, KeyboardInterrupt):
        stepper.close()


class ProcessStepper:
    """Episodes spread over worker processes, stepped at the same time."""

    def __init__(self, spec: EnvSpec, contract: Contract, workers: int) -> None:
        """Start the workers."""
        context = multiprocessing.get_context('spawn')
        self._connections: list[Connection] = []
        self._processes = []
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, spec, contract), daemon=True)
            process.start()
            theirs.close()
            self._connections.append(ours)
            self._processes.append(process)
        self._worker_of: dict[int, int] = {}

    def reset(self, seeds: Sequence[int], keep: int) -> States:
        """Start an episode for each seed, spread evenly."""
        count = len(self._connections)
        self._worker_of = {seed: index % count for index, seed in enumerate(seeds)}
        requests = [(w, [s for s in seeds if self._worker_of[s] == w]) for w in range(count)]
        return self._ask('reset', requests, keep)

    def advance(self, actions: Actions, lag: int) -> States:
        """Execute actions (n, action_dim) in the episode of each seed."""
        requests = [
            (w, {s: a for s, a in actions.items() if self._worker_of[s] == w})
            for w in range(len(self._connections))
        ]
        return self._ask('advance', requests, lag)

    def _ask(self, verb: str, requests: Sequence[tuple[int, object]], steps: int) -> States:
        for worker, argument in requests:
            self._connections[worker].send((verb, argument, steps))
        states: States = {}
        for worker, _ in requests:
            try:
                answer = self._connections[worker].recv()
            except EOFError as error:
                raise ConfigError('a worker process died; its error is shown above') from error
            if isinstance(answer, DpError):
                raise answer
            states.update(answer)
        return states

    def close(self) -> None:
        """Hang up and wait for the workers to end."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.join(timeout=10.0)
            if process.is_alive():
                process.terminate()

    def __enter__(self) -> ProcessStepper:
        """Return itself; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()
