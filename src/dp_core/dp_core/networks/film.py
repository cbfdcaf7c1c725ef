# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""FiLM: the condition scales and shifts each channel (Perez et al., 1709.07871)."""

from torch import Tensor

# kind -> numbers that it takes for each channel
FILM_NUMBERS = {'scale_and_shift': 2, 'scale': 1, 'shift': 1}


def modulate(kind: str, x: Tensor, film: Tensor) -> Tensor:
    """Steer x (B, T, C) by film (B, FILM_NUMBERS[kind] * C), the scales before the shifts."""
    numbers = film[:, None]  # (B, 1, C or 2 C)
    if kind == 'scale':
        return numbers * x
    if kind == 'shift':
        return x + numbers
    scale, shift = numbers.chunk(2, dim=-1)  # (B, 1, C) each
    return scale * x + shift
