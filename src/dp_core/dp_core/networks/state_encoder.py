# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Low-dimensional streams -> condition: all numbers of the window, oldest tick first."""

from collections.abc import Sequence

import torch
from torch import Tensor


def encode_state(streams: Sequence[Tensor]) -> Tensor:
    """Line the normalised streams up as one vector, as the paper does; nothing is learned.

    Args:
        streams: each (B, n_obs_steps, dim_i).

    Returns:
        (B, n_obs_steps * sum dim_i): all streams of the oldest tick first.
    """
    return torch.cat(list(streams), dim=-1).flatten(1)
