# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Dropout whose mask belongs to a row of the batch, not to the process that computes it.

PyTorch draws masks from one stream for each process: split among two processes, a batch would be
dropped differently. Here the mask of a row is a hash of its key, the layer and the position, so
that it also is the same after a killed run goes on.
"""

from __future__ import annotations

import torch
from torch import nn
from torch import Tensor

_MIX_1, _MIX_2 = -4658895280553007687, -7723592293110705685  # of splitmix64, as int64
_GOLDEN = -7046029254386353131  # 2 ** 64 / golden ratio, as int64
_BITS = 24  # of the hash make the uniform number


def mixed(values: Tensor) -> Tensor:
    """Return int64 `values` with their bits mixed (splitmix64's finaliser)."""
    values = (values ^ ((values >> 30) & 0x3FFFFFFFF)) * _MIX_1
    values = (values ^ ((values >> 27) & 0x1FFFFFFFFF)) * _MIX_2
    return values ^ ((values >> 31) & 0x1FFFFFFFF)


def draw_row_keys(rows: int, seed: int, step: int) -> Tensor:
    """Return a key for each row of a step's batch, (rows,) int64: a function of seed and step."""
    start = mixed(mixed(torch.tensor(seed)) + step)
    return mixed(start + torch.arange(rows) * _GOLDEN)


class LayerDropout(nn.Module):
    """One dropout layer; the keys of the rows are set before each forward pass."""

    row_keys: Tensor

    def __init__(self, p: float, layer: int) -> None:
        """Drop a share `p`; `layer` tells this layer's masks from those of the others."""
        super().__init__()
        self.p = p
        self._salt = int(mixed(torch.tensor(layer + 1)))  # no mask is another's, shifted
        self.row_keys = torch.zeros(1, dtype=torch.int64)

    def forward(self, values: Tensor) -> Tensor:
        """Drop numbers of values (B, ...) or (B * n, ...) and scale up the others."""
        if not self.training or self.p == 0.0:
            return values
        # Where rows share an observation, its encoder drops by the first one's key.
        keys = self.row_keys[:: max(1, len(self.row_keys) // len(values))]
        each = values.numel() // len(keys)
        # The salt by exclusive or: sums and products of places the compiler (of PyTorch 2.13, on a
        # CPU) takes for indices, and with a negative salt it made all blocks of 16 places alike.
        places = mixed(torch.arange(each, device=values.device) ^ self._salt)
        hashed = mixed(keys[:, None] + places[None])  # (B, numbers of a row)
        kept = (hashed & (2**_BITS - 1)) >= round(self.p * 2**_BITS)
        mask: Tensor = kept.reshape(values.shape).to(values.dtype) / (1.0 - self.p)
        return values * mask


class RowDropout:
    """All dropout layers of a network, made to draw row by row."""

    def __init__(self, network: nn.Module) -> None:
        """Put a `LayerDropout` in the place of every `nn.Dropout`."""
        self._layers: list[LayerDropout] = []
        for module in list(network.modules()):
            for name, child in list(module.named_children()):
                if isinstance(child, nn.Dropout):
                    layer = LayerDropout(child.p, len(self._layers)).train(child.training)
                    setattr(module, name, layer)
                    self._layers.append(layer)

    def draw_from(self, row_keys: Tensor) -> None:
        """Use row_keys (B,) in the next forward pass."""
        for layer in self._layers:
            layer.row_keys = row_keys
