# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A policy elsewhere gives what it gives here, and its end is told, whatever it was."""

import multiprocessing
import os
from pathlib import Path
import signal
import subprocess
import sys
import threading
import time

from dp_core import checkpoint
from dp_core.checkpoint import load_policy
from dp_core.continuation import KnownActions
from dp_core.errors import CheckpointError
from dp_core.errors import ConfigError
from dp_core.observation import ObservationWindow
from dp_policy_node import policy_process
from dp_policy_node.policy_process import PolicyProcess
import numpy as np
import pytest
import three_joints

OWNER = """
import os, subprocess, sys
from dp_policy_node.policy_process import PolicyProcess
real = subprocess.Popen
def popen(*args, **options):
    made = real(*args, **options)
    print(made.pid, flush=True)
    os._exit(0)
subprocess.Popen = popen
PolicyProcess(sys.argv[1])
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return three_joints.save(tmp_path_factory.mktemp('policy') / 'p')


def window():
    contract = three_joints.contract()
    low_dim = {
        s.name: np.full((contract.n_obs_steps, s.dim), 0.1, np.float32) for s in contract.low_dim
    }
    return ObservationWindow(0, low_dim, {})


def test_it_gives_what_the_policy_gives_here_tells_errors_and_need_not_be_waited_for(folder):
    process = PolicyProcess(folder)
    assert process.contract == three_joints.contract()
    for seed in (1, 2):
        here = load_policy(folder).predict(window(), seed)
        np.testing.assert_array_equal(process.predict(window(), seed, None), here)
    assert process.computed_s > 0.0
    with pytest.raises(RuntimeError, match='broadcast'):
        process.predict(window(), 1, KnownActions(np.zeros((1, 7)), np.zeros((1, 7))))
    assert process.predict(window(), 1, None).shape[1] == 3  # the next prediction works
    os.kill(process.pid, signal.SIGSTOP)  # computes and computes
    told = []

    def predict():
        with pytest.raises(RuntimeError, match='ended with SIGKILL'):
            process.predict(window(), 1, None)
        told.append(True)

    waiting = threading.Thread(target=predict)
    waiting.start()
    time.sleep(0.1)
    process.close()
    waiting.join(30.0)
    assert told
    assert not process.is_alive


def test_it_shares_the_processor_with_its_node_but_not_its_ctrl_c(folder):
    process = PolicyProcess(folder)
    assert os.getsid(process.pid) == os.getsid(0)
    assert os.getpgid(process.pid) != os.getpgid(0)
    process.close()


def test_a_killed_process_is_told_with_its_signal(folder):
    process = PolicyProcess(folder)
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match='ended with SIGKILL, as when memory runs out'):
        process.predict(window(), 1, None)
    assert not process.is_alive
    process.close()


def test_a_checkpoint_that_is_none_is_told_as_here(tmp_path):
    with pytest.raises(CheckpointError, match=str(tmp_path / 'nowhere')):
        PolicyProcess(tmp_path / 'nowhere')


def test_a_device_that_is_none_is_told_as_here(folder):
    with pytest.raises(ConfigError, match=r"device is 'gpu', valid: \('cpu', 'cuda'\)"):
        PolicyProcess(folder, device='gpu')


@pytest.mark.parametrize('lost', [False, True])
def test_it_ends_after_an_error_that_nothing_survives(monkeypatch, lost):
    class Failing:
        contract, device = three_joints.contract(), 'a GPU'

        def predict(self, *_):
            raise RuntimeError('illegal address')

    monkeypatch.setattr(checkpoint, 'load_policy', lambda *_, **__: Failing())
    monkeypatch.setattr(policy_process, 'is_lost', lambda device: lost)
    ours, theirs = multiprocessing.Pipe()
    for _ in range(2):
        ours.send((window(), 1, None))
    ours.send_bytes(b'')  # no message: as if the node had gone
    if lost:
        with pytest.raises(SystemExit, match='the policy p has lost its device: illegal address'):
            policy_process.serve(theirs, 'p', 'cuda')
    else:
        policy_process.serve(theirs, 'p', 'cuda')
    answers = [ours.recv() for _ in range(2)]
    assert answers[0] == Failing.contract
    assert str(answers[1]) == 'illegal address'
    assert ours.poll() is not lost


def test_it_does_not_outlive_its_owner_while_it_loads(folder, tmp_path):
    """An owner that dies at once leaves nobody who would load PyTorch first and look then."""
    owner = subprocess.run(
        [sys.executable, '-c', OWNER, str(folder)], capture_output=True, text=True, check=True
    )
    ended = Path('/proc') / owner.stdout.strip()
    for _ in range(200):
        if not ended.exists():
            return
        time.sleep(0.05)
    pytest.fail(f'process {ended.name} still runs')


def test_one_that_hears_nothing_while_it_loads_can_be_killed(folder, monkeypatch):
    """It is stopped where a library would hold the interpreter for as long as the disk is slow."""
    ended = threading.Event()
    started = []
    real = subprocess.Popen

    def popen(*args, **options):
        process = real(*args, **options)
        os.kill(process.pid, signal.SIGSTOP)
        started.append(process)
        return process

    def load():
        with pytest.raises(CheckpointError, match='SIGKILL'):
            PolicyProcess(folder)
        ended.set()

    monkeypatch.setattr(policy_process.subprocess, 'Popen', popen)
    loading = threading.Thread(target=load)
    loading.start()
    for _ in range(200):
        policy_process.kill_all()
        if ended.wait(0.05):
            break
    loading.join(timeout=10.0)
    assert started[0].returncode == -signal.SIGKILL
