# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where and how the step is computed: device, compiled or not, in bfloat16 or not."""

from contextlib import AbstractContextManager
from typing import Any
import warnings

from dp_core.errors import ConfigError
import torch
from torch import nn


def device_of(name: str, local_rank: int = 0) -> torch.device:
    """Return the device of this process: the CPU, or the GPU with its number on this machine.

    Raises:
        ConfigError: there is no such device.
    """
    if name == 'cpu':
        return torch.device('cpu')
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if local_rank >= count:
        raise ConfigError(
            f'device is {name!r} and this process needs GPU {local_rank}, but PyTorch '
            f'{torch.__version__} sees {count}; valid here: cpu'
            + (f', or torchrun with at most {count} processes on this machine' if count else '')
        )
    torch.cuda.set_device(local_rank)
    torch.backends.cudnn.deterministic = True  # a resumed run gives the same bits
    return torch.device('cuda', local_rank)


def has_bf16(device: str = 'cpu') -> bool:
    """Say whether this device multiplies bfloat16 matrices in hardware."""
    if device == 'cuda':
        return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def precision(bf16: bool, device: torch.device) -> AbstractContextManager[Any]:
    """Return the context of the forward pass; weights stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)


def compiled(module: nn.Module, enabled: bool) -> Any:
    """Compile `module` in this process, so that its CPU time counts as this run's."""
    if not enabled:
        return module
    import torch._inductor.config  # loads slowly

    torch._inductor.config.compile_threads = 1
    warnings.filterwarnings('ignore', message='.*Online softmax.*')
    return torch.compile(module, dynamic=False)
