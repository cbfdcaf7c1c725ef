# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What was heard over ROS becomes a recording of the bench."""

from types import SimpleNamespace

from builtin_interfaces.msg import Duration
from builtin_interfaces.msg import Time
from dp_bringup.fault_trials.motion import Ticks
from dp_bringup.fault_trials.record import Sent
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.motion_bench.figures import episode_figures
from dp_bringup.motion_bench.over_ros import heard
from dp_msgs.msg import ActionChunk
import numpy as np
import pytest

BEGIN_S = 1000.0


def chunk(stamp_s):
    """Every joint at 0.5 rad/s from 0 at BEGIN_S, in steps of 0.1 s."""
    steps = 0.5 * (stamp_s - BEGIN_S + 0.1 * np.arange(15))
    message = ActionChunk(step=Duration(nanosec=100_000_000), joint_names=list('abcdef'))
    message.header.stamp = Time(sec=int(stamp_s), nanosec=round(stamp_s % 1 * 1e9))
    message.positions = np.repeat(steps, 6).tolist()
    message.actions = [0.0] * 15
    return message


def motion(sent_s, plans_s, change=0.0):
    """A reference at 0.5 rad/s for 2 s, 3 ms behind its chunks; faster by `change` from 1 s on."""
    since_s = np.delete(np.arange(0.0, 2.0, 0.002), 300)  # one tick is lost on the way
    speeds = 0.5 + change * (since_s >= 1.0)
    positions = 0.5 * (since_s - 0.003)
    stamps_s = BEGIN_S + since_s
    columns = [np.repeat(values[:, None], 6, axis=1) for values in (positions, speeds)]
    sent = [Sent(t, round((BEGIN_S + t) * 1e9), (0.1,) * 9, True) for t in sent_s]
    brake = Sent(1.9, round((BEGIN_S + 1.9) * 1e9), (0.1, 0.2), True)
    return SimpleNamespace(
        sent=[*sent, brake],
        plans=[chunk(BEGIN_S + t) for t in plans_s],
        take=lambda: Ticks(stamps_s, stamps_s, *columns),
    )


def test_figures_of_what_was_heard():
    recording = heard(motion((0.05, 1.0), (0.0, 0.9), change=0.04), seed=7)
    assert [round(t.tick * 0.002, 3) for t in recording.take_overs] == [0.052, 1.002]
    assert recording.accepted == 2
    row = episode_figures(recording)
    assert row['seam_velocity'] == pytest.approx([0.04])
    assert row['lag_s'] == pytest.approx(0.003, abs=1e-4)


def test_a_chunk_that_was_not_heard_is_told():
    with pytest.raises(TrialError, match='2 trajectories were heard, and 1 chunks'):
        heard(motion((0.05, 1.0), (0.0,)), seed=7)
