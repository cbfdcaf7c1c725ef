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
# What else says it, without a class of its own: PyTorch's allocator on the CPU, CUDA and NCCL
# beside PyTorch's allocator, cuBLAS and cuDNN when they make their workspace.
_SHORT = ('DefaultCPUAllocator', 'out of memory', 'ALLOC_FAILED', 'ALLOCATION_FAILED')


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
        if not any(word in str(error) for word in _SHORT):
            raise
        raise TrainingError(advice(options, error)) from error


def advice(options: TrainConfig, error: Exception) -> str:
    """Say what ran out and what helps."""
    said = str(error).strip().splitlines()
    lower = max(1, options.batch_size // 2)
    return (
        f'out of memory on {options.device}{_free(options.device)} at '
        f'--batch-size {options.batch_size}'
        + (f': {said[0]}' if said else '')
        + f'. Try --batch-size {lower} --accumulate {2 * options.accumulate} (the same steps), '
        '--precision bf16, smaller --down-dims or --image-channels'
        + ('' if options.cache == 'disk' else ', or --cache disk for pictures')
        + '; a run that had started goes on from its last state only with the same settings'
    )


def _free(device: str) -> str:
    """Say how much is free, where that can be known."""
    if device == 'cuda':
        try:
            free, total = torch.cuda.mem_get_info()
        except RuntimeError:  # a GPU that is full, or lost, may not even tell
            return ''
    else:
        memory = psutil.virtual_memory()
        free, total = memory.available, memory.total
    return f' ({free / GIB:.1f} of {total / GIB:.1f} GiB free)'
