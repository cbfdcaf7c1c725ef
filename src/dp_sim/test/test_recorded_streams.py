# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in follows a policy's messages as the real controller did, at three update rates."""

from pathlib import Path

from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
from dp_sim.trajectory_rules import Verdict
import numpy as np
import pytest

RECORDED = np.load(Path(__file__).parent / 'data' / 'jtc' / 'streams.npz')
JOINTS = tuple(str(name) for name in RECORDED['joint_names'])
EPOCH_NS = 10**18  # the recordings have relative times; the controller wants stamps of a clock


def messages(rate):
    """Return the messages of a stream by the tick at which each took effect."""
    data = {name: RECORDED[f'{rate}/{name}'] for name in ('times_ns', 'positions', 'velocities')}
    points = [TrajectoryPoint(int(t), *map(list, row)) for t, *row in zip(*data.values())]
    ends = np.cumsum(RECORDED[f'{rate}/points'])
    starts = ends - RECORDED[f'{rate}/points']
    return {
        int(tick): TrajectoryMessage(JOINTS, tuple(points[first:last]))
        for tick, first, last in zip(RECORDED[f'{rate}/effect_tick'], starts, ends)
    }


@pytest.mark.parametrize('rate', [125, 250, 500])
def test_a_stream_of_chunks_is_followed_within_a_tenth_of_a_milliradian(rate):
    """21 chunks, the brake at the end of the goal, and the way to the next start."""
    times, expected = RECORDED[f'{rate}/t_ns'], RECORDED[f'{rate}/ref_pos'].astype(float)
    taken = messages(rate)
    assert len(taken) == 23 and (np.diff(times) > 0).all()
    period_ns = 1_000_000_000 // rate
    controller = JointTrajectoryController(ControllerParameters(JOINTS, update_rate_hz=rate))
    controller.activate(EPOCH_NS - period_ns, expected[0])
    unknown_until_ns, compared, worst = 0, 0, 0.0
    for tick, now_ns in enumerate(times.tolist()):
        passed_ns = now_ns - int(times[tick - 1]) if tick else period_ns
        if tick in taken:
            judgement = controller.receive(taken[tick], EPOCH_NS + now_ns)
            assert judgement.verdict is Verdict.ACCEPTED, judgement
            if passed_ns > 1.5 * period_ns:  # the state before it was not recorded
                unknown_until_ns = now_ns + taken[tick].points[0].time_ns
        controller.update(EPOCH_NS + now_ns, passed_ns, expected[0], np.zeros(len(JOINTS)))
        if now_ns >= unknown_until_ns and np.isfinite(expected[tick]).all():
            worst = max(worst, float(np.abs(controller.reference[0] - expected[tick]).max()))
            compared += 1
    assert compared > 0.95 * len(times)
    assert worst < 1e-4
