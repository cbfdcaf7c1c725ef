# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a run tells: the person's line, curves, and advice when memory is short."""

from dataclasses import replace
from pathlib import Path
import sys
from types import SimpleNamespace

from dp_core.checkpoint import save_policy
from dp_core.errors import ConfigError
from dp_core.errors import OutOfMemoryError
from dp_core.evaluation.cli import main as evaluate
from dp_core.memory import memory_advice
from dp_core.training.monitors import curves
from dp_core.training.monitors import TensorBoard
from dp_core.training.monitors import together
from dp_core.training.monitors import WeightsAndBiases
from dp_core.training.options import TrainConfig
from dp_core.training.progress_line import ProgressLine
from dp_core.training.progress_line import time_left
from dp_core.training.train import remedy
import line_world
import numpy as np
from policy_samples import sample_policy
import pytest
import torch

OPTIONS = TrainConfig(datasets=('d',), output='o', steps=1, batch_size=64, accumulate=2)


def line(step, wall_s, loss=0.25):
    rest = {'learning_rate': 1e-3, 'samples_per_s': 512.0, 'cpu_s': wall_s, 'wall_s': wall_s}
    return {'step': step, 'loss': loss, **rest}


def test_progress_tells_loss_rate_and_time_left(capsys):
    progress = ProgressLine()
    progress(line(20, 10.0), 0.1)  # no hundredth step: silent, but the clock starts
    progress(line(100, 60.0), 0.5)
    progress({'step': 100, 'score_mean': 0.5}, 0.5)
    shown = capsys.readouterr().err.splitlines()
    assert shown == [
        ' 50.0 %  step 100  loss 0.2500  learning rate 1.0e-03  512 samples/s  1 min 02 s left',
        'step 100  rollout score 0.500',
    ]


def test_what_is_said_next_begins_below_the_line_of_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: True)
    progress = ProgressLine()
    progress.end()  # nothing was shown
    progress(line(20, 10.0), 0.1)
    progress.end()
    progress.end()
    shown = capsys.readouterr().err
    assert shown.endswith('time left unknown  \r\n')
    assert shown.count('\n') == 1


def test_time_left_is_judged_by_this_process():
    assert time_left((0.5, 100.0), (0.6, 200.0)) == '6 min 40 s left'  # 0.1 in 100 s, 0.4 to go
    assert time_left((0.0, 0.0), (0.001, 60.0)) == '16 h 39 min left'
    assert time_left((0.5, 1.0), (0.5, 2.0)) == 'time left unknown'


def test_curves_are_the_numbers_of_a_line():
    assert curves({'step': 3, 'loss': 0.5, 'score_env': 'x', 'images': True}) == {'loss': 0.5}


def test_every_report_gets_every_line():
    got = []
    together([lambda *a: got.append(1), lambda *a: got.append(2)])({}, 0.0)
    assert got == [1, 2]


def test_tensorboard_shows_the_curves_once_after_a_kill(tmp_path):
    events = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    first = TensorBoard(tmp_path)
    for step in (20, 40, 60):
        first(line(step, 1.0, loss=step), 0.5)
    second = TensorBoard(tmp_path)  # goes on from step 20
    for step in (40, 60):
        second(line(step, 1.0, loss=step + 1), 0.5)
    read = events.EventAccumulator(str(tmp_path / 'tensorboard'))
    read.Reload()
    assert [(e.step, e.value) for e in read.Scalars('loss')] == [(20, 20), (40, 41), (60, 61)]


def test_a_monitor_that_is_not_installed_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'wandb', None)
    with pytest.raises(ConfigError, match=r"--wandb needs the package 'wandb' \(pip install"):
        WeightsAndBiases(tmp_path, 'project')


def test_runs_in_folders_of_one_name_have_their_own_pages(monkeypatch, tmp_path):
    begun = []
    package = SimpleNamespace(
        init=lambda **how: begun.append(how) or SimpleNamespace(log=lambda *_, **__: None)
    )
    monkeypatch.setitem(sys.modules, 'wandb', package)
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path / 'a' / 'run', tmp_path / 'b' / 'run', Path('a/run')):
        folder.mkdir(parents=True, exist_ok=True)
        WeightsAndBiases(folder, 'project')(line(20, 1.0), 0.5)
    assert [how['name'] for how in begun] == ['run'] * 3
    first, second, again = (how['id'] for how in begun)
    assert first == again != second
    (tmp_path / 'a' / 'run' / 'wandb_id').unlink()  # emptied, to train anew
    WeightsAndBiases(Path('a/run'), 'project')(line(20, 1.0), 0.5)
    assert begun[-1]['id'] not in (first, second)


@pytest.mark.parametrize(
    'fails',
    [lambda: torch.empty(2**55), lambda: np.empty(2**55), lambda: torch.zeros(2**50).sum()],
)
def test_out_of_memory_gives_advice(fails):
    with pytest.raises(OutOfMemoryError) as caught, memory_advice('cpu', '--batch 50', 'less'):
        fails()
    said = str(caught.value)
    assert said.startswith('out of memory on cpu (')
    assert ' GiB free) at --batch 50: ' in said
    assert said.endswith('. Try less')


def test_advice_to_a_training_takes_the_same_steps():
    assert remedy(OPTIONS).startswith('--batch-size 32 --accumulate 4 (the same steps), --prec')
    assert remedy(replace(OPTIONS, batch_size=5)).startswith('--precision')  # 5 has no half
    assert remedy(replace(OPTIONS, batch_size=1)).startswith('--precision')
    assert '--cache disk' not in remedy(replace(OPTIONS, cache='disk'))


@pytest.mark.parametrize(
    'words',
    [
        'CUDA error: out of memory',
        "NCCL error: unhandled cuda error. Last error: Cuda failure 2 'out of memory'",
        'CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`',
        'cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED',
    ],
)
def test_a_gpu_that_cannot_even_tell_what_is_free_gives_advice(monkeypatch, words):
    def lost():
        raise RuntimeError('CUDA error: unknown error')

    monkeypatch.setattr(torch.cuda, 'mem_get_info', lost)
    with pytest.raises(OutOfMemoryError) as caught, memory_advice('cuda', '--batch 50', 'less'):
        raise RuntimeError(words)
    assert str(caught.value) == f'out of memory on cuda at --batch 50: {words}. Try less'


def test_other_errors_get_no_advice_about_memory():
    with pytest.raises(RuntimeError, match='mat1'), memory_advice('cpu', '--batch 50', 'less'):
        raise RuntimeError('mat1 and mat2 shapes cannot be multiplied')


def test_commands_give_that_advice_in_one_line(monkeypatch, capsys, tmp_path):
    def short(*_, **__):
        raise MemoryError

    folder = tmp_path / 'policy'
    save_policy(folder, sample_policy())
    monkeypatch.setattr('dp_core.evaluation.rollout.roll_out', short)
    words = ['--policy', str(folder), '--env', 'line_world:' + line_world.ID]
    assert evaluate([*words, '--batch', '7']) == 2
    said = capsys.readouterr().err
    assert said.startswith('dp_eval: out of memory on cpu (')
    assert said.endswith('GiB free) at --batch 7. Try a smaller --batch\n')
