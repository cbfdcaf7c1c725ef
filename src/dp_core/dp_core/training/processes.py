# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The processes of one run, as `torchrun` starts them; without it, a team of one.

Each computes its rows of every step's batch and they average gradients (DistributedDataParallel).
What is drawn at random belongs to a row of the whole batch, never to a process, so the number of
processes changes nothing but rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from datetime import timedelta
import os
from typing import Any
from typing import cast
from typing import TypeVar
import warnings

from dp_core.device import device_of
from dp_core.errors import ConfigError
from dp_core.errors import TrainingError
import torch
from torch import distributed
from torch import nn
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

_T = TypeVar('_T')
PATIENCE = timedelta(hours=2)  # others wait for a rollout score as long as that
# What NCCL says of processes that were started wrongly; nobody was lost then, nor by lack of
# memory in this one.
_SET_UP = ('Duplicate GPU', 'invalid usage', 'invalid argument', 'InvalidUsage', 'InvalidArgument')


@dataclass(frozen=True)
class Team:
    """One process among those of a run.

    Attributes:
        rank: its number; 0 writes the files.
        size: how many there are.
        local_rank: its number on this machine, and that of its GPU.
        local_size: how many there are on this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def rows(self, batch_size: int, accumulate: int) -> list[slice]:
        """Return this process's rows of a step's batch, one slice for each backward pass.

        All slices of all processes make the batch of size * accumulate * batch_size rows.
        """
        firsts = [(k * self.size + self.rank) * batch_size for k in range(accumulate)]
        return [slice(first, first + batch_size) for first in firsts]

    def parallel(self, module: nn.Module, device: torch.device) -> nn.Module:
        """Return `module` so that its backward pass averages gradients over the processes."""
        if self.size == 1:
            return module
        with warnings.catch_warnings():
            # PyTorch 2.13 has a new name for it, the ones before do not know that.
            warnings.filterwarnings('ignore', message='`broadcast_buffers`')
            return DistributedDataParallel(
                module,
                [device] if device.type == 'cuda' else None,
                broadcast_buffers=False,  # they are constants
                gradient_as_bucket_view=True,  # gradients lie once in memory, not twice
            )

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of `value` over the processes."""
        if self.size > 1:
            distributed.all_reduce(value)
            value /= self.size
        return value

    def require_agreement(self, value: Any, what: str) -> None:
        """Raise TrainingError in every process unless `value` is the same in all."""
        if self.size == 1:
            return
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value)
        for rank, other in enumerate(values):
            if other != values[0]:
                raise TrainingError(
                    f'{what} is {values[0]!r} in process 0 and {other!r} in process {rank}: all '
                    'need the same command, datasets and output folder (on several machines, a '
                    'shared one)'
                )

    def as_rank_0(self, decide: Callable[[], _T]) -> _T:
        """Return in every process what `decide` returns in process 0."""
        decided = [decide() if self.writes else None]
        if self.size > 1:
            distributed.broadcast_object_list(decided)
        return cast('_T', decided[0])

    @contextmanager
    def one_after_rank_0(self) -> Iterator[None]:
        """Run a block in process 0, then in the others: they find what it wrote."""
        if not self.writes:
            self.wait()
        yield
        if self.writes:
            self.wait()

    def wait(self) -> None:
        """Wait for the others."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def joined(device: str) -> Iterator[Team]:
    """Join the processes that `torchrun` started, for the length of a block.

    Raises:
        ConfigError: torchrun's environment is incomplete, or there is no such device.
        TrainingError: the processes do not find together, or another ended before its time.
    """
    if 'WORLD_SIZE' not in os.environ:
        yield Team()
        return
    try:
        team = Team(*(int(os.environ[name]) for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')))
        team = replace(team, local_size=int(os.environ.get('LOCAL_WORLD_SIZE', team.size)))
        # NCCL talks from GPU to GPU: each process takes its own before the first word.
        gpu = device_of(device, team.local_rank) if device == 'cuda' else None
        backend = 'nccl' if gpu else 'gloo'
        distributed.init_process_group(backend, timeout=PATIENCE, device_id=gpu)
    except (KeyError, ValueError) as error:
        raise ConfigError(f'WORLD_SIZE is set, but this is not torchrun: {error}') from error
    except RuntimeError as error:
        raise TrainingError(
            f'process {team.rank} of {team.size} cannot join the others: {error}'
        ) from error
    try:
        yield team
    except RuntimeError as error:
        if not is_broken_connection(error):
            raise
        raise TrainingError(
            f'process {team.rank} of {team.size} lost another one (killed, out of memory or its '
            'machine is gone; its own message says why). The same command goes on from the last '
            f'state. The connection says: {str(error).splitlines()[0]}'
        ) from error
    finally:
        distributed.destroy_process_group()


def is_broken_connection(error: RuntimeError) -> bool:
    """Say whether `error` comes from what connects processes rather than from the computation."""
    words = ('gloo', 'NCCL', 'Connection closed by peer', 'Connection reset by peer')
    if any(word in str(error) for word in (*_SET_UP, 'out of memory')):
        return False
    return isinstance(error, distributed.DistError) or any(w in str(error) for w in words)
