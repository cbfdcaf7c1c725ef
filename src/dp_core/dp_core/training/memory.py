# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Out of memory: what was asked for, and what to lower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dp_core.errors import TrainingError
from dp_core.training.options import TrainConfig
import psutil
import torch

GIB = 2**30


@contextmanager
def memory_advice(options: TrainConfig) -> Iterator[None]:
    """Turn an allocation that fails within a block into advice.

    Raises:
        TrainingError: memory of processor or GPU is short.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise TrainingError(advice(options, error)) from error
    except RuntimeError as error:
        if 'DefaultCPUAllocator' not in str(error):  # PyTorch has no class for it on the CPU
            raise
        raise TrainingError(advice(options, error)) from error


def advice(options: TrainConfig, error: Exception) -> str:
    """Say what ran out and what helps."""
    free, total = _memory(options.device)
    said = str(error).strip().splitlines()
    lower = max(1, options.batch_size // 2)
    return (
        f'out of memory on {options.device} ({free / GIB:.1f} of {total / GIB:.1f} GiB free) at '
        f'--batch-size {options.batch_size}'
        + (f': {said[0]}' if said else '')
        + f'. Try --batch-size {lower} --accumulate {2 * options.accumulate} (the same steps), '
        '--precision bf16, smaller --down-dims or --image-channels'
        + ('' if options.cache == 'disk' else ', or --cache disk for pictures')
        + '; a run that had started goes on from its last state only with the same settings'
    )


def _memory(device: str) -> tuple[int, int]:
    """Free and whole memory [byte]."""
    if device == 'cuda':
        free, total = torch.cuda.mem_get_info()
        return int(free), int(total)
    memory = psutil.virtual_memory()
    return int(memory.available), int(memory.total)
