# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in a terminal, at any time: the arm comes to rest, and no process is left."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from dp_msgs.action import ExecutePolicy
from fault_client import FaultClient
from fault_stack import private_domain
from motion_record import PATIENCE_S
from motion_record import until
import pytest

pytestmark = pytest.mark.ros

MARK = 'DP_FAULTS_MARK'


class Terminal:
    """A command of dp_bringup with all its children, as a terminal's foreground job."""

    def __init__(self, folder, module, *words):
        self._mark = f'{MARK}={folder}'
        domain, environment = private_domain()
        self._job = subprocess.Popen(
            [
                sys.executable,
                '-m',
                f'dp_bringup.{module}',
                '--domain',
                str(domain),
                '--seed',
                '3',
                *map(str, words),
            ],  # fmt: skip
            env={**environment, MARK: str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.logs = folder / 'logs'
        self.client = FaultClient(domain)

    def press_ctrl_c(self):
        """Interrupt the whole job; returns the exit code and what was printed."""
        os.killpg(self._job.pid, signal.SIGINT)
        said, _ = self._job.communicate(timeout=PATIENCE_S)
        return self._job.returncode, said

    def close(self):
        """Make sure that nothing is left."""
        self.client.close()
        self._job.kill()
        for pid in self.living():
            os.kill(pid, signal.SIGKILL)

    def living(self):
        """Return the living processes that descend from the command, orphans too."""
        return [
            int(name) for name in os.listdir('/proc') if name.isdigit() and self._is_ours(name)
        ]

    def _is_ours(self, pid):
        folder = Path('/proc', pid)
        try:
            state = (folder / 'stat').read_text().rpartition(')')[2].split()[0]
            marks = (folder / 'environ').read_bytes().split(b'\0')
        except (PermissionError, FileNotFoundError, ProcessLookupError):
            return False
        return state != 'Z' and self._mark.encode() in marks


@pytest.fixture
def terminal(checkpoint, tmp_path):
    words = ('--policy', checkpoint, '--logs', tmp_path / 'logs')
    terminal = Terminal(tmp_path, 'run_local', *words)
    yield terminal
    terminal.close()


@pytest.fixture
def demo(tmp_path):
    words = ('--policy', 'state', '--output', tmp_path, '--episodes', '2')
    terminal = Terminal(tmp_path, 'demo', *words)
    yield terminal
    terminal.close()


def assert_nothing_is_left(terminal, code, said, wanted=0):
    assert (code, 'Traceback' in said) == (wanted, False), said
    assert terminal.living() == []


def assert_logs_are_clean(terminal):
    for log in terminal.logs.glob('*.log'):
        assert 'Traceback' not in log.read_text(), log.read_text()


def while_starting(terminal):
    until(lambda: list(terminal.logs.glob('*.log')), 'the first process')


def while_loading(terminal):
    until(lambda: terminal.client.scene and terminal.client.status, 'both nodes')


@pytest.mark.parametrize('moment', [while_starting, while_loading])
def test_before_it_is_ready(terminal, moment):
    moment(terminal)
    code, said = terminal.press_ctrl_c()
    assert_nothing_is_left(terminal, code, said)
    assert not terminal.client.motion.sent


@pytest.mark.parametrize('is_braking', [False, True])
def test_while_the_arm_moves(terminal, is_braking, record_property):
    client = terminal.client
    client.wait_ready()
    handle = client.send()
    client.wait_chunks(2)
    client.motion.wait_for_motion()
    future = handle.get_result_async()
    begin_ns = client.motion.now_ns
    if is_braking:
        handle.cancel_goal_async()
        time.sleep(0.02)
    code, said = terminal.press_ctrl_c()
    assert_nothing_is_left(terminal, code, said)
    assert_logs_are_clean(terminal)
    wanted = ExecutePolicy.Result.CANCELED if is_braking else ExecutePolicy.Result.DEACTIVATED
    result = client.result(future, 'the result').result
    assert result.error_code == wanted, result
    # Policy first, simulation last: the reference was at rest before its process ended.
    rest_s = client.motion.rests_after(begin_ns)
    assert rest_s is not None
    record_property('rest_s', round(rest_s, 3))
    client.motion.assert_smooth(begin_ns)


def test_in_a_demo(demo):
    motion = demo.client.motion
    motion.wait_for_motion()
    begin_ns = motion.now_ns
    code, said = demo.press_ctrl_c()
    assert_nothing_is_left(demo, code, said, wanted=130)
    assert_logs_are_clean(demo)
    assert motion.rests_after(begin_ns) is not None
    motion.assert_smooth(begin_ns)
