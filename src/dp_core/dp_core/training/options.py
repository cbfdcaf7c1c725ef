# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a training run is asked to do."""

from dataclasses import dataclass
from pathlib import Path

from dp_core.device import DEVICES
from dp_core.errors import ConfigError

CACHES = ('auto', 'memory', 'disk')


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run.

    Attributes:
        datasets: dataset folders of one contract, used as one.
        output: checkpoint folder to create; the run's state, log and plot lie in it as well.
        steps: optimiser steps; 0 when the run ends by CPU time.
        budget_cpu_s: CPU time of this process and its compilers [s], without that of rollout
            scores; 0 when it ends by steps.
        batch_size: sequences per backward pass and process.
        accumulate: backward passes per optimiser step.
        noise_draws: guesses for each sequence, with other noise and steps; pictures are encoded
            once for all of them.
        learning_rate: largest; a linear rise times half a cosine over the whole run.
        betas: of AdamW; for the U-Net as in the original, whose transformer has (0.9, 0.95).
        weight_decay: of AdamW for the denoiser, where its parameter group decays.
        encoder_weight_decay: of AdamW for everything else.
        clip_norm: largest norm of the gradient, longer ones are scaled down; 0 for any.
        warmup_steps: steps of the linear rise.
        seed: of weights, data order, noise, crops and dropout.
        init_from: checkpoint whose weights and statistics to start from; empty for none.
        image_weights: file of weights that the image encoders begin with; empty for none.
        snapshots: EMA checkpoints taken from `snapshots_from` on, the last one included.
        snapshots_from: fraction of the run after which they are taken.
        snapshots_kept: how many of them stay, the newest ones; 10 as in the paper.
        state_every_s: time between two writes of the resume state [s].
        device: 'cpu' or 'cuda'; under torchrun each process takes the GPU of its local rank.
        compile: compile the step with a C++ compiler.
        bf16: matrix products in bfloat16.
        threads: torch threads.
        cache: where pictures lie: 'memory', 'disk' (memory-mapped), or by size with 'auto'.
        score: what checkpoints are scored in, scene, seeds and arguments; empty for nothing.
    """

    datasets: tuple[Path, ...]
    output: Path
    steps: int = 0
    budget_cpu_s: float = 0.0
    batch_size: int = 256
    accumulate: int = 1
    noise_draws: int = 1
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.95, 0.999)
    weight_decay: float = 1e-6
    encoder_weight_decay: float = 1e-6
    clip_norm: float = 0.0
    warmup_steps: int = 100
    seed: int = 0
    init_from: str = ''
    image_weights: str = ''
    snapshots: int = 1
    snapshots_from: float = 0.6
    snapshots_kept: int = 10
    state_every_s: float = 60.0
    device: str = 'cpu'
    compile: bool = True
    bf16: bool = True
    threads: int = 1
    cache: str = 'auto'
    score: str = ''

    def __post_init__(self) -> None:
        """Refuse runs that cannot end or step."""
        if not self.datasets:
            raise ConfigError('datasets is empty, valid: one folder or more')
        if (self.steps > 0) == (self.budget_cpu_s > 0):
            raise ConfigError(
                f'steps is {self.steps} and budget_cpu_s is {self.budget_cpu_s}; '
                'give exactly one of them, positive'
            )
        for name in (
            'batch_size', 'accumulate', 'noise_draws', 'threads', 'snapshots', 'snapshots_kept'
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise ConfigError(f'{name} is {getattr(self, name)}, valid: 1 or more')
        if self.init_from and self.image_weights:
            raise ConfigError(
                f'init_from is {self.init_from!r} and image_weights is {self.image_weights!r}; '
                'give one of them, for the checkpoint has image weights already'
            )
        if not 0 < self.learning_rate < 1:
            raise ConfigError(f'learning_rate is {self.learning_rate}, valid: between 0 and 1')
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f'betas is {self.betas}, valid: two numbers, 0 .. below 1')
        for name in (
            'warmup_steps', 'weight_decay', 'encoder_weight_decay', 'clip_norm', 'state_every_s',
            'seed',
        ):  # fmt: skip
            if getattr(self, name) < 0:
                raise ConfigError(f'{name} is {getattr(self, name)}, valid: 0 or more')
        if not 0 <= self.snapshots_from < 1:
            raise ConfigError(f'snapshots_from is {self.snapshots_from}, valid: 0 .. below 1')
        for name, valid in (('device', DEVICES), ('cache', CACHES)):
            if getattr(self, name) not in valid:
                raise ConfigError(f'{name} is {getattr(self, name)!r}, valid: {valid}')
