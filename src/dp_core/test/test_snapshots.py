# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import hashlib
import json

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import load_provenance
from dp_core.training.options import TrainConfig
from dp_core.training.scoring import RolloutScore
from dp_core.training.snapshots import Snapshots
from dp_core.training.snapshots import snapshots_due
from dp_core.training.snapshots import summarize
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
    class KilledError(Exception):
        """Stands for a kill."""

    def kill(line, done):
        if line['step'] == 50 and 'score_mean' in line:
            raise KilledError

    with pytest.raises(KilledError):  # the state is that of step 40
        train(options, SMALL, kill, Scores(0.1, 0.2, 0.3, 0.4, 0.9))
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

    class KilledError(Exception):
        """Stands for a kill."""

    def kill(line, done):
        if line['step'] == 30 and 'score_mean' in line:  # scored, and the state is not written
            raise KilledError

    with pytest.raises(KilledError):
        train(options, SMALL, kill, Scores(0.1, 0.2, 0.9))
    assert load_provenance(options.output / 'best')['score_mean'] == 0.9
    folder = train(options, SMALL, score=Scores(0.3, 0.25, 0.2, 0.1))
    summary = json.loads((folder / 'scores.json').read_text(encoding='utf-8'))
    assert summary['best'] == load_provenance(folder / 'best')['score_mean'] == 0.3


def test_the_best_before_it_is_found_among_the_snapshots(options):
    class KilledError(Exception):
        """Stands for a kill."""

    def kill(line, done):
        if line['step'] == 30 and 'score_mean' in line:
            raise KilledError

    with pytest.raises(KilledError):
        train(options, SMALL, kill, Scores(0.1, 0.5, 0.9))
    folder = train(options, SMALL, score=Scores(0.3, 0.25, 0.2, 0.1))
    assert load_provenance(folder / 'best')['score_mean'] == 0.5


def test_snapshots_that_are_due_at_once_are_one(options):
    """As after a pause of which the processor's time counts: copies would weigh in the mean."""
    shots = Snapshots(options, 0.0, 0, lambda *_: None, None)
    shots.take(sample_policy(), 30, 0.5)
    assert not shots.are_due(0.5)
    assert shots.are_due(0.7)


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
