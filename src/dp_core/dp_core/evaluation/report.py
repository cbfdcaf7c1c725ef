# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The result file of an evaluation: everything needed to check or repeat the number."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
import hashlib
import json
import os
from pathlib import Path
import platform
from typing import Any

from dp_core.checkpoint import WEIGHTS_FILE
from dp_core.evaluation.episode import EnvSpec
from dp_core.evaluation.episode import FULL_COVERAGE
from dp_core.evaluation.rollout import EpisodeResult
from dp_core.evaluation.rollout import Protocol
from dp_core.evaluation.statistics import bootstrap_mean_interval
from dp_core.evaluation.statistics import wilson_interval
from dp_core.policy import Policy
import numpy as np
import torch

SCORE = (
    f'mean over seeds of max over the episode of clip(coverage/{FULL_COVERAGE}, 0, 1); of the '
    'clipped reward where the scene tells no coverage'
)


def summarize(
    folder: Path,
    policy: Policy,
    spec: EnvSpec,
    protocol: Protocol,
    results: Sequence[EpisodeResult],
    call_s: Sequence[float],
) -> dict[str, Any]:
    """Gather scores, intervals and circumstances as plain data."""
    scores = [r.score for r in results]
    full = sum(score >= 1.0 for score in scores)
    return {
        'policy': folder.name,
        'weights_sha256': hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest(),
        **kind(policy, spec),
        'score': SCORE,
        'score_mean': float(np.mean(scores)),
        'score_ci95': bootstrap_mean_interval(scores),
        'success_rate': full / len(scores),
        'success_rate_ci95': wilson_interval(full, len(scores)),
        'success': f'score 1: coverage >= {FULL_COVERAGE} where the scene tells it',
        'episodes': len(scores),
        'protocol': {
            **dataclasses.asdict(protocol),
            'max_steps': spec.step_limit,
            'sampler': policy.config.sampler,
            'inference_steps': policy.config.inference_steps,
            'n_obs_steps': policy.contract.n_obs_steps,
            'horizon': policy.contract.horizon,
            'env_arguments': spec.arguments,
            'noise_seed': '(seed << 20) + chunk number',
        },
        'policy_call_ms': {
            'p50': float(np.percentile(call_s, 50) * 1e3),
            'p95': float(np.percentile(call_s, 95) * 1e3),
            'max_batch': min(protocol.batch, len(scores)),
            'per_episode_step': float(sum(call_s) * 1e3 / max(1, sum(r.steps for r in results))),
        },
        'machine': machine(),
        'seeds': [r.seed for r in results],
        'scores': scores,
        'steps': [r.steps for r in results],
        'at_end': at_end(results),
    }


def kind(policy: Policy, spec: EnvSpec) -> dict[str, Any]:
    """Say what was scored where, in the words by which a report finds the row of a table."""
    contract, config = policy.contract, policy.config
    return {
        'env': spec.id,
        'streams': [s.name for s in contract.observations],
        'images': bool(contract.images),
        'denoiser': config.denoiser,
        'image_encoder': config.image_encoder if contract.images else '',
        'frozen_encoder': bool(contract.images) and config.image_learning_rate == 0.0,
        'disturbances': list(spec.disturbances),
    }


def at_end(results: Sequence[EpisodeResult]) -> dict[str, Any]:
    """Mean, interval and values of the environment's own figures at the end of episodes."""
    figures = {}
    for name in results[0].report:
        values = [r.report[name] for r in results]
        ci95 = bootstrap_mean_interval(values)
        figures[name] = {'mean': float(np.mean(values)), 'ci95': ci95, 'values': values}
    return figures


def machine() -> dict[str, Any]:
    """Describe processor, GPU if one was used, and libraries, without names of this computer."""
    model = platform.processor() or platform.machine()
    info = Path('/proc/cpuinfo')
    if info.exists():
        names = [x for x in info.read_text(encoding='utf-8').splitlines() if 'model name' in x]
        model = names[0].partition(':')[2].strip() if names else model
    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    gpu = {'gpu': torch.cuda.get_device_name()} if used else {}
    return {
        'cpu': model,
        **gpu,
        'cores': os.cpu_count(),
        'torch': str(torch.__version__),
        'threads': torch.get_num_threads(),
        'python': platform.python_version(),
    }


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a JSON file in one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + '.partial')
    partial.write_text(json.dumps(data, indent=1) + '\n', encoding='utf-8')
    partial.replace(path)
