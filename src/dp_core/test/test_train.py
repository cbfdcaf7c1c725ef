# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import json
import os
from pathlib import Path
import shutil

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import load_provenance
from dp_core.errors import CheckpointError
from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_core.replay_buffer import save_dataset
from dp_core.training.draws import draw
from dp_core.training.options import TrainConfig
from dp_core.training.settings import describe
from dp_core.training.settings import provenance
from dp_core.training.state import load_state
from dp_core.training.state import Progress
from dp_core.training.state import save_state
from dp_core.training.train import prepare
from dp_core.training.train import schedule
from dp_core.training.train import train
import numpy as np
from policy_samples import sample_buffer
from policy_samples import sample_contract
from policy_samples import sample_dataset
from policy_samples import sample_window
from policy_samples import SMALL
import pytest
from safetensors.torch import load_file
import torch


@pytest.fixture
def options(tmp_path):
    return TrainConfig(
        datasets=(sample_dataset(tmp_path / 'data'),),
        output=tmp_path / 'run',
        steps=60,
        batch_size=8,
        warmup_steps=5,
        compile=False,
        state_every_s=0.0,
    )


class KilledError(Exception):
    """Stands for a kill."""


def kill_at(step):
    def report(line, done):
        if line['step'] == step:
            raise KilledError

    return report


def log_of(folder):
    lines = (folder / 'log.jsonl').read_text(encoding='utf-8').splitlines()
    return [{k: v for k, v in json.loads(x).items() if k[-2:] != '_s'} for x in lines]


@pytest.mark.parametrize('images', [False, True])
def test_a_killed_run_goes_on_exactly(tmp_path, options, images):
    if images:
        dataset = sample_dataset(tmp_path / 'with_images', images=True)
        options = replace(options, datasets=(dataset,), noise_draws=3)
    config = replace(SMALL, image_crop=0.75)
    whole = train(options, config)
    broken = replace(options, output=tmp_path / 'broken')
    for step in (40, 60):  # the state is that of the log line before
        with pytest.raises(KilledError):
            train(broken, config, kill_at(step))
    assert not (broken.output / 'policy.yaml').exists()
    train(broken, config)
    assert log_of(broken.output) == log_of(whole)
    ours, theirs = (load_file(f / 'weights.safetensors') for f in (broken.output, whole))
    assert all(ours[name].equal(theirs[name]) for name in theirs)


def test_a_run_learns_and_leaves_its_files(options):
    folder = train(replace(options, steps=200, learning_rate=3e-3), SMALL)
    lines = log_of(folder)
    assert lines[-1]['step'] == 200
    assert lines[-1]['loss'] < 0.7 * lines[0]['loss']
    assert sorted(p.name for p in folder.iterdir()) == [
        'log.jsonl', 'loss.png', 'policy.yaml', 'statistics.safetensors', 'weights.safetensors',
    ]  # fmt: skip
    made = load_provenance(folder)
    assert made['steps'] == 200
    assert made['training']['learning_rate'] == 3e-3
    assert made['training']['datasets'] == ['data']
    assert load_policy(folder, sample_contract()).predict(sample_window(), 0).shape == (8, 2)


def test_a_run_ends_by_cpu_time(options):
    budget = sum(os.times()[:4]) + 1.0
    folder = train(replace(options, steps=0, budget_cpu_s=budget), SMALL)
    assert budget - 0.1 <= load_provenance(folder)['cpu_s'] < budget + 2.0


def test_a_finished_run_stays_and_another_is_refused(options):
    folder = train(options, SMALL)
    stamp = (folder / 'weights.safetensors').stat().st_mtime_ns
    train(options, SMALL)
    assert (folder / 'weights.safetensors').stat().st_mtime_ns == stamp
    with pytest.raises(ConfigError, match='holds a policy from other settings'):
        train(replace(options, seed=1), SMALL)


def test_state_of_another_run_is_refused_by_the_first_difference(options):
    with pytest.raises(KilledError):
        train(options, SMALL, kill_at(40))
    with pytest.raises(CheckpointError, match='run.*seed.*0 there.*1 here|other settings'):
        train(replace(options, seed=1), SMALL)


def test_a_run_goes_on_with_the_same_score_only(options):
    scored = replace(options, score='scene 0:50')
    with pytest.raises(KilledError):
        train(scored, SMALL, kill_at(40))
    with pytest.raises(CheckpointError, match='scene 0:50.* there'):
        train(replace(options, score='scene 50:100'), SMALL)
    assert train(scored, SMALL) == options.output


def test_state_of_a_gpu_is_read_on_the_cpu(tmp_path, monkeypatch):
    save_state(tmp_path, {}, Progress(), '{}')
    read = torch.load
    places = []
    monkeypatch.setattr(
        torch, 'load', lambda path, **how: (places.append(how['map_location']), read(path))[1]
    )
    assert load_state(tmp_path, '{}')['step'] == 0
    assert places == ['cpu']


def test_a_checkpoint_tells_names_of_private_files_only(options):
    paths = {'datasets': (Path('/private/d'),), 'image_weights': '/private/w.pth'}
    settings = describe(replace(options, **paths), SMALL, {})
    told = provenance(settings, Progress())
    assert '/private' in settings
    assert '/private' not in str(told)
    assert told['training']['image_weights'] == 'w.pth'


def test_damaged_state_is_named(options):
    with pytest.raises(KilledError):
        train(options, SMALL, kill_at(40))
    state = options.output / 'training_state.pt'
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r'training_state\.pt is damaged'):
        train(options, SMALL)


def test_fine_tuning_starts_from_weights_and_statistics(tmp_path, options):
    first = train(options, SMALL)
    second = replace(options, output=tmp_path / 'second', init_from=str(first), steps=20)
    train(second, SMALL)
    assert log_of(second.output)[0]['loss'] < log_of(first)[0]['loss']
    names = ('tool/low', 'action/high')
    old, new = (load_file(f / 'statistics.safetensors') for f in (first, second.output))
    assert all(old[n].equal(new[n]) for n in names)


def test_a_state_of_weights_that_were_grouped_otherwise_is_refused(options):
    buffer = sample_buffer(images=True)
    _, together = prepare(options, SMALL, sample_contract(False), sample_buffer())
    _, apart = prepare(options, SMALL, sample_contract(True), buffer)
    state = {**apart.state(), 'optimizer': together.state()['optimizer']}
    with pytest.raises(CheckpointError, match=r'training_state\.pt is of another version'):
        apart.restore(state)


def test_fine_tuning_may_change_what_no_weight_depends_on(tmp_path, options):
    first = train(options, SMALL)
    second = replace(options, output=tmp_path / 'second', init_from=str(first), steps=2)
    train(second, replace(SMALL, inference_steps=4, sampler='ddpm'))
    assert load_policy(second.output).config.inference_steps == 4
    with pytest.raises(ConfigError, match='has other settings than asked for'):
        train(replace(second, output=tmp_path / 'third'), replace(SMALL, down_dims=(16, 16)))


@pytest.mark.parametrize(('part', 'share'), [('levels.0.0', 0.1), ('keypoints', 1.0)])
def test_image_encoders_take_a_tenth_of_the_step_and_their_heads_all_of_it(options, part, share):
    # The first step of AdamW is as long as the learning rate for every weight with a gradient.
    config = replace(SMALL, image_learning_rate=0.1)
    buffer = sample_buffer(images=True)
    options = replace(options, weight_decay=0.0, learning_rate=0.01)
    dataset, learner = prepare(options, config, sample_contract(True), buffer)
    name = f'encoder.cameras.front.{part}.weight'
    before = learner.state()['network'][name].clone()
    batch = dataset.batch(np.arange(4))
    learner.accumulate(batch, draw(4, sample_contract(True), learner.timesteps, 0, 0, 1))
    learner.update(0, options.learning_rate)
    moved = (learner.state()['network'][name] - before).abs().max().item()
    assert moved == pytest.approx(share * 0.01, rel=1e-3)


def test_snapshots_are_policies(options):
    folder = train(replace(options, snapshots=4), SMALL)
    names = sorted(p.name for p in (folder / 'snapshots').iterdir())
    assert names == ['000042', '000048', '000054']
    load_policy(folder / 'snapshots' / '000042')


def test_learning_rate_rises_then_falls_by_half_a_cosine(options):
    assert schedule(0, 0.0, options) == pytest.approx(0.2)  # first of five warm-up steps
    assert schedule(50, 0.0, options) == pytest.approx(1.0)
    assert schedule(50, 0.5, options) == pytest.approx(0.5)
    assert schedule(50, 1.0, options) == pytest.approx(0.0)


def test_nan_in_the_data_is_refused_before_training(tmp_path, options):
    buffer = sample_buffer()
    buffer.data['tool'][3] = np.nan
    save_dataset(tmp_path / 'bad', sample_contract(), buffer)
    with pytest.raises(DatasetError, match='tool: 1 of 32 frames contain NaN'):
        train(replace(options, datasets=(tmp_path / 'bad',)), SMALL)


def test_a_loss_that_explodes_ends_the_run(options):
    with pytest.raises(DatasetError, match='the loss became'):
        train(replace(options, learning_rate=0.99, weight_decay=1e38), SMALL)


@pytest.mark.parametrize(
    'changes',
    [{'steps': 0}, {'budget_cpu_s': 5.0}, {'batch_size': 0}, {'learning_rate': 2.0},
     {'warmup_steps': -1}, {'datasets': ()}, {'accumulate': 0}, {'clip_norm': -1.0},
     {'device': 'tpu'}, {'cache': 'tape'}, {'snapshots_from': 1.0}, {'snapshots_kept': 0}],
)  # fmt: skip
def test_runs_that_cannot_be_are_refused(options, changes):
    with pytest.raises(ConfigError):
        replace(options, **changes)


def test_a_dataset_that_was_made_anew_is_another_run(options):
    """At the same path, of the same length and contract: only its numbers are others."""
    train(options, SMALL)
    contract, buffer = sample_contract(), sample_buffer()
    buffer.data['action'][3, 0] += 0.01
    shutil.rmtree(options.datasets[0])
    save_dataset(options.datasets[0], contract, buffer)
    with pytest.raises(ConfigError, match='holds a policy from other settings'):
        train(options, SMALL)
