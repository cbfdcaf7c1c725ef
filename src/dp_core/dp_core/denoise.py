# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 4: condition -> normalised actions, by denoising; the loop is written out.

Notation of Ho et al. (2006.11239): x_t is the noisy action sequence at diffusion step t,
x_0 the clean one, eps the noise that the network predicts in x_t.
"""

from collections.abc import Sequence

from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from dp_core.config import PolicyConfig
from dp_core.networks.unet1d import Unet1d
import torch
from torch import Tensor


def training_scheduler(config: PolicyConfig) -> DDPMScheduler:
    """Return the forward (noising) process."""
    return DDPMScheduler(
        num_train_timesteps=config.train_timesteps,
        beta_schedule=config.beta_schedule,
        clip_sample=config.clip_sample,
        prediction_type='epsilon',
        variance_type='fixed_small',
    )


def sampling_scheduler(config: PolicyConfig) -> DDIMScheduler | DDPMScheduler:
    """Return the reverse process with its timesteps set, e.g. 90, 80, ..., 0 for ten steps."""
    scheduler: DDIMScheduler | DDPMScheduler
    if config.sampler == 'ddim':
        scheduler = DDIMScheduler(
            num_train_timesteps=config.train_timesteps,
            beta_schedule=config.beta_schedule,
            clip_sample=config.clip_sample,
            prediction_type='epsilon',
            set_alpha_to_one=True,
            steps_offset=0,
            timestep_spacing='leading',
        )
    else:
        scheduler = training_scheduler(config)
    scheduler.set_timesteps(config.inference_steps)
    return scheduler


def sample(
    unet: Unet1d,
    scheduler: DDIMScheduler | DDPMScheduler,
    condition: Tensor,
    x_start: Tensor,
    generators: Sequence[torch.Generator] | None = None,
) -> Tensor:
    """Denoise x_start (B, horizon, action_dim) under condition (B, condition_dim).

    Args:
        unet: the network.
        scheduler: the reverse process, timesteps set.
        condition: from the encoder, computed once.
        x_start: standard normal noise.
        generators: one per row, for the noise that DDPM adds at each step.

    Returns:
        actions (B, horizon, action_dim) in [-1, 1].
    """
    batch = len(condition)
    timesteps = scheduler.timesteps  # (K,), falling
    each = timesteps.repeat_interleave(batch)  # (K * B,)
    films = unet.modulation(each, condition.repeat(len(timesteps), 1))
    films = films.reshape(len(timesteps), batch, -1)  # (K, B, F): nothing depends on x
    x = x_start
    for k, timestep in enumerate(timesteps):
        eps = unet.denoise(x, films[k])
        if isinstance(scheduler, DDPMScheduler):
            noise_source = list(generators) if generators else None
            x = scheduler.step(eps, timestep, x, generator=noise_source).prev_sample
        else:
            x = scheduler.step(eps, timestep, x).prev_sample
    return x
