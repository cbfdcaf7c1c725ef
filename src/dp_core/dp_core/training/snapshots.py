# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints on the way: the last ten and the best, the two figures of the paper's tables.

The folder of a run holds `snapshots/<step>/`, the newest ones: with the run's result they are the
last ten. Where something scores it, it also holds `best/`, `scores.jsonl` with a line for each
checkpoint, and in the end `scores.json`, which sums them up.
"""

from __future__ import annotations

from collections.abc import Callable
import json
import math
from pathlib import Path
import shutil
from typing import Any

from dp_core.checkpoint import load_provenance
from dp_core.checkpoint import weights_sha256
from dp_core.policy import Policy
from dp_core.training.options import TrainConfig
from dp_core.training.state import read_log
from dp_core.training.state import replace_text

LAST = 10  # checkpoints whose mean score the paper reports
Score = Callable[[Policy], dict[str, Any]]  # returns 'score_mean' and whatever explains it
Save = Callable[[Path, Policy, dict[str, Any]], None]  # folder, policy, its score


class Snapshots:
    """Takes and scores the checkpoints of one run."""

    def __init__(self, options: TrainConfig, step: int, save: Save, score: Score | None) -> None:
        """Go on with a run whose state is that of `step`; what was written later is dropped."""
        self._options = options
        self._save = save
        self._score = score
        self._scores = options.output / 'scores.jsonl'
        self._folder = options.output / 'snapshots'
        self._best = options.output / 'best'
        self._better = options.output / 'best.unsettled'
        for folder in self._present():
            if int(folder.name) > step:
                shutil.rmtree(folder)
        kept = [line for line in read_log(self._scores) if line['step'] <= step]
        replace_text(self._scores, _lines(kept))
        if self._better.is_dir() and load_provenance(self._better)['steps'] <= step:
            self.settle()
        for later in options.output.glob(self._better.name + '*'):
            shutil.rmtree(later)
        if self._best.is_dir() and load_provenance(self._best).get('steps', 0) > step:
            shutil.rmtree(self._best)  # a run without its state begins anew

    def take(self, policy: Policy, step: int) -> dict[str, Any]:
        """Write a checkpoint, score it, and drop the oldest; return the score."""
        scored = self._scored(policy, step)
        self._save(self._folder / f'{step:06d}', policy, scored)
        for old in self._present()[: -(self._options.snapshots_kept - 1) or None]:
            shutil.rmtree(old)
        return scored

    def finish(self, policy: Policy, step: int, about: dict[str, Any]) -> dict[str, Any]:
        """Score the result, and sum the scores up with what there is to say about the run."""
        scored = self._scored(policy, step)
        self.settle()
        if scored:
            summary = {**summarize(read_log(self._scores)), **about}
            text = json.dumps(summary, indent=1) + '\n'
            (self._options.output / 'scores.json').write_text(text, encoding='utf-8')
        return scored

    def settle(self) -> None:
        """Take a better policy for the best, once the state is written that it belongs to.

        Before, a killed run would go on from a state that has not met it yet.
        """
        if self._better.is_dir():
            shutil.rmtree(self._best, ignore_errors=True)
            self._better.rename(self._best)

    def _present(self) -> list[Path]:
        """Return the snapshots that there are, oldest first."""
        found = [p for p in self._folder.glob('*') if p.name.isdecimal()]
        return sorted(found, key=lambda path: int(path.name))

    def _scored(self, policy: Policy, step: int) -> dict[str, Any]:
        """Score a policy, and keep it where it is the best so far."""
        if self._score is None:
            return {}
        sha256 = weights_sha256(policy)
        before = read_log(self._scores)
        for line in before:  # a run that was killed after its last step
            if line['step'] == step and line.get('weights_sha256') == sha256:
                return line
        before = [line for line in before if line['step'] != step]
        scored = {'step': step, **self._score(policy), 'weights_sha256': sha256}
        if all(scored['score_mean'] > line['score_mean'] for line in before):
            shutil.rmtree(self._better, ignore_errors=True)
            self._save(self._better, policy, scored)
        replace_text(self._scores, _lines([*before, scored]))
        return scored


def snapshots_due(options: TrainConfig, done: float) -> int:
    """Return how many snapshots a run that is `done` should have written, the last one apart.

    Where that grows by several at once, as after a pause of which the time counts, one is taken:
    the next steps' would be copies of it, and weigh twice in the mean.
    """
    share = (done - options.snapshots_from) / (1.0 - options.snapshots_from)
    return min(options.snapshots - 1, max(0, math.floor(share * options.snapshots + 1e-9)))


def summarize(scores: list[dict[str, Any]]) -> dict[str, Any]:
    """Return best and mean of the last ten, as the paper's tables give them."""
    best = _best(scores)
    last = [float(line['score_mean']) for line in scores[-LAST:]]
    told = (
        'env', 'streams', 'images', 'denoiser', 'image_encoder', 'frozen_encoder', 'disturbances',
    )  # fmt: skip
    return {
        **{key: best[key] for key in told if key in best},
        'best': best['score_mean'],
        'best_step': best['step'],
        'last_mean': sum(last) / len(last),
        'last_count': len(last),
        'checkpoints': scores,
    }


def _best(scores: list[dict[str, Any]]) -> dict[str, Any]:
    return max(scores, key=lambda line: float(line['score_mean']))


def _lines(scores: list[dict[str, Any]]) -> str:
    return ''.join(json.dumps(line) + '\n' for line in scores)
