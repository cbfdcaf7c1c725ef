# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Two real processes that train together, as torchrun starts them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

from dp_core.errors import ConfigError
from dp_core.errors import TrainingError
from dp_core.training.cli import main
from dp_core.training.processes import is_broken_connection
from dp_core.training.processes import joined
from dp_core.training.processes import Team
from policy_samples import sample_dataset
import pytest
import torch
from torch import distributed

# Two channels in a group at least: with one, its bias has a gradient of rounding errors only that
# AdamW scales up to full steps, so runs that differ by rounding part at 1e-4 within 60 steps.
NETWORK = ['--down-dims', '16', '32', '--image-channels', '16', '16', '--image-crop', '0.75']
PLAIN = ['--no-compile', '--precision', 'fp32', '--warmup-steps', '5']


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def start(rank, size, port, arguments):
    place = {'RANK': rank, 'LOCAL_RANK': rank, 'WORLD_SIZE': size}
    place |= {'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': port}
    return subprocess.Popen(
        [sys.executable, '-m', 'dp_core.training.cli', *arguments],
        env={**os.environ, 'OMP_NUM_THREADS': '1', **{k: str(v) for k, v in place.items()}},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def losses(folder):
    lines = (folder / 'log.jsonl').read_text(encoding='utf-8').splitlines()
    return [json.loads(line)['loss'] for line in lines]


def test_rows_of_all_processes_and_passes_make_the_batch():
    rows = [Team(rank, 2).rows(3, accumulate=2) for rank in (0, 1)]
    assert rows == [[slice(0, 3), slice(6, 9)], [slice(3, 6), slice(9, 12)]]
    assert Team().rows(4, 1) == [slice(0, 4)]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_give_the_losses_of_one_with_twice_the_batch(tmp_path):
    dataset = str(sample_dataset(tmp_path / 'data', images=True))
    common = ['--dataset', dataset, '--steps', '60', *NETWORK, *PLAIN]
    alone, parts = tmp_path / 'alone', tmp_path / 'parts'
    assert main([*common, '--output', str(alone), '--batch-size', '8']) == 0
    assert len(set(losses(alone))) == 3
    in_four = ['--batch-size', '2', '--accumulate', '4']
    assert main([*common, '--output', str(parts), *in_four]) == 0
    assert losses(parts) == pytest.approx(losses(alone), abs=1e-5)
    for name, passes in (('pair', ['4']), ('pair_in_two', ['2', '--accumulate', '2'])):
        pair, port = tmp_path / name, free_port()
        arguments = [*common, '--output', str(pair), '--batch-size', *passes]
        processes = [start(rank, 2, port, arguments) for rank in (0, 1)]
        said = [process.communicate(timeout=300)[1] for process in processes]
        assert [process.returncode for process in processes] == [0, 0], said
        assert losses(pair) == pytest.approx(losses(alone), abs=1e-5), name


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_compile_a_network_of_several_buckets(tmp_path):
    """As `torchrun` does by default, with dropout in layers and of cameras, and 1 MiB of weights.

    DistributedDataParallel averages gradients in buckets, and the compiler cuts the network there.
    """
    network = ['--denoiser', 'transformer', '--n-layers', '1', '--n-heads', '4']
    network += ['--n-embed', '144']
    network += ['--modality-dropout', '0.3', '--dropout-attention', '0.2', '--precision', 'fp32']
    network += ['--image-channels', '16', '16', '--warmup-steps', '5']
    dataset = str(sample_dataset(tmp_path / 'data', images=True))
    common = ['--dataset', dataset, '--steps', '20', *network]
    alone, pair, port = tmp_path / 'alone', tmp_path / 'pair', free_port()
    assert main([*common, '--no-compile', '--output', str(alone), '--batch-size', '8']) == 0
    arguments = [*common, '--output', str(pair), '--batch-size', '4']
    processes = [start(rank, 2, port, arguments) for rank in (0, 1)]
    said = [process.communicate(timeout=600)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert (pair / 'weights.safetensors').stat().st_size > 2**19  # two bytes of four each
    assert losses(pair) == pytest.approx(losses(alone), abs=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_process_ends_the_run_with_a_clear_message(tmp_path):
    dataset = str(sample_dataset(tmp_path / 'data'))
    output = tmp_path / 'run'
    arguments = ['--dataset', dataset, '--output', str(output), '--steps', '100000', *PLAIN]
    port = free_port()
    first, second = (
        start(rank, 2, port, [*arguments, '--down-dims', '8', '16', '--batch-size', '4'])
        for rank in (0, 1)
    )
    log, waits_s = output / 'log.jsonl', 60.0
    while not (log.exists() and log.stat().st_size) and waits_s > 0 and first.poll() is None:
        time.sleep(0.05)
        waits_s -= 0.05
    second.send_signal(signal.SIGKILL)
    said = first.communicate(timeout=300)[1]
    second.communicate()
    assert first.returncode == 2, said
    last = said.strip().splitlines()[-1]
    assert last.startswith('dp_train: process 0 of 2 lost another one'), said
    assert 'The same command goes on from the last state' in last


def test_half_an_environment_of_torchrun_is_named(monkeypatch):
    monkeypatch.setenv('WORLD_SIZE', '2')
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(ConfigError, match='not torchrun: .*RANK'), joined('cpu'):
        pass


def test_a_process_takes_its_gpu_before_it_joins(monkeypatch):
    done = []
    place = {'RANK': '5', 'WORLD_SIZE': '8', 'LOCAL_RANK': '1', 'LOCAL_WORLD_SIZE': '4'}
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 4)
    monkeypatch.setattr(torch.cuda, 'set_device', lambda gpu: done.append(f'takes {gpu}'))
    monkeypatch.setattr(torch.backends.cudnn, 'deterministic', False)
    monkeypatch.setattr(torch, 'set_float32_matmul_precision', lambda precision: None)
    join, leave = 'init_process_group', 'destroy_process_group'
    monkeypatch.setattr(
        distributed, join, lambda backend, **how: done.append((backend, how['device_id']))
    )
    monkeypatch.setattr(distributed, leave, lambda: done.append('leaves'))
    with joined('cuda') as team:
        done.append('works')
    assert done == ['takes 1', ('nccl', torch.device('cuda', 1)), 'works', 'leaves']
    assert team == Team(rank=5, size=8, local_rank=1, local_size=4)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    with pytest.raises(ConfigError, match='needs GPU 1.* at most 1 processes'), joined('cuda'):
        pass


def test_processes_that_do_not_find_together_are_told(monkeypatch):
    def refuse(*_, **__):
        raise distributed.DistBackendError('NCCL error: Duplicate GPU detected : rank 0 and 1')

    for name, value in {'RANK': '1', 'WORLD_SIZE': '2', 'LOCAL_RANK': '1'}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, 'init_process_group', refuse)
    with pytest.raises(TrainingError, match='1 of 2 cannot join .*Duplicate GPU'), joined('cpu'):
        pass


def test_only_errors_of_the_connection_are_called_so():
    assert is_broken_connection(RuntimeError('[gloo/transport/tcp/pair.cc] Connection closed'))
    assert is_broken_connection(distributed.DistBackendError('NCCL error: remote process exited'))
    set_up = 'NCCL error: ncclInvalidUsage: Duplicate GPU detected'
    assert not is_broken_connection(distributed.DistBackendError(set_up))
    short = "NCCL error: unhandled cuda error. Last error: Cuda failure 2 'out of memory'"
    assert not is_broken_connection(distributed.DistBackendError(short))
    assert not is_broken_connection(RuntimeError('shapes (2,) and (3,) do not fit'))
