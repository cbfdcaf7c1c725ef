# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How the step is computed: compiled or not, in bfloat16 or not."""

from contextlib import AbstractContextManager
from typing import Any
import warnings

import torch
from torch import nn
import torch._inductor.config


def has_bf16() -> bool:
    """Say whether this CPU multiplies bfloat16 matrices in hardware."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def precision(bf16: bool) -> AbstractContextManager[Any]:
    """Return the context of the forward pass; weights stay float32."""
    return torch.autocast('cpu', dtype=torch.bfloat16, enabled=bf16)


def compiled(module: nn.Module, enabled: bool) -> Any:
    """Compile `module` in this process, so that its CPU time counts as this run's."""
    if not enabled:
        return module
    torch._inductor.config.compile_threads = 1
    warnings.filterwarnings('ignore', message='.*Online softmax.*')
    return torch.compile(module, dynamic=False)
