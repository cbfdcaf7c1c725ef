# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Channels-last building blocks of the 1-D U-Net: every convolution is one matrix product.

Tensors are (B, T, C): batch, time, channels. On CPUs a GEMM over gathered taps is several times
faster than `nn.Conv1d`, and exactly the same function.
"""

import math

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional


def _uniform(shape: tuple[int, ...], fan_in: int) -> nn.Parameter:
    """Return a parameter drawn as PyTorch draws its convolutions: U(-1, 1) / sqrt(fan_in)."""
    bound = 1.0 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


class Conv(nn.Module):
    """Convolution in time, same as `nn.Conv1d` with a padding of kernel_size // 2."""

    def __init__(self, n_in: int, n_out: int, kernel_size: int, stride: int = 1) -> None:
        """Create the taps; `weight` is (C_out, kernel_size, C_in)."""
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride
        self.weight = _uniform((n_out, kernel_size, n_in), n_in * kernel_size)
        self.bias = _uniform((n_out,), n_in * kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x (B, T, C_in) to (B, ceil(T / stride), C_out)."""
        if self.kernel_size > 1:
            n_out = (x.shape[1] - 1) // self.stride + 1
            pad = self.kernel_size // 2
            x = functional.pad(x, (0, 0, pad, pad))
            last = (n_out - 1) * self.stride + 1
            taps = [x[:, k : k + last : self.stride] for k in range(self.kernel_size)]
            x = torch.cat(taps, dim=-1)  # (B, T', kernel_size * C_in)
        return functional.linear(x, self.weight.flatten(1), self.bias)


class Upsample(nn.Module):
    """Doubles the time steps, same as `nn.ConvTranspose1d(C, C, 4, stride=2, padding=1)`."""

    def __init__(self, n_channels: int) -> None:
        """Create the taps; `even` and `odd` are (C_out, 2, C_in), one for each output parity."""
        super().__init__()
        self.even = _uniform((n_channels, 2, n_channels), 4 * n_channels)
        self.odd = _uniform((n_channels, 2, n_channels), 4 * n_channels)
        self.bias = _uniform((n_channels,), 4 * n_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Upsample x (B, T, C) to (B, 2 T, C)."""
        padded = functional.pad(x, (0, 0, 1, 1))
        before = torch.cat((padded[:, :-2], x), dim=-1)  # (B, T, 2 C): x[t - 1], x[t]
        after = torch.cat((x, padded[:, 2:]), dim=-1)  # (B, T, 2 C): x[t], x[t + 1]
        even = functional.linear(before, self.even.flatten(1), self.bias)
        odd = functional.linear(after, self.odd.flatten(1), self.bias)
        return torch.stack((even, odd), dim=2).flatten(1, 2)


class GroupNorm(nn.Module):
    """Normalises each group of channels over time, same as `nn.GroupNorm` on (B, C, T)."""

    def __init__(self, n_groups: int, n_channels: int, eps: float = 1e-5) -> None:
        """Create scale and shift, one per channel."""
        super().__init__()
        self.n_groups = n_groups
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(n_channels))
        self.bias = nn.Parameter(torch.zeros(n_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (B, T, C)."""
        groups = x.float().reshape(*x.shape[:2], self.n_groups, -1)  # (B, T, G, C / G)
        var, mean = torch.var_mean(groups, dim=(1, 3), keepdim=True, correction=0)
        unit: Tensor = (groups - mean) * torch.rsqrt(var + self.eps)
        return torch.addcmul(self.bias, unit.flatten(2), self.weight)
