# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 4: condition -> normalised actions, by denoising; the loop is written out.

Notation of Ho et al. (2006.11239): x_t is the noisy action sequence at diffusion step t,
x_0 the clean one, eps the noise that the network predicts in x_t, abar the signal's share of
variance: x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from dp_core.config import PolicyConfig
from dp_core.networks.denoiser import Denoiser
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


@dataclass(frozen=True)
class Known:
    """What is known of x_0; used as in real-time chunking (Black et al., 2506.07339).

    Where the weight is 1, x_t is this x_0 with the noise that belongs to step t, at every step:
    clean values would be no x_t that the network has ever seen. Where it is between, the estimate
    of x_0 is drawn towards it. The paper draws with the gradient through the network instead. That
    doubles the time of a step and needs a network that can be differentiated where it runs; and
    here the rest of the sequence learns of it all the same, at the next step, from x_t.

    Attributes:
        x0: (B or 1, horizon, action_dim) in [-1, 1].
        weights: (horizon, action_dim) in [0, 1].
        skipped: first denoising steps left out; sampling begins with x0 and noise instead.
    """

    x0: Tensor
    weights: Tensor
    skipped: int = 0

    def noised(self, noise: Tensor, abar: Tensor) -> Tensor:
        """x_t of the known x_0."""
        return abar.sqrt() * self.x0 + (1 - abar).sqrt() * noise

    def inpaint(self, x: Tensor, known: Tensor) -> Tensor:
        """Replace what is certain by ``known``."""
        return torch.where(self.weights >= 1.0, known, x)

    def draw(self, eps: Tensor, x: Tensor, abar: Tensor, clip: bool) -> Tensor:
        """Noise whose x_0 is drawn towards the known one by the weights."""
        clean = (x - (1 - abar).sqrt() * eps) / abar.sqrt()
        if clip:
            clean = clean.clamp(-1.0, 1.0)
        clean = clean + self.weights * (self.x0 - clean)
        drawn = (x - abar.sqrt() * clean) / (1 - abar).sqrt()
        return torch.where(self.weights > 0.0, drawn, eps)


def sample(
    denoiser: Denoiser,
    scheduler: DDIMScheduler | DDPMScheduler,
    condition: Tensor,
    x_start: Tensor,
    generators: Sequence[torch.Generator] | None = None,
    known: Known | None = None,
) -> Tensor:
    """Denoise x_start (B, horizon, action_dim) under condition (B, condition_dim).

    Args:
        denoiser: the network.
        scheduler: the reverse process, timesteps set. Its tables stay on the CPU, where its loop
            reads them one number at a time, whatever device the network is on.
        condition: from the encoder, computed once.
        x_start: standard normal noise.
        generators: one per row, of the CPU, for the noise that DDPM adds at each step.
        known: what is known of the actions; None for nothing.

    Condition, x_start and what is known are on the network's device.

    Returns:
        actions (B, horizon, action_dim) in [-1, 1].
    """
    batch = len(condition)
    timesteps = scheduler.timesteps[known.skipped if known else 0 :]  # (K,), falling
    each = timesteps.to(condition.device).repeat_interleave(batch)  # (K * B,)
    modulation = denoiser.modulation(each, condition.repeat(len(timesteps), 1))
    modulation = modulation.reshape(len(timesteps), batch, *modulation.shape[1:])  # (K, B, ...)
    x = x_start
    if known and known.skipped:
        x = known.noised(x_start, scheduler.alphas_cumprod[timesteps[0]])
    for k, timestep in enumerate(timesteps):
        abar = scheduler.alphas_cumprod[timestep]
        if known:
            x = known.inpaint(x, known.noised(x_start, abar))
        eps = denoiser.denoise(x, modulation[k])
        if known:
            eps = known.draw(eps, x, abar, bool(scheduler.config.clip_sample))
        if isinstance(scheduler, DDPMScheduler):
            noise_source = list(generators) if generators else None
            x = scheduler.step(eps, timestep, x, generator=noise_source).prev_sample
        else:
            x = scheduler.step(eps, timestep, x).prev_sample
    return known.inpaint(x, known.x0.expand_as(x)) if known else x
