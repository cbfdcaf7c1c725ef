# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a training run is asked to do."""

from dataclasses import dataclass
from pathlib import Path

from dp_core.errors import ConfigError


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run.

    Attributes:
        datasets: dataset folders of one contract, used as one.
        output: checkpoint folder to create; the run's state, log and plot lie in it as well.
        steps: optimiser steps; 0 when the run ends by CPU time.
        budget_cpu_s: CPU time of this process and its compilers [s]; 0 when it ends by steps.
        batch_size: sequences per step.
        learning_rate: peak of the cosine.
        weight_decay: of AdamW.
        warmup_steps: steps of linear rise before the cosine.
        seed: of weights, data order and noise.
        init_from: checkpoint whose weights and statistics to start from; empty for none.
        snapshots: EMA checkpoints kept over the last 40 % of the run, the last one included.
        state_every_s: time between two writes of the resume state [s].
        compile: compile the step with a C++ compiler.
        bf16: matrix products in bfloat16.
        threads: torch threads.
    """

    datasets: tuple[Path, ...]
    output: Path
    steps: int = 0
    budget_cpu_s: float = 0.0
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-6
    warmup_steps: int = 100
    seed: int = 0
    init_from: str = ''
    snapshots: int = 1
    state_every_s: float = 60.0
    compile: bool = True
    bf16: bool = True
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse runs that cannot end or step."""
        if not self.datasets:
            raise ConfigError('datasets is empty, valid: one folder or more')
        if (self.steps > 0) == (self.budget_cpu_s > 0):
            raise ConfigError(
                f'steps is {self.steps} and budget_cpu_s is {self.budget_cpu_s}; '
                'give exactly one of them, positive'
            )
        for name in ('batch_size', 'threads', 'snapshots'):
            if getattr(self, name) < 1:
                raise ConfigError(f'{name} is {getattr(self, name)}, valid: 1 or more')
        if not 0 < self.learning_rate < 1:
            raise ConfigError(f'learning_rate is {self.learning_rate}, valid: between 0 and 1')
        if self.warmup_steps < 0 or self.weight_decay < 0 or self.state_every_s < 0:
            raise ConfigError('warmup_steps, weight_decay and state_every_s must not be negative')
