# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Predictions that hold the interpreter on order, in whichever process the policy is loaded."""

import os
import random
import subprocess
import sys

import pytest

pytest.importorskip('dp_msgs.msg')

from dp_bringup.fault_trials import holding
from dp_bringup.fault_trials.holding import Hold
from dp_bringup.fault_trials.holding import HoldFile
from dp_bringup.fault_trials.record import TrialError
from dp_core.errors import ConfigError

# A process whose child loads a module that has the name of the policy's.
PROGRAM = """
import subprocess
import sys

CHILD = 'from dp_core.policy import Policy; print(Policy().sample(3))'
subprocess.run([sys.executable, '-c', CHILD], check=True)
"""
POLICY = """
class Policy:
    def sample(self, value):
        return value + 1
"""


@pytest.fixture
def file(tmp_path):
    file = HoldFile(tmp_path / 'hold')
    yield file
    file.close()


@pytest.mark.parametrize('kind', ['loop', 'call'])
def test_a_process_started_by_the_process_obeys_and_tells_when(tmp_path, file, kind):
    folder = tmp_path / 'dp_core'
    folder.mkdir()
    (folder / '__init__.py').write_text('')
    (folder / 'policy.py').write_text(POLICY)
    file.order(Hold(kind, 0.02))
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    environment |= file.environment(environment)
    done = subprocess.run(
        [sys.executable, '-c', PROGRAM], env=environment, capture_output=True, check=True
    )
    assert done.stdout.split() == [b'4']
    begin_s, end_s = file.last()
    assert begin_s > 0.0 and end_s - begin_s == pytest.approx(0.02)


def test_without_an_order_nothing_is_held(file):
    assert file.last() == (0.0, 0.0)
    file.order(Hold('call', 0.3))
    assert file.last() == (0.0, 0.0)  # until a prediction has read it


def test_a_hold_that_does_not_come_is_told(file, monkeypatch):
    monkeypatch.setattr(holding, 'PATIENCE_S', 0.01)
    with pytest.raises(TrialError, match=r'no prediction has begun for 0.01 s'):
        file.wait_within(random.Random(0), lambda: False)


def test_no_hold_is_waited_for_when_the_goal_has_ended(file):
    assert not file.wait_within(random.Random(0), lambda: True)


@pytest.mark.parametrize(
    ('hold', 'name'),
    [(Hold(), 'plain'), (Hold('loop', 0.1), 'loop_100ms'), (Hold('call', 0.03), 'call_30ms')],
)
def test_names(hold, name):
    assert hold.name == name


def test_holds_that_are_not_valid():
    with pytest.raises(ConfigError, match=r"hold is 'sleep', valid: \['', 'loop', 'call'\]"):
        Hold('sleep', 0.1)
    with pytest.raises(ConfigError, match='takes 1.0 s, valid: 0 to below 1'):
        Hold('call', 1.0)
