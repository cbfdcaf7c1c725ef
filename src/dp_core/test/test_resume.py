# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A training process that is killed at any moment goes on to the same bits."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time

from dp_core.errors import CheckpointError
from dp_core.training.cli import main
from dp_core.training.state import load_state
from dp_core.training.state import STATE_FILE
from policy_samples import sample_dataset
import pytest
from safetensors.torch import load_file

ARGUMENTS = ['--steps', '300', '--batch-size', '4', '--state-every-s', '0', '--n-groups', '4']
# The plain step, and the default one, compiled and in bfloat16 where the processor has it, with
# all that is drawn within the network.
STEPS = {
    'plain': ['--no-compile', '--precision', 'fp32', '--accumulate', '2',
              '--down-dims', '8', '16'],
    'compiled': ['--denoiser', 'transformer', '--n-layers', '1', '--n-heads', '2',
                 '--n-embed', '16', '--modality-dropout', '0.2', '--image-channels', '8', '8'],
}  # fmt: skip


def log_of(folder):
    lines = (folder / 'log.jsonl').read_text(encoding='utf-8').splitlines()
    return [{k: v for k, v in json.loads(x).items() if k[-2:] != '_s'} for x in lines]


def kill_after(arguments, log, n_bytes):
    """Start a run, wait until its log has grown to a size, kill it."""
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, '-m', 'dp_core.training.cli', *arguments]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 180  # compilers take their time
    while time.monotonic() < deadline and process.poll() is None:
        if log.exists() and log.stat().st_size > n_bytes:
            break
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    return process.wait()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize('step', STEPS)
def test_a_killed_process_goes_on_to_the_same_bits(tmp_path, step):
    dataset = str(sample_dataset(tmp_path / 'data', images=step == 'compiled'))
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    common = ['--dataset', dataset, *ARGUMENTS, *STEPS[step]]
    assert main([*common, '--output', str(whole)]) == 0
    log, line = whole / 'log.jsonl', len(log_of(whole))
    size = log.stat().st_size // line
    for lines in (2, 9)[: 2 if step == 'plain' else 1]:
        code = kill_after([*common, '--output', str(broken)], broken / 'log.jsonl', lines * size)
        assert code == -signal.SIGKILL
        assert not (broken / 'policy.yaml').exists()
    assert main([*common, '--output', str(broken)]) == 0
    assert log_of(broken) == log_of(whole)
    ours, theirs = (load_file(f / 'weights.safetensors') for f in (broken, whole))
    assert all(ours[name].equal(theirs[name]) for name in theirs)


class Malicious:
    """A pickle that would write a file when it is loaded."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)


def test_a_state_that_is_a_program_is_not_run(tmp_path):
    proof = tmp_path / 'was_run'
    (tmp_path / STATE_FILE).write_bytes(pickle.dumps(Malicious(proof)))
    with pytest.raises(CheckpointError, match=r'training_state\.pt is damaged'):
        load_state(tmp_path, '{}')
    assert not proof.exists()
