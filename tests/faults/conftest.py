# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One running stack for each shipped policy, shared by all tests of this folder.

`DP_FAULTS_STATE` and `DP_FAULTS_CAMERA` name other checkpoints to test in place of the shipped
ones.
"""

import os
from pathlib import Path
import sys

import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

KINDS = ('state', 'camera')
# Of the goals. What a weak policy wants may be too fast for the arm, which is another fault.
SPEED_SCALE = {'state': 1.0, 'camera': 0.6}


@pytest.fixture(scope='session', params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope='session')
def checkpoint(kind):
    """Folder of the policy under test."""
    from dp_bringup.share import policy_folder

    return policy_folder(os.environ.get(f'DP_FAULTS_{kind.upper()}', kind))


@pytest.fixture(scope='session')
def running(kind, checkpoint, tmp_path_factory):
    """A stack whose processes end with the session; tests may kill them."""
    from fault_stack import FaultStack

    with FaultStack(checkpoint, tmp_path_factory.mktemp('stack'), SPEED_SCALE[kind]) as stack:
        yield stack


@pytest.fixture
def stack(running):
    """The stack as after a fresh start: a reset scene, no fault, a node that accepts goals."""
    running.restore()
    return running
