# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where denoising begins: its first step, and how much signal the network expects there.

abar is the signal's share of the variance at a diffusion step, see `dp_core.denoise`.
"""

import math

import numpy as np

# Denoising begins with pure noise, so at no step below this share of all of them,
NOISE_FROM = 0.75
# and at none where more than this share of the variance is signal.
MAX_SIGNAL = 0.15
# First and last beta of diffusers' linear schedules, and the largest of its cosine.
_BETAS, _MAX_BETA = (1e-4, 0.02), 0.999


def first_timestep(train_timesteps: int, inference_steps: int) -> int:
    """Return the diffusion step at which denoising begins; diffusers' spacing 'leading'."""
    return (inference_steps - 1) * (train_timesteps // inference_steps)


def valid_inference_steps(train_timesteps: int) -> str:
    """Return the numbers of steps that begin in noise, as ranges."""
    low = NOISE_FROM * train_timesteps
    valid = [n for n in range(1, train_timesteps + 1) if first_timestep(train_timesteps, n) >= low]
    ends = [n for n in valid if n + 1 not in valid]
    begins = [n for n in valid if n - 1 not in valid]
    return ', '.join(f'{n} .. {m}' if m > n else f'{n}' for n, m in zip(begins, ends))


def signal_share(schedule: str, train_timesteps: int, timestep: int) -> float:
    """Return abar at a diffusion step, as diffusers' schedulers compute it."""
    if schedule == 'squaredcos_cap_v2':
        times = np.arange(train_timesteps + 1) / train_timesteps
        curve = np.cos((times + 0.008) / 1.008 * math.pi / 2) ** 2
        betas = np.minimum(1.0 - curve[1:] / curve[:-1], _MAX_BETA)
    elif schedule == 'linear':
        betas = np.linspace(*_BETAS, train_timesteps)
    else:
        betas = np.linspace(_BETAS[0] ** 0.5, _BETAS[1] ** 0.5, train_timesteps) ** 2
    return float(np.prod(1.0 - betas[: timestep + 1]))
