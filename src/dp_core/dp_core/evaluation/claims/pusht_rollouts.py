# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Roll out in Push-T under a condition, from the same seeds for all conditions."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import load_provenance
from dp_core.checkpoint import POLICY_FILE
from dp_core.checkpoint import WEIGHTS_FILE
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.evaluation.claims import pusht_runs
from dp_core.evaluation.claims.catalogue import Options
from dp_core.evaluation.claims.pusht_episodes import padded
from dp_core.evaluation.claims.pusht_episodes import read
from dp_core.evaluation.claims.pusht_episodes import Rollouts
from dp_core.evaluation.claims.pusht_episodes import write
from dp_core.evaluation.claims.pusht_regression import regressed
from dp_core.evaluation.claims.pusht_stepping import RecordingStepper
from dp_core.evaluation.claims.pusht_stepping import VelocityStepper
from dp_core.evaluation.episode import env_spec
from dp_core.evaluation.rollout import Actor
from dp_core.evaluation.rollout import Protocol
from dp_core.evaluation.rollout import roll_out
from dp_core.evaluation.stepper import LocalStepper
from dp_core.evaluation.stepper import ProcessStepper
from dp_core.evaluation.stepper import Stepper
import numpy as np

ENVIRONMENT = 'gym_pusht/PushT-v0'
FIRST_SEED = 100000
EPISODES = 50
QUICK_EPISODES, QUICK_STEPS = 2, 12


@dataclass(frozen=True)
class Condition:
    """What acts, and how its chunks are executed.

    Attributes:
        run: training data, one of `pusht_runs.RUNS`.
        n_action_steps: steps executed of each chunk.
        delay_steps: as in `Protocol`.
        compensate: as in `Protocol`.
        regression: the regression instead of the diffusion policy.
        checkpoint: a folder other than the run's last one.
    """

    run: str = pusht_runs.POSITION
    n_action_steps: int = 8
    delay_steps: int = 0
    compensate: bool = True
    regression: bool = False
    checkpoint: Path | None = None

    @property
    def name(self) -> str:
        """A name for files."""
        what = 'regression' if self.regression else 'diffusion'
        late = f'_delay{self.delay_steps}' if self.delay_steps else ''
        late += '' if self.compensate else '_uncompensated'
        at = f'_{self.checkpoint.name}' if self.checkpoint else ''
        return f'{what}_{self.run}_{self.n_action_steps}{late}{at}'


def episode_seeds(options: Options, episodes: int = EPISODES) -> list[int]:
    """Return the environment seeds of a claim that asks for so many episodes by itself."""
    count = options.episodes or (QUICK_EPISODES if options.quick else episodes)
    return [FIRST_SEED + k for k in range(count)]


def setting(options: Options, episodes: int = EPISODES) -> dict[str, Any]:
    """Describe what all conditions share, for the result file."""
    seeds = episode_seeds(options, episodes)
    return {
        'env': ENVIRONMENT,
        'episodes': len(seeds),
        'seeds': f'{seeds[0]}:{seeds[-1] + 1}',
        'score': 'max over the episode of clip(coverage / 0.95, 0, 1)',
    }


def provenance(folder: Path) -> dict[str, Any]:
    """Say where a policy came from, for the result file.

    Its CPU time is left out: runs trained in one process count that of the earlier ones too.
    """
    origin = load_provenance(folder)
    origin.pop('cpu_s', None)
    return {
        'name': folder.name,
        **origin,
        'weights_sha256': _digest(folder / WEIGHTS_FILE),
    }


def rollouts(condition: Condition, options: Options, seeds: list[int]) -> Rollouts:
    """Return the episodes of a condition; only those that are not on disk are run."""
    actor, weights = _actor(condition, options)
    protocol = Protocol(
        condition.n_action_steps, condition.delay_steps, compensate=condition.compensate
    )
    spec = env_spec(ENVIRONMENT, QUICK_STEPS if options.quick else 0)
    config = weights.with_name(POLICY_FILE)  # the sampler and its steps, where it has any
    digests = [_digest(file) for file in (weights, config) if file.is_file()]
    key = json.dumps([digests, asdict(protocol), spec.step_limit])
    file = pusht_runs.workplace(options) / 'rollouts' / f'{condition.name}.npz'
    known, kept = read(file, key)
    missing = [seed for seed in seeds if seed not in known]
    if missing:
        inner: Stepper
        if options.workers:
            inner = ProcessStepper(spec, actor.contract, options.workers)
        else:
            inner = LocalStepper(spec, actor.contract)
        if condition.run == pusht_runs.VELOCITY:
            inner = VelocityStepper(inner, _positions())
        stepper = RecordingStepper(inner)
        try:
            results, _ = roll_out(actor, stepper, missing, protocol)
        finally:
            stepper.close()
        rows = Rollouts(
            np.array([r.score for r in results]),
            np.array([r.steps for r in results]),
            padded([stepper.paths[seed] for seed in missing], spec.step_limit + 1),
            padded([stepper.scores[seed] for seed in missing], spec.step_limit + 1),
        )
        known, kept = known + missing, rows if kept is None else kept.joined(rows)
        write(file, key, known, kept)
    if kept is None:
        raise ConfigError('seeds is empty, valid: one or more')
    return kept.rows([known.index(seed) for seed in seeds])


def _actor(condition: Condition, options: Options) -> tuple[Actor, Path]:
    """Return the policy of a condition and its weights file."""
    if condition.regression:
        dataset = pusht_runs.dataset_folder(condition.run, options)
        weights = (
            pusht_runs.workplace(options) / 'runs' / f'regression_{condition.run}.safetensors'
        )
        steps = 40 if options.quick else pusht_runs.STEPS
        return regressed(dataset, weights, steps, options.seed), weights
    folder = condition.checkpoint or pusht_runs.trained(condition.run, options)
    return load_policy(folder), folder / WEIGHTS_FILE


def _positions() -> Contract:
    return pusht_runs.variant(pusht_runs.POSITION, 0)[0]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
