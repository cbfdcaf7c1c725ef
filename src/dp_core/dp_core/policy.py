# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A trained policy: encoder, denoiser and normalisation behind one verb, `predict`."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
import secrets

from dp_core.config import PolicyConfig
from dp_core.continuation import KnownActions
from dp_core.contract import Contract
from dp_core.denoise import Known
from dp_core.denoise import sample
from dp_core.denoise import sampling_scheduler
from dp_core.encode import ObservationEncoder
from dp_core.encode import stack_windows
from dp_core.errors import CheckpointError
from dp_core.frame_features import FrameFeatures
from dp_core.networks.condition_layout import ConditionLayout
from dp_core.networks.denoiser import DenoisingNetwork
from dp_core.networks.parameter_groups import parameter_groups
from dp_core.networks.parameter_groups import ParameterGroup
from dp_core.networks.transformer1d import Transformer1d
from dp_core.networks.unet1d import Unet1d
from dp_core.normalize import ACTION
from dp_core.normalize import Normalizer
from dp_core.observation import ObservationWindow
import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn
from torch import Tensor


class PolicyNetwork(nn.Module):
    """All that is trained: the observation encoder and the denoiser."""

    def __init__(self, contract: Contract, config: PolicyConfig) -> None:
        """Create both with random weights."""
        super().__init__()
        config.require_horizon(contract.horizon)
        self._image_learning_rate = config.image_learning_rate
        self.encoder = ObservationEncoder(contract, config)
        self.denoiser = _denoiser(contract, config, self.encoder.layout)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Return every weight that is trained, each in one group; frozen ones in none."""
        return parameter_groups(
            self,
            undecayed=[f'denoiser.{name}' for name in self.denoiser.without_decay()],
            image_learning_rate=self._image_learning_rate,
        )


def _denoiser(
    contract: Contract, config: PolicyConfig, layout: ConditionLayout
) -> DenoisingNetwork:
    if config.denoiser == 'transformer':
        return Transformer1d(
            contract.action_dim,
            contract.horizon,
            layout,
            config.n_layers,
            config.n_heads,
            config.n_embed,
            config.n_condition_layers,
            config.causal,
            config.dropout_embed,
            config.dropout_attention,
        )
    return Unet1d(
        contract.action_dim,
        layout,
        config.down_dims,
        config.kernel_size,
        config.n_groups,
        config.step_embedding_dim,
        config.film,
        contract.horizon if config.conditioning == 'local' else 0,
    )


def current_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a checkpoint of any age by their names of today."""
    old, new = 'unet.', 'denoiser.'
    return {new + n.removeprefix(old) if n.startswith(old) else n: w for n, w in weights.items()}


class Policy:
    """Maps observation windows to physical action sequences.

    Attributes:
        contract: what it sees and commands.
        config: network and sampling settings.
        normalizer: limits of streams and actions.
        network: encoder and denoiser, in evaluation mode.
    """

    def __init__(
        self,
        contract: Contract,
        config: PolicyConfig,
        normalizer: Normalizer,
        network: PolicyNetwork,
    ) -> None:
        """Check that statistics fit the contract and prepare the sampler."""
        dims = {stream.name: stream.dim for stream in contract.low_dim}
        for name, dim in {**dims, ACTION: contract.action_dim}.items():
            if normalizer[name].low.shape != (dim,):
                raise CheckpointError(
                    f'statistics of {name!r} have {len(normalizer[name].low)} values, '
                    f'the contract says {dim}'
                )
        self.contract = contract
        self.config = config
        self.normalizer = normalizer
        self.network = network.eval()
        self._scheduler = sampling_scheduler(config)
        self._features = FrameFeatures(network.encoder, 2 * contract.n_obs_steps)

    @property
    def device(self) -> torch.device:
        """Where the network is, and computes."""
        return next(self.network.parameters()).device

    def to(self, device: torch.device) -> Policy:
        """Move the network to ``device``, and return this policy.

        Noise is drawn on the CPU whatever the device, so that a seed means the same on each.
        """
        self.network.to(device)
        return self

    def with_sampler(self, sampler: str, inference_steps: int) -> Policy:
        """Return the same policy with another sampler ('ddim' or 'ddpm') or number of steps."""
        config = replace(self.config, sampler=sampler, inference_steps=inference_steps)
        return Policy(self.contract, config, self.normalizer, self.network)

    @torch.inference_mode()
    def encode(self, windows: Sequence[ObservationWindow]) -> Tensor:
        """Encode windows to the condition (B, condition_dim).

        The pictures of a single window, as a robot asks, are encoded if they are new.
        """
        low_dim, images = stack_windows(windows, self.contract, self.normalizer)
        low_dim = {name: values.to(self.device) for name, values in low_dim.items()}
        encoder = self.network.encoder
        if len(windows) == 1:
            pictures = windows[0].images
            features = {
                name: self._features.window(name, pictures[name])[None] for name in encoder.images
            }
            return encoder.join(low_dim, features)
        images = {name: frames.to(self.device) for name, frames in images.items()}
        condition: Tensor = encoder(low_dim, images)
        return condition

    @torch.inference_mode()
    def sample(
        self,
        condition: Tensor,
        generator: torch.Generator | Sequence[torch.Generator],
        known: KnownActions | None = None,
    ) -> Tensor:
        """Draw actions (B, horizon, action_dim) in [-1, 1] under condition (B, condition_dim).

        Args:
            condition: from `encode`.
            generator: source of the noise, of the CPU, one for all rows or one for each row.
            known: what is known of the actions of every row; None for nothing.
        """
        shape = (self.contract.horizon, self.contract.action_dim)
        if isinstance(generator, torch.Generator):
            sources = [generator] * len(condition)
        else:
            sources = list(generator)
        noise = torch.stack([torch.randn(shape, generator=g) for g in sources]).to(self.device)
        return sample(
            self.network.denoiser, self._scheduler, condition, noise, sources, self._known(known)
        )

    def _known(self, known: KnownActions | None) -> Known | None:
        if known is None:
            return None
        unit = self.normalizer[ACTION].normalize(known.actions.astype(np.float32))
        return Known(
            torch.from_numpy(unit.clip(-1.0, 1.0))[None].to(self.device),
            torch.from_numpy(known.weights.astype(np.float32)).to(self.device),
            min(round(known.skip * self.config.inference_steps), self.config.inference_steps - 1),
        )

    def predict(
        self,
        window: ObservationWindow,
        seed: int | None = None,
        known: KnownActions | None = None,
    ) -> NDArray[np.float32]:
        """Predict actions (horizon, action_dim) in physical units; step 0 is the oldest tick.

        Args:
            window: newest observations.
            seed: of the noise; None for chance.
            known: what is known of the actions; None for nothing.
        """
        actions = self.predict_batch([window], None if seed is None else [seed], known)
        return np.asarray(actions[0])

    def predict_batch(
        self,
        windows: Sequence[ObservationWindow],
        seeds: Sequence[int] | None = None,
        known: KnownActions | None = None,
    ) -> NDArray[np.float32]:
        """Predict actions (B, horizon, action_dim); one seed per window, None for chance."""
        if seeds is None:
            seeds = [secrets.randbits(63) for _ in windows]
        sources = [torch.Generator().manual_seed(seed) for seed in seeds]
        unit = self.sample(self.encode(windows), sources, known)
        return self.normalizer[ACTION].unnormalize(unit.cpu().numpy())
