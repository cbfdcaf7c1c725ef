# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Out of memory: what was asked for, how much is free, and what to lower."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dp_core.errors import OutOfMemoryError
import psutil
import torch

GIB = 2**30
# What else says it, without a class of its own: PyTorch's allocator on the CPU, CUDA and NCCL
# beside PyTorch's allocator, cuBLAS and cuDNN when they make their workspace.
_SHORT = ('DefaultCPUAllocator', 'out of memory', 'ALLOC_FAILED', 'ALLOCATION_FAILED')


@contextmanager
def memory_advice(device: str, asked: str, remedy: str) -> Iterator[None]:
    """Turn an allocation that fails within a block into advice.

    Args:
        device: 'cpu' or 'cuda'.
        asked: the options that take the most of it, as they were given.
        remedy: what to try.

    Raises:
        OutOfMemoryError: memory of processor or GPU is short.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # RuntimeError is torch.OutOfMemoryError, too
        is_short = isinstance(error, (MemoryError, torch.OutOfMemoryError))
        said = str(error).strip().partition('\n')[0]
        if not is_short and not any(word in str(error) for word in _SHORT):
            raise
        raise OutOfMemoryError(
            f'out of memory on {device}{_free(device)} at {asked}{": " * bool(said)}{said}. '
            f'Try {remedy}'
        ) from error


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
