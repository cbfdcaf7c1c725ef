# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How the step is computed: compiled or not, in bfloat16 or not."""

from contextlib import AbstractContextManager
from typing import Any
import warnings

import torch
from torch import nn


def has_bf16(device: str = 'cpu') -> bool:
    """Say whether this device multiplies bfloat16 matrices in hardware."""
    if device == 'cuda':
        has_gpu = torch.cuda.is_available()
        return bool(has_gpu and torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def precision(bf16: bool, device: torch.device) -> AbstractContextManager[Any]:
    """Return the context of the forward pass; weights stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)


def compiled(module: nn.Module, enabled: bool, in_this_process: bool = False) -> Any:
    """Return `module` compiled at its first call, or as it is.

    Args:
        module: what to compile.
        enabled: whether to.
        in_this_process: use no helpers beside the compiler, so that the CPU time of all of it
            counts as this run's; slower where there are many cores.
    """
    if not enabled:
        return module
    import torch._inductor.config  # loads slowly

    if in_this_process:
        torch._inductor.config.compile_threads = 1
    warnings.filterwarnings('ignore', message='.*Online softmax.*')
    return torch.compile(module, dynamic=False)
