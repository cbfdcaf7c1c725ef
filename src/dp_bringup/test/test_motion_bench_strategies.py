# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One joint; a chunk of five steps 0.1 s apart, step k at k rad, step 0 meant for 1.0 s."""

from dp_bringup.motion_bench import queues
from dp_bringup.motion_bench import references
from dp_bringup.motion_bench.waypoints import Waypoints
from dp_core.chunk import ActionChunk
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

DT_NS = 100_000_000
S = 1_000_000_000


def chunk(start_ns=S, offset=0.0, n=5):
    positions = offset + np.arange(n, dtype=np.float64)[:, None]
    return ActionChunk(
        stamp_ns=start_ns - DT_NS,
        step_ns=DT_NS,
        offset_ns=DT_NS,
        joint_names=('a',),
        positions=positions,
        actions=positions,
    )


def sent(message):
    return [(round(p.time_ns * 1e-9, 3), p.positions[0]) for p in message.points]


class Slide:
    """A tool that moves along x by `scale` [m] and turns about z by `turn` [rad] for 1 rad."""

    def __init__(self, scale=1.0, turn=0.0):
        self._scale, self._turn = scale, turn

    def forward(self, q):
        pose = np.eye(4)
        pose[0, 3] = self._scale * q[0]
        pose[:3, :3] = Rotation.from_rotvec([0.0, 0.0, self._turn * q[0]]).as_matrix()
        return pose


def test_the_original_drops_what_is_less_than_10_ms_ahead_and_sends_positions():
    message = references.original(np.zeros(1), Slide(0.01))(chunk(), S + 195_000_000)
    assert sent(message) == [(0.105, 3.0), (0.205, 4.0)]
    assert message.stamp_ns == 0
    assert all(not len(point.velocities) for point in message.points)


def wanting(*positions, start_ns=S):
    """Return a chunk of these positions [rad], the first of them meant for `start_ns`."""
    column = np.array(positions)[:, None]
    return ActionChunk(start_ns - DT_NS, DT_NS, DT_NS, ('a',), column, column)


def test_the_original_keeps_the_tool_at_433_mm_in_a_second():
    # In 0.1 s the tool comes 43.3 mm far. 0.1 m is not reached in time, nor at 0.2 s: the next
    # step goes on from there, from 86.6 mm, and has time. 0.5 m, the last, is 0.4 m farther.
    join = references.original(np.zeros(1), Slide())
    message = join(wanting(0.1, 0.1, 0.1, 0.5), S - DT_NS)
    assert [p.positions[0] for p in message.points] == pytest.approx(
        [0.0433, 0.0866, 0.1, 0.5], 1e-3
    )
    assert [p.time_ns * 1e-9 for p in message.points] == pytest.approx(
        [0.1, 0.2, 0.3, 0.3 + 0.924], 1e-3
    )
    # 0.762 s later it is half the way to 0.5 m, at 0.3 m: from there on to 0.31 m, in time.
    message = join(wanting(0.31, start_ns=S + 762_000_000), S + 662_000_000)
    assert sent(message) == [(0.1, 0.31)]
    # 50 ms later it is at 0.305 m; 0.265 m is 40 mm away, 92.4 ms, where 50 ms were left.
    message = join(wanting(0.265, start_ns=S + 762_000_000), S + 712_000_000)
    assert sent(message) == [(0.092, 0.265)]


def test_the_original_keeps_its_turns_slow_as_well():
    # 1.04 rad/s: a turn by 0.2 rad takes 192 ms.
    join = references.original(np.zeros(1), Slide(0.0, turn=1.0))
    assert sent(join(wanting(0.2), S - DT_NS)) == [(0.192, 0.2)]


def test_a_waypoint_after_what_was_asked_for_leaves_the_path_before_it():
    path = Waypoints(np.zeros(1), Slide())
    path.schedule(np.array([0.01]), 100, 0)
    path.schedule(np.array([0.02]), S, 50)
    path.schedule(np.array([0.03]), 2 * S, 60)
    assert path.times_ns[-2:].tolist() == [S, 2 * S]
    assert path.at(np.array([S, 3 * S]))[:, 0] == pytest.approx([0.02, 0.03])


def test_clock_sampling_sends_all_with_the_time_of_its_first_step():
    message = references.clock_sampling(np.zeros(1), Slide())(chunk(), S + 195_000_000)
    assert sent(message) == [(0.0, 0.0), (0.1, 1.0), (0.2, 2.0), (0.3, 3.0), (0.4, 4.0)]
    assert message.stamp_ns == S


def test_the_spline_goes_through_the_steps_to_rest_and_on_from_what_is_commanded():
    join = references.spline_replace(np.array([-1.0]), Slide())
    first = join(chunk(), S - 50_000_001)
    assert [p.positions[0] for p in first.points] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert first.points[-1].velocities == (0.0,)
    # 150 ms later it is between 1 and 2 rad and fast; the next chunk lies 10 rad farther.
    second = join(chunk(S + DT_NS, offset=10.0), S + 100_000_001)
    assert second.points[0].positions == (11.0,)
    assert second.points[0].time_ns == DT_NS - 1
    assert second.points[0].velocities[0] > first.points[1].velocities[0]


def test_targets_of_two_chunks_with_the_same_number_are_blended_3_to_7():
    queue = {5: np.array([1.0]), 6: np.array([2.0])}
    new = np.array([[100.0], [11.0], [12.0], [13.0]])  # numbers 4 to 7, of which 4 is past
    blended = queues.blended(queue, new, number=4, latest=4)
    assert {n: float(value[0]) for n, value in blended.items()} == pytest.approx(
        {5: 0.3 * 1.0 + 0.7 * 11.0, 6: 0.3 * 2.0 + 0.7 * 12.0, 7: 13.0}
    )


def test_old_targets_that_the_new_chunk_does_not_have_are_dropped():
    assert list(queues.blended({1: np.zeros(1), 9: np.zeros(1)}, np.zeros((2, 1)), 1, 0)) == [1, 2]


def test_a_chunk_is_a_line_between_its_steps_and_holds_its_ends():
    times = S + np.array([-50, 0, 125, 400, 500]) * 1_000_000
    got = [float(queues.between(chunk(), int(t))[0]) for t in times]
    assert got == pytest.approx([0.0, 0.0, 1.25, 4.0, 4.0])


def test_the_shift_fades_out_in_a_second_and_the_weight_at_the_end_of_the_horizon():
    shifted = queues.Shifted(chunk(n=21), arrival_ns=S, shift=np.array([2.0]))
    assert float(shifted.at(S)[0]) == pytest.approx(2.0)
    assert float(shifted.at(S + S // 2)[0]) == pytest.approx(5.0 + 1.0)
    assert float(shifted.at(S + 2 * S)[0]) == pytest.approx(20.0)
    weights = [shifted.weight(S + ms * 1_000_000) for ms in (0, 1800, 1900, 2000, 2500)]
    assert weights == pytest.approx([1.0, 1.0, 0.5, 0.0, 0.0])


def test_the_average_of_chunks_favours_the_older_a_little():
    chunks = [queues.Shifted(chunk(offset=o, n=21), S, np.zeros(1)) for o in (0.0, 1.0)]
    share = 1.0 / (1.0 + np.exp(-0.01))
    assert float(queues.averaged(chunks, S)[0]) == pytest.approx(1.0 - share)
    late = S + 3 * S  # no chunk says anything any more: the newest is held
    assert float(queues.averaged(chunks, late)[0]) == pytest.approx(21.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=4))
def test_the_filter_keeps_its_limits_and_stops_at_the_target(targets):
    position, velocity, dt_s = np.zeros(1), np.zeros(1), 0.02
    for target in targets:
        for _ in range(150):
            before = velocity
            position, velocity = queues.limited(position, velocity, np.array([target]), dt_s)
            assert abs(velocity - before) <= queues.TOP_ACCELERATION * dt_s * (1 + 1e-9)
            assert abs(velocity) <= queues.TOP_SPEED * (1 + 1e-9)
        assert position == pytest.approx(target, abs=1e-3)
