# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A denoiser: the time-series diffusion transformer, every action a token.

The transformer-based diffusion policy of Chi et al. (2303.04137v5, "Network Architecture
Options"), a decoder in the style of minGPT. The noisy actions are the tokens of the decoder.
The diffusion step, as its first token, and the observation of each tick are its memory, to which
every layer attends. The mask is causal: an action looks at itself and at what comes before it.
Unlike a convolution this favours no smooth sequence, so it follows actions that jump (velocities,
say) better; the paper found it harder to tune.

The memory does not depend on the noisy actions: it is `modulation`, computed once for all steps
of a chunk. (Keys and values of every layer could be as well. They are of three tokens beside
sixteen, 3 % of a step, and would take sixteen times the memory.)
"""

from dp_core.networks.attention import Layer
from dp_core.networks.attention import may_look_back
from dp_core.networks.condition_layout import ConditionLayout
from dp_core.networks.denoiser import DenoisingNetwork
from dp_core.networks.step_embedding import Sinusoids
import torch
from torch import nn
from torch import Tensor


class Transformer1d(DenoisingNetwork):
    """Predicts the noise in a noisy action sequence, given diffusion step and condition."""

    def __init__(
        self,
        action_dim: int,
        horizon: int,
        layout: ConditionLayout,
        n_layers: int,
        n_heads: int,
        n_embed: int,
        n_condition_layers: int = 0,
        causal: bool = True,
        dropout_embed: float = 0.0,
        dropout_attention: float = 0.01,
    ) -> None:
        """Create the network.

        Args:
            action_dim: numbers per action.
            horizon: actions of a sequence.
            layout: of the condition.
            n_layers: layers of the decoder.
            n_heads: heads of each attention.
            n_embed: numbers per token.
            n_condition_layers: attention layers over the memory's tokens; 0 for a two-layer
                network on each. Attention lets every token see all observations, also under a
                causal mask.
            causal: no action sees a later one, nor an observation of a later tick.
            dropout_embed: share of the embedded tokens' numbers dropped in training.
            dropout_attention: the same in the layers.
        """
        super().__init__()
        n_memory = 1 + layout.n_obs_steps
        self.layout = layout
        self.embed_action = nn.Linear(action_dim, n_embed)
        self.embed_observation = nn.Linear(layout.token_dim, n_embed)
        self.embed_step = Sinusoids(n_embed)
        self.action_position = nn.Parameter(torch.empty(1, horizon, n_embed))
        self.memory_position = nn.Parameter(torch.empty(1, n_memory, n_embed))
        self.drop_action = nn.Dropout(dropout_embed)
        self.drop_memory = nn.Dropout(dropout_embed)
        self.memory_layers = nn.ModuleList(
            Layer(n_embed, n_heads, dropout_attention, has_memory=False)
            for _ in range(n_condition_layers)
        ) or nn.ModuleList([_two_layers(n_embed)])
        self.layers = nn.ModuleList(
            Layer(n_embed, n_heads, dropout_attention, has_memory=True) for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(n_embed)
        self.project = nn.Linear(n_embed, action_dim)
        # Memory: the step first, which every action sees, then tick 0, 1, ... beside action 0, 1.
        mask = may_look_back(horizon, horizon) if causal else None
        memory_mask = may_look_back(horizon, n_memory, ahead=1) if causal else None
        self.register_buffer('mask', mask, persistent=False)
        self.register_buffer('memory_mask', memory_mask, persistent=False)
        self.apply(_initialise)
        nn.init.normal_(self.action_position, std=0.02)
        nn.init.normal_(self.memory_position, std=0.02)

    def modulation(self, timesteps: Tensor, condition: Tensor) -> Tensor:
        """Return the memory (B, 1 + n_obs_steps, E) of timesteps (B,) and condition (B, C)."""
        step = self.embed_step(timesteps)[:, None]  # (B, 1, E)
        seen = self.embed_observation(self.layout.tokens(condition))  # (B, n_obs_steps, E)
        memory: Tensor = self.drop_memory(torch.cat((step, seen), dim=1) + self.memory_position)
        for layer in self.memory_layers:
            memory = layer(memory)
        return memory

    def denoise(self, noisy: Tensor, modulation: Tensor) -> Tensor:
        """Predict the noise in noisy (B, T, A), given modulation (B, 1 + n_obs_steps, E)."""
        x = self.drop_action(self.embed_action(noisy) + self.action_position)  # (B, T, E)
        for layer in self.layers:
            x = layer(x, self.mask, modulation, self.memory_mask)
        noise: Tensor = self.project(self.norm(x))  # (B, T, A)
        return noise

    def without_decay(self) -> list[str]:
        """Return the names of weights that are not to decay: all but those of matrices.

        Decay keeps products of weights small. Biases, normalisations and positions are in none.
        """
        matrices = {
            f'{name}.weight' for name, module in self.named_modules() if type(module) is nn.Linear
        }
        return [name for name, _ in self.named_parameters() if name not in matrices]


def _two_layers(n_embed: int) -> nn.Module:
    """Return the network on each token of the memory, (B, S, E) -> (B, S, E)."""
    return nn.Sequential(
        nn.Linear(n_embed, 4 * n_embed), nn.Mish(), nn.Linear(4 * n_embed, n_embed)
    )


def _initialise(module: nn.Module) -> None:
    """Draw matrices from N(0, 0.02^2) as GPT-2 does; biases begin at 0."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
