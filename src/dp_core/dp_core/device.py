# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where a network computes: names that a user gives, and the device behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dp_core.errors import ConfigError

if TYPE_CHECKING:
    import torch

DEVICES = ('cpu', 'cuda')


def device_of(name: str, local_rank: int = 0) -> torch.device:
    """Return the device of this process: the CPU, or the GPU with its number on this machine.

    Raises:
        ConfigError: there is no such device.
    """
    import torch  # loads slowly; the names above are for those who do not compute

    if name not in DEVICES:
        raise ConfigError(f'device is {name!r}, valid: {DEVICES}')
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
    # The same seed gives the same chunk. Training repeats itself nearly, not to the bit: some
    # gradients are added up in the order in which the GPU's threads come.
    torch.backends.cudnn.deterministic = True
    # Weights stay float32, and so do sums; only factors of matrix products are rounded to 10 bits
    # of mantissa (TensorFloat-32), as cuDNN does with convolutions anyway: several times faster.
    torch.set_float32_matmul_precision('high')
    return torch.device('cuda', local_rank)


def moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return a tensor of the CPU on `device`; a GPU fetches it while the CPU goes on.

    From memory that may be paged out a GPU would be waited for, until all it had to do is done,
    before the next batch could be made ready.
    """
    if device.type == 'cuda':
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def is_lost(device: torch.device) -> bool:
    """Say whether nothing can be computed on `device` any more by this process.

    A mistake in a kernel, or a GPU that fails, spoils every later call of the process as well.
    What was too large for the memory does not.
    """
    if device.type != 'cuda':
        return False
    import torch

    try:
        torch.cuda.synchronize(device)
    except RuntimeError as error:
        return 'out of memory' not in str(error)
    return False
