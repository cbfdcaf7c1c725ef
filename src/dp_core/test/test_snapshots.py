# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import hashlib
import json

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import load_provenance
from dp_core.training.options import TrainConfig
from dp_core.training.scoring import RolloutScore
from dp_core.training.snapshots import snapshots_due
from dp_core.training.snapshots import summarize
from dp_core.training.state import read_log
from dp_core.training.state import STATE_FILE
from dp_core.training.train import train
import line_world
from policy_samples import sample_dataset
from policy_samples import sample_policy
from policy_samples import SMALL
import pytest
import torch


@pytest.fixture
def options(tmp_path):
    return TrainConfig(
        datasets=(sample_dataset(tmp_path / 'data'),),
        output=tmp_path / 'run',
        steps=60,
        batch_size=8,
        compile=False,
        state_every_s=0.0,
        snapshots=6,
        snapshots_from=0.0,
        snapshots_kept=3,
    )


class Scores:
    """Gives scores from a list; remembers nothing else."""

    def __init__(self, *means):
        self.means = list(means)

    def __call__(self, policy):
        return {'score_mean': self.means.pop(0)}


class KilledError(Exception):
    """Stands for a kill."""


def killed_at(step, what):
    """Return a report that ends a run when it tells this of a step."""

    def report(line, done):
        if line['step'] == step and what in line:
            raise KilledError

    return report


def load_state_step(folder):
    return torch.load(folder / STATE_FILE, weights_only=True)['step']


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_and_the_best_stay(options):
    lines = []
    score = Scores(0.1, 0.2, 0.5, 0.3, 0.4, 0.45)
    folder = train(options, SMALL, lambda line, done: lines.append(line), score)
    assert names(folder / 'snapshots') == ['000040', '000050']  # with the result, three
    assert load_provenance(folder / 'best')['steps'] == 30
    assert load_provenance(folder / 'best')['score_mean'] == 0.5
    summary = json.loads((folder / 'scores.json').read_text(encoding='utf-8'))
    assert (summary['best'], summary['best_step'], summary['last_count']) == (0.5, 30, 6)
    assert summary['last_mean'] == pytest.approx((0.1 + 0.2 + 0.5 + 0.3 + 0.4 + 0.45) / 6)
    assert [x['step'] for x in lines if 'score_mean' in x] == [10, 20, 30, 40, 50, 60]
    load_policy(folder / 'best')
    made = load_provenance(folder)  # the file alone says how the scores came about
    for name in ('training', 'settings_sha256', 'steps', 'cpu_s'):
        assert summary[name] == made[name]
    assert summary['machine']['threads'] == 1


def test_mean_of_the_last_ten_as_in_the_paper():
    scores = [{'step': n, 'score_mean': float(n)} for n in range(12)]
    assert summarize(scores)['last_mean'] == sum(range(2, 12)) / 10
    assert summarize(scores)['best_step'] == 11
    frozen = [{**line, 'frozen_encoder': True} for line in scores]
    assert summarize(frozen)['frozen_encoder'] is True  # which row of a report it is


def test_a_killed_run_keeps_the_scores_up_to_its_state_only(options):
    with pytest.raises(KilledError):  # the state is that of step 40
        train(options, SMALL, killed_at(50, 'score_mean'), Scores(0.1, 0.2, 0.3, 0.4, 0.9))
    folder = train(options, SMALL, score=Scores(0.45, 0.5))
    lines = (folder / 'scores.jsonl').read_text(encoding='utf-8').splitlines()
    assert [json.loads(line)['score_mean'] for line in lines] == [0.1, 0.2, 0.3, 0.4, 0.45, 0.5]
    assert load_provenance(folder / 'best')['steps'] == 60


def test_a_score_names_the_weights_that_are_kept(options):
    folder = train(options, SMALL, score=Scores(0.1, 0.2, 0.5, 0.3, 0.4, 0.45))
    lines = json.loads((folder / 'scores.json').read_text(encoding='utf-8'))['checkpoints']
    kept = {
        'best': lines[2], 'snapshots/000040': lines[3], 'snapshots/000050': lines[4],
        '.': lines[5],
    }  # fmt: skip
    for name, line in kept.items():
        weights = (folder / name / 'weights.safetensors').read_bytes()
        assert hashlib.sha256(weights).hexdigest() == line['weights_sha256']


def test_what_is_scored_is_what_is_kept(options):
    """A checkpoint holds rounded weights: so does the policy that is scored."""
    scored = []

    def score(policy):
        scored.append(policy)
        return {'score_mean': 0.0}

    kept = load_policy(train(replace(options, snapshots=1), SMALL, score=score))
    one, other = kept.network.state_dict(), scored[-1].network.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_best_of_after_the_state_is_no_best(options):
    """A run that is not repeated bit for bit would never find these weights again."""
    options = replace(options, snapshots_kept=1)
    with pytest.raises(KilledError):  # scored, and the state is not written
        train(options, SMALL, killed_at(30, 'score_mean'), Scores(0.1, 0.2, 0.9))
    assert load_provenance(options.output / 'best')['score_mean'] == 0.2
    folder = train(options, SMALL, score=Scores(0.15, 0.12, 0.11, 0.1))
    summary = json.loads((folder / 'scores.json').read_text(encoding='utf-8'))
    assert summary['best'] == load_provenance(folder / 'best')['score_mean'] == 0.2
    assert not list(folder.glob('best.*'))


def test_a_best_whose_state_is_written_is_the_best(options):
    """Killed between the state and the renaming."""
    with pytest.raises(KilledError):
        train(options, SMALL, killed_at(40, 'score_mean'), Scores(0.1, 0.2, 0.9, 0.3))
    (options.output / 'best').rename(options.output / 'best.unsettled')
    folder = train(options, SMALL, score=Scores(0.3, 0.25, 0.2))
    assert load_provenance(folder / 'best')['score_mean'] == 0.9


def test_a_run_that_is_killed_after_its_last_step_scores_it_once(options):
    with pytest.raises(KilledError):
        train(options, SMALL, killed_at(60, 'score_mean'), Scores(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    assert not (options.output / 'policy.yaml').exists()
    folder = train(options, SMALL, score=Scores())  # nothing is trained or scored again
    scores = json.loads((folder / 'scores.json').read_text(encoding='utf-8'))['checkpoints']
    assert [line['step'] for line in scores] == [10, 20, 30, 40, 50, 60]
    assert load_provenance(folder / 'best')['steps'] == 60


def test_a_run_that_goes_on_writes_the_same_log(options, tmp_path):
    """Its state is that of a snapshot, between two of the twenties at which a log is written."""
    options = replace(options, snapshots=7, state_every_s=1e9)
    whole = train(replace(options, output=tmp_path / 'whole'), SMALL)
    with pytest.raises(KilledError):
        train(options, SMALL, killed_at(40, 'loss'))
    assert load_state_step(options.output) == 35
    folder = train(options, SMALL)
    logs = [read_log(f / 'log.jsonl') for f in (folder, whole)]
    ours, theirs = ([(x['step'], x['loss'], x['learning_rate']) for x in log] for log in logs)
    assert [step for step, *_ in ours] == [9, 18, 20, 26, 35, 40, 43, 52, 60]
    assert ours == theirs


def test_a_run_without_score_leaves_no_scores(options):
    folder = train(replace(options, snapshots_kept=1), SMALL)
    assert not (folder / 'scores.json').exists()
    assert not (folder / 'best').exists()
    assert names(folder / 'snapshots') == []


def test_snapshots_lie_in_the_last_part_of_a_run(options):
    many = replace(options, snapshots=4, snapshots_from=0.6)
    assert [snapshots_due(many, d) for d in (0.0, 0.6, 0.7, 0.8, 0.95, 1.0)] == [0, 0, 1, 2, 3, 3]
    assert snapshots_due(replace(options, snapshots=1), 1.0) == 0


def test_a_score_is_that_of_rollouts():
    score = RolloutScore('line_world:' + line_world.ID, [3, 5])
    scored = score(sample_policy())
    assert scored['score_episodes'] == 2
    low, high = scored['score_ci95']
    assert low <= scored['score_mean'] <= high
    assert scored == score(sample_policy())
