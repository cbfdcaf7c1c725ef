# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Multi-head attention, and the transformer layer made of it (Vaswani et al., 1706.03762)."""

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

_FEW = 64  # tokens; of the 197 of a CLIP the scores would take most of the memory


class Attention(nn.Module):
    """Each token gathers from others what its query asks for; same as `nn.MultiheadAttention`."""

    def __init__(self, n_embed: int, n_heads: int, dropout: float) -> None:
        """Create the projections; `n_heads` divides `n_embed`."""
        super().__init__()
        self.n_heads = n_heads
        self.drop = nn.Dropout(dropout)
        self.query = nn.Linear(n_embed, n_embed)
        self.key_value = nn.Linear(n_embed, 2 * n_embed)
        self.out = nn.Linear(n_embed, n_embed)

    def forward(self, x: Tensor, source: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let x (B, T, E) gather from source (B, S, E).

        Args:
            x: tokens that ask.
            source: tokens that are asked.
            mask: (T, S) true where a token may look; None for everywhere.

        Returns:
            what was gathered, (B, T, E).
        """
        query = self._heads(self.query(x))  # (B, H, T, E / H)
        key, value = (self._heads(part) for part in self.key_value(source).chunk(2, dim=-1))
        if self.training and (self.drop.p > 0.0 or source.shape[1] < _FEW):
            # As below, with a dropout that is a module; and of few tokens on a CPU PyTorch's fused
            # attention takes more than half of a training step, this a tenth.
            scores = query @ key.mT / query.shape[-1] ** 0.5  # (B, H, T, S)
            if mask is not None:
                scores = scores.masked_fill(~mask, float('-inf'))
            gathered = self.drop(scores.softmax(dim=-1)) @ value  # (B, H, T, E / H)
        else:
            gathered = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        out: Tensor = self.out(gathered.transpose(1, 2).flatten(2))  # (B, T, E)
        return out

    def _heads(self, x: Tensor) -> Tensor:
        """Split x (B, N, E) into (B, H, N, E / H)."""
        return x.reshape(len(x), x.shape[1], self.n_heads, -1).transpose(1, 2)


class Layer(nn.Module):
    """Attention to one another, to a memory if there is one, and a two-layer network.

    The normalisation comes before each of them ("pre-norm"), which trains stably without care.
    """

    def __init__(
        self,
        n_embed: int,
        n_heads: int,
        dropout: float,
        has_memory: bool,
        activation: nn.Module | None = None,
    ) -> None:
        """Create one layer; the activation of its two-layer network is GELU by default."""
        super().__init__()
        self.norm_self = nn.LayerNorm(n_embed)
        self.attend_self = Attention(n_embed, n_heads, dropout)
        self.norm_memory = nn.LayerNorm(n_embed) if has_memory else None
        self.attend_memory = Attention(n_embed, n_heads, dropout) if has_memory else None
        self.norm_mlp = nn.LayerNorm(n_embed)
        self.mlp = nn.Sequential(
            nn.Linear(n_embed, 4 * n_embed),
            activation or nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(4 * n_embed, n_embed),
        )
        # One for each place: training may make the mask of a module a function of the row.
        self.drop_self = nn.Dropout(dropout)
        self.drop_found = nn.Dropout(dropout)
        self.drop_mlp = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
    ) -> Tensor:
        """Map x (B, T, E) to (B, T, E).

        Args:
            x: tokens.
            mask: (T, T) true where a token may look at another; None for everywhere.
            memory: (B, S, E) tokens to look up; None for a layer without.
            memory_mask: (T, S) true where a token may look at the memory; None for everywhere.
        """
        normed = self.norm_self(x)  # (B, T, E)
        x = x + self.drop_self(self.attend_self(normed, normed, mask))  # (B, T, E)
        if self.attend_memory is not None and self.norm_memory is not None:
            found = self.attend_memory(self.norm_memory(x), memory, memory_mask)  # (B, T, E)
            x = x + self.drop_found(found)
        out: Tensor = x + self.drop_mlp(self.mlp(self.norm_mlp(x)))  # (B, T, E)
        return out


def may_look_back(n_tokens: int, n_source: int, ahead: int = 0) -> Tensor:
    """Return (n_tokens, n_source): true where the source is at most ``ahead`` places later."""
    token, source = torch.arange(n_tokens)[:, None], torch.arange(n_source)
    return source <= token + ahead
