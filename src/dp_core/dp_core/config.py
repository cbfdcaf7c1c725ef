# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of network and diffusion that travel with a checkpoint; sizes of streams do not."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from dp_core.errors import ConfigError

DENOISERS = ('unet',)
SAMPLERS = ('ddim', 'ddpm')
BETA_SCHEDULES = ('squaredcos_cap_v2', 'linear', 'scaled_linear')


@dataclass(frozen=True)
class PolicyConfig:
    """Everything needed to rebuild a policy beside its contract.

    Attributes:
        denoiser: 'unet'.
        down_dims: channels of the U-Net's levels; each level but the last halves the horizon.
        kernel_size: taps of its convolutions (odd).
        n_groups: groups of its group normalisations; divides every entry of down_dims.
        step_embedding_dim: numbers that describe the diffusion step (even).
        image_channels: channels of the image encoder's levels; each halves the image.
        image_features: numbers per image that condition the U-Net.
        image_crop: side [fraction of the image] of the window seen; moved at random in training,
            centred otherwise; 1 for the whole image.
        image_learning_rate: factor on the learning rate of the image encoders; 0 freezes them.
        train_timesteps: diffusion steps in training.
        beta_schedule: noise schedule, by its name in diffusers.
        clip_sample: clamp the predicted clean actions to [-1, 1] while sampling.
        sampler: 'ddim' (deterministic, few steps) or 'ddpm' (stochastic).
        inference_steps: network evaluations per chunk.
    """

    denoiser: str = 'unet'
    down_dims: tuple[int, ...] = (64, 128, 256)
    kernel_size: int = 5
    n_groups: int = 8
    step_embedding_dim: int = 128
    image_channels: tuple[int, ...] = (32, 64, 96, 128)
    image_features: int = 64
    image_crop: float = 1.0
    image_learning_rate: float = 1.0
    train_timesteps: int = 100
    beta_schedule: str = 'squaredcos_cap_v2'
    clip_sample: bool = True
    sampler: str = 'ddim'
    inference_steps: int = 10

    def __post_init__(self) -> None:
        """Refuse what the networks cannot be built from."""
        if self.denoiser not in DENOISERS:
            raise ConfigError(f'denoiser is {self.denoiser!r}, valid: {DENOISERS}')
        if len(self.down_dims) < 2:
            raise ConfigError(f'down_dims is {self.down_dims}, valid: two levels or more')
        for name in ('down_dims', 'image_channels'):
            channels = getattr(self, name)
            bad = [c for c in channels if c < 1 or c % self.n_groups]
            if bad or not channels:
                raise ConfigError(
                    f'{name} is {channels}, valid: multiples of n_groups {self.n_groups}'
                )
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ConfigError(f'kernel_size is {self.kernel_size}, valid: odd and positive')
        if self.step_embedding_dim < 4 or self.step_embedding_dim % 2:
            raise ConfigError(
                f'step_embedding_dim is {self.step_embedding_dim}, valid: even, >= 4'
            )
        if not 0.5 <= self.image_crop <= 1.0:
            raise ConfigError(f'image_crop is {self.image_crop}, valid: 0.5 .. 1.0')
        if self.image_features < 2 or self.image_features % 2:
            raise ConfigError(f'image_features is {self.image_features}, valid: even, >= 2')
        if not 0.0 <= self.image_learning_rate <= 1.0:
            raise ConfigError(f'image_learning_rate is {self.image_learning_rate}, valid: 0 .. 1')
        if self.beta_schedule not in BETA_SCHEDULES:
            raise ConfigError(f'beta_schedule is {self.beta_schedule!r}, valid: {BETA_SCHEDULES}')
        if self.sampler not in SAMPLERS:
            raise ConfigError(f'sampler is {self.sampler!r}, valid: {SAMPLERS}')
        if not 1 <= self.inference_steps <= self.train_timesteps:
            raise ConfigError(
                f'inference_steps is {self.inference_steps}, valid: 1 .. {self.train_timesteps}'
            )

    def require_horizon(self, horizon: int) -> None:
        """Raise unless the U-Net's levels can halve and double `horizon` without a rest."""
        factor = 2 ** (len(self.down_dims) - 1)
        if horizon % factor:
            raise ConfigError(
                f'horizon is {horizon}, but {len(self.down_dims)} levels in down_dims '
                f'need a multiple of {factor}'
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML."""
        data = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in data.items()}

    @classmethod
    def from_dict(cls, data: Any) -> PolicyConfig:
        """Build from plain data; unknown keys are refused by name."""
        if not isinstance(data, dict):
            raise ConfigError(f'policy settings: expected a mapping, got {type(data).__name__}')
        known = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise ConfigError(f'unknown policy settings {unknown}; valid: {sorted(known)}')
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in data.items()
        }
        for key, value in values.items():
            default = known[key].default
            kinds = (int, float) if isinstance(default, float) else (type(default),)
            if not isinstance(value, kinds):
                raise ConfigError(f'{key} is {value!r}, valid: a value like {default!r}')
        return cls(**values)
