# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_bringup.real_controller.trace import motion
from dp_bringup.real_controller.trace import seams
from dp_bringup.real_controller.trace import take_overs
from dp_bringup.real_controller.trace import Trace
from dp_bringup.real_controller.trace import velocity_steps
from dp_core.errors import DatasetError
import numpy as np
import pytest

START_NS = 1_800_000_000_000_000_000  # as large as stamps are
PERIOD_NS = 2_000_000
MS = 1_000_000


def trace(positions, velocities, starts=None):
    """Return a trace of one joint at 500 Hz; `starts` [ms] after the first tick."""
    n = len(positions)
    return Trace(
        START_NS + PERIOD_NS * np.arange(n),
        START_NS + np.array([0] * n if starts is None else starts) * MS,
        np.array(positions, dtype=float)[:, None],
        np.array(velocities, dtype=float)[:, None],
    )


def test_take_overs_are_where_the_start_changes_by_more_than_jitter():
    part = trace(np.zeros(6), np.zeros(6), [0, 0, 4, 4, 8, 8])
    part.starts_ns[1] += 60_000
    assert take_overs(part).tolist() == [2, 4]


def test_a_jump_is_what_velocity_times_time_does_not_explain():
    # 1 rad/s is 2 mrad a tick; in tick 2 the reference advances by two periods, as the real one.
    part = trace([0.0, 0.002, 0.006, 0.008], [1.0, 1.0, 1.0, 1.0], [0, 0, 4, 4])
    found = seams(part, [2], 0.002)
    assert found.position_jump == pytest.approx([0.002])
    assert found.unexplained_jump == pytest.approx([0.0], abs=1e-12)
    assert found.advances == pytest.approx([2.0])


def test_advances_are_told_of_fast_joints_only():
    assert len(seams(trace([0.0, 0.0004], [0.2, 0.2]), [1], 0.002).advances) == 0


def test_the_velocity_step_is_taken_over_twenty_milliseconds():
    velocities = np.where(np.arange(30) < 15, 0.1, 0.4)
    part = trace(np.zeros(30), velocities)
    at = START_NS + 15 * PERIOD_NS
    assert velocity_steps(part, [at]) == pytest.approx([0.3])
    assert velocity_steps(part, [START_NS + 5 * PERIOD_NS]) == pytest.approx([0.0])


def test_acceleration_and_jerk_of_a_cubic_are_exact():
    t = np.arange(0, 51) * 0.002
    part = trace(t**3, 3 * t**2)  # acceleration 6 t, jerk 6
    found = motion(part)
    assert (found.stamps_ns - START_NS).tolist() == [k * 10 * MS for k in range(1, 10)]
    assert found.acceleration == pytest.approx([0.06 * k for k in range(1, 10)], abs=1e-9)
    assert found.jerk == pytest.approx([6.0] * 8, abs=1e-6)


def test_a_part_of_a_trace_has_its_end_left_out():
    part = trace([0, 1, 2, 3], np.zeros(4)).between(START_NS + PERIOD_NS, START_NS + 3 * PERIOD_NS)
    assert part.positions[:, 0].tolist() == [1, 2]


def test_arrays_that_do_not_match_are_refused():
    good = trace(np.zeros(3), np.zeros(3))
    with pytest.raises(DatasetError, match='one row a tick'):
        Trace(good.stamps_ns, good.starts_ns[:2], good.positions, good.velocities)
    with pytest.raises(DatasetError, match='velocities are'):
        Trace(good.stamps_ns, good.starts_ns, good.positions, good.velocities[:, :0])
    with pytest.raises(DatasetError, match='at least 4'):
        motion(good)
