# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.checkpoint import load_policy
from dp_core.training.cli import main
from dp_core.training.cli import parser
from dp_core.training.cli import train_config
from policy_samples import sample_dataset
import pytest


def test_command_trains_a_policy(tmp_path, capsys):
    dataset = sample_dataset(tmp_path / 'data')
    output = tmp_path / 'run'
    arguments = ['--dataset', str(dataset), '--output', str(output), '--steps', '100']
    code = main([*arguments, '--no-compile', '--down-dims', '8', '16', '--batch-size', '4'])
    shown = capsys.readouterr()
    assert code == 0
    assert 'step 100  loss' in shown.err
    assert str(output) in shown.out
    assert load_policy(output).config.down_dims == (8, 16)


def test_a_mistake_is_one_line(tmp_path, capsys):
    arguments = ['--dataset', str(tmp_path / 'absent'), '--output', str(tmp_path / 'run')]
    code = main([*arguments, '--steps', '1', '--no-compile'])
    assert code == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f'dp_train: no dataset folder at {tmp_path / "absent"}']


def test_what_scores_a_run_is_one_of_its_settings():
    words = ['--dataset', 'a', '--output', 'b', '--steps', '1', '--score-seeds', '0:50']
    assert train_config(parser().parse_args(words)).score == ''
    words += ['--score-env', 'scene', '--score-env-arg', 'a=1']
    assert train_config(parser().parse_args(words)).score == 'scene 0:50 a=1'


def test_the_transformers_betas_can_be_asked_for():
    words = ['--dataset', 'a', '--output', 'b', '--steps', '1']
    assert train_config(parser().parse_args(words)).betas == (0.95, 0.999)
    words += ['--betas', '0.9', '0.95']
    assert train_config(parser().parse_args(words)).betas == (0.9, 0.95)


def test_steps_or_budget_is_required():
    with pytest.raises(SystemExit):
        parser().parse_args(['--dataset', 'a', '--output', 'b'])
