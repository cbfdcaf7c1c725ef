# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of network and diffusion that travel with a checkpoint; sizes of streams do not."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
from typing import Any

from dp_core.errors import ConfigError
from dp_core.noise_schedule import first_timestep
from dp_core.noise_schedule import MAX_SIGNAL
from dp_core.noise_schedule import NOISE_FROM
from dp_core.noise_schedule import signal_share
from dp_core.noise_schedule import valid_inference_steps

DENOISERS = ('unet', 'transformer')
FILMS = ('scale_and_shift', 'scale', 'shift')
CONDITIONINGS = ('global', 'local')
IMAGE_ENCODERS = ('dilated', 'conv', 'resnet18', 'clip_vit_b_16')
SAMPLERS = ('ddim', 'ddpm')
BETA_SCHEDULES = ('squaredcos_cap_v2', 'linear', 'scaled_linear')

# What neither the weights nor what they mean depend on.
_WITHOUT_WEIGHTS = ('image_learning_rate', 'modality_dropout', 'sampler', 'inference_steps')

# A choice -> the fields that speak of it alone. They stay at their defaults under another choice,
# and are not written then.
_OF_CHOICE = {
    ('denoiser', 'unet'): (
        'down_dims', 'kernel_size', 'step_embedding_dim', 'film', 'conditioning',
    ),
    ('denoiser', 'transformer'): (
        'n_layers', 'n_heads', 'n_embed', 'n_condition_layers', 'causal',
        'dropout_embed', 'dropout_attention',
    ),
    ('image_encoder', 'dilated'): ('image_channels',),
    ('image_encoder', 'conv'): ('image_channels',),
}  # fmt: skip


@dataclass(frozen=True)
class PolicyConfig:
    """Everything needed to rebuild a policy beside its contract.

    The paper is Chi et al., 2303.04137v5; its sections are named where a choice comes from it.

    Attributes:
        denoiser: 'unet', the 1-D U-Net, or 'transformer', the time-series diffusion
            transformer: for actions that change fast ("Network Architecture Options").
        down_dims: U-Net: channels of its levels; each level but the last halves the horizon.
        kernel_size: U-Net: taps of its convolutions (odd).
        n_groups: groups of the group normalisations of U-Net and of image encoders 'dilated' and
            'conv'; divides every entry of down_dims and image_channels.
        step_embedding_dim: U-Net: numbers that describe the diffusion step (even).
        film: U-Net: what the condition predicts for each channel, 'scale_and_shift', 'scale' or
            'shift'.
        conditioning: U-Net: 'global', all observations steer every step of the horizon through
            the FiLM; 'local', each is added at its own step.
        n_layers: transformer: decoder layers.
        n_heads: transformer: heads of each attention; divides n_embed.
        n_embed: transformer: numbers per token.
        n_condition_layers: transformer: attention layers over the condition; 0 for a two-layer
            network on each of its tokens.
        causal: transformer: an action sees none that come later, nor later observations.
        dropout_embed: transformer: share of the embedded tokens' numbers dropped in training.
        dropout_attention: transformer: the same of attention weights and hidden layers.
        image_encoder: 'dilated', small enough for a CPU; 'conv', the plain one before it;
            'resnet18' ("Visual Encoder"); or
            'clip_vit_b_16' ("Ablation Study"), to be fine-tuned from CLIP's weights with an
            image_learning_rate of 0.1.
        image_channels: 'dilated' and 'conv': channels of their levels. Of 'dilated' the first
            three halve the image; of 'conv' all but the last do.
        image_features: numbers per image that condition the denoiser.
        image_crop: side [fraction of the image] of the window seen; moved at random in training,
            centred otherwise; 1 for the whole image, without augmentation. The paper crops to
            about 0.9.
        share_image_encoder: one image encoder for all cameras instead of one each.
        image_learning_rate: factor on the learning rate of the image encoders, but not of their
            heads (keypoints and projection); 0 freezes them.
        window_features: numbers per tick of a stream with several samples for each.
        modality_dropout: chance that training hides a camera, or a stream with several samples
            for each tick, from a sequence, so that the policy learns to use the others as well.
        train_timesteps: diffusion steps in training.
        beta_schedule: noise schedule, by its name in diffusers; 'linear' and 'scaled_linear' end
            in noise with 1000 train_timesteps, and are refused with the default 100.
        clip_sample: clamp the predicted clean actions to [-1, 1] while sampling.
        sampler: 'ddim' (deterministic, few steps) or 'ddpm' (stochastic).
        inference_steps: network evaluations per chunk. They are evenly spaced down to step 0, and
            the first must be among the last quarter of train_timesteps: it is given pure noise.
    """

    denoiser: str = 'unet'
    down_dims: tuple[int, ...] = (64, 128, 256)
    kernel_size: int = 5
    n_groups: int = 8
    step_embedding_dim: int = 128
    film: str = 'scale_and_shift'
    conditioning: str = 'global'
    n_layers: int = 8
    n_heads: int = 4
    n_embed: int = 256
    n_condition_layers: int = 0
    causal: bool = True
    dropout_embed: float = 0.0
    dropout_attention: float = 0.01
    image_encoder: str = 'dilated'
    image_channels: tuple[int, ...] = (16, 32, 64)
    image_features: int = 64
    image_crop: float = 1.0
    share_image_encoder: bool = False
    image_learning_rate: float = 1.0
    window_features: int = 32
    modality_dropout: float = 0.0
    train_timesteps: int = 100
    beta_schedule: str = 'squaredcos_cap_v2'
    clip_sample: bool = True
    sampler: str = 'ddim'
    inference_steps: int = 10

    def __post_init__(self) -> None:
        """Refuse what the networks cannot be built from."""
        _require_one_of(self, 'denoiser', DENOISERS)
        _require_one_of(self, 'film', FILMS)
        _require_one_of(self, 'conditioning', CONDITIONINGS)
        _require_one_of(self, 'image_encoder', IMAGE_ENCODERS)
        _require_one_of(self, 'beta_schedule', BETA_SCHEDULES)
        _require_one_of(self, 'sampler', SAMPLERS)
        for name in self._unused():
            default = type(self).__dataclass_fields__[name].default
            if getattr(self, name) != default:
                raise ConfigError(
                    f'{name} is {getattr(self, name)}, but denoiser {self.denoiser!r} with '
                    f'image_encoder {self.image_encoder!r} takes no {name}'
                )
        if self.n_groups < 1:
            raise ConfigError(f'n_groups is {self.n_groups}, valid: 1 or more')
        if self.denoiser == 'unet':
            self._check_unet()
        else:
            self._check_transformer()
        self._check_images()
        if self.window_features < 1:
            raise ConfigError(f'window_features is {self.window_features}, valid: 1 or more')
        _require_share(self, 'modality_dropout')
        self._check_diffusion()

    def _check_diffusion(self) -> None:
        if not 1 <= self.inference_steps <= self.train_timesteps:
            raise ConfigError(
                f'inference_steps is {self.inference_steps}, valid: 1 .. {self.train_timesteps}'
            )
        first = first_timestep(self.train_timesteps, self.inference_steps)
        if first < NOISE_FROM * self.train_timesteps:
            raise ConfigError(
                f'inference_steps is {self.inference_steps}: denoising would begin at step '
                f'{first} of {self.train_timesteps}, where the network expects a signal in the '
                'noise; '
                f'valid: {valid_inference_steps(self.train_timesteps)}'
            )
        share = signal_share(self.beta_schedule, self.train_timesteps, first)
        if share > MAX_SIGNAL:
            raise ConfigError(
                f'beta_schedule is {self.beta_schedule!r}: denoising would begin at step {first} '
                f'of {self.train_timesteps}, where {share:.2f} of the variance is signal, not '
                f"noise, valid: up to {MAX_SIGNAL}; take 'squaredcos_cap_v2' or more "
                'train_timesteps (1000)'
            )

    def _check_unet(self) -> None:
        if len(self.down_dims) < 2:
            raise ConfigError(f'down_dims is {self.down_dims}, valid: two levels or more')
        self._check_channels('down_dims')
        if self.kernel_size < 1 or self.kernel_size % 2 == 0:
            raise ConfigError(f'kernel_size is {self.kernel_size}, valid: odd and positive')
        if self.step_embedding_dim < 4 or self.step_embedding_dim % 2:
            raise ConfigError(
                f'step_embedding_dim is {self.step_embedding_dim}, valid: even, >= 4'
            )

    def _check_transformer(self) -> None:
        if self.n_layers < 1 or self.n_condition_layers < 0:
            raise ConfigError(
                f'n_layers is {self.n_layers} and n_condition_layers is '
                f'{self.n_condition_layers}, valid: 1 or more, and 0 or more'
            )
        if self.n_heads < 1 or self.n_embed < 4 or self.n_embed % (2 * self.n_heads):
            raise ConfigError(
                f'n_embed is {self.n_embed}, valid: a multiple of 2 n_heads = {2 * self.n_heads}'
            )
        for name in ('dropout_embed', 'dropout_attention'):
            _require_share(self, name)

    def _check_images(self) -> None:
        if 'image_channels' not in self._unused():
            self._check_channels('image_channels')
        if not 0.5 <= self.image_crop <= 1.0:
            raise ConfigError(f'image_crop is {self.image_crop}, valid: 0.5 .. 1.0')
        if self.image_features < 2 or self.image_features % 2:
            raise ConfigError(f'image_features is {self.image_features}, valid: even, >= 2')
        if not 0.0 <= self.image_learning_rate <= 1.0:
            raise ConfigError(f'image_learning_rate is {self.image_learning_rate}, valid: 0 .. 1')

    def _check_channels(self, name: str) -> None:
        channels = getattr(self, name)
        if not channels or any(type(c) is not int or c < 1 or c % self.n_groups for c in channels):
            raise ConfigError(
                f'{name} is {channels}, valid: whole multiples of n_groups {self.n_groups}'
            )

    def require_horizon(self, horizon: int) -> None:
        """Raise unless the U-Net's levels can halve and double `horizon` without a rest."""
        factor = 2 ** (len(self.down_dims) - 1)
        if self.denoiser == 'unet' and horizon % factor:
            raise ConfigError(
                f'horizon is {horizon}, but {len(self.down_dims)} levels in down_dims '
                f'need a multiple of {factor}'
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML, without the fields of what was not chosen."""
        data = dataclasses.asdict(self)
        for name in self._unused():
            del data[name]
        return {k: list(v) if isinstance(v, tuple) else v for k, v in data.items()}

    @classmethod
    def from_dict(cls, data: Any) -> PolicyConfig:
        """Build from what `to_dict` wrote; unknown keys are refused by name.

        Without ``image_encoder`` the data are older than the choice: it was 'conv'.
        """
        if not isinstance(data, dict):
            raise ConfigError(f'policy settings: expected a mapping, got {type(data).__name__}')
        data = {'image_encoder': 'conv', **data}
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
            if not isinstance(value, kinds) or isinstance(value, bool) != isinstance(
                default, bool
            ):
                raise ConfigError(f'{key} is {value!r}, valid: a value like {default!r}')
        return cls(**values)

    def without_weights(self) -> dict[str, Any]:
        """Return the settings that may change when training goes on from another policy."""
        return {name: getattr(self, name) for name in _WITHOUT_WEIGHTS}

    def _unused(self) -> list[str]:
        """Return the fields that speak of no choice that was made."""
        every = dict.fromkeys(name for names in _OF_CHOICE.values() for name in names)
        used = {
            name
            for (field, choice), names in _OF_CHOICE.items()
            if getattr(self, field) == choice
            for name in names
        }
        return [name for name in every if name not in used]


def _require_share(config: PolicyConfig, name: str) -> None:
    if not 0.0 <= getattr(config, name) < 1.0:
        raise ConfigError(f'{name} is {getattr(config, name)}, valid: 0 up to, not with, 1')


def _require_one_of(config: PolicyConfig, name: str, valid: Sequence[str]) -> None:
    value = getattr(config, name)
    if value not in valid:
        raise ConfigError(f'{name} is {value!r}, valid: {valid}')
