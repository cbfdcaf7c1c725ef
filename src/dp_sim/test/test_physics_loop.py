# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The physics loop on a scene whose joints are where they are told to be."""

import threading
import time

from dp_sim.faults import robot_condition
from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.latency import Latencies
from dp_sim.physics_loop import Outputs
from dp_sim.physics_loop import PhysicsLoop
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
import numpy as np
import pytest

JOINTS = ('a', 'b')
START_NS = 10**18
MS = 1_000_000


class Scene:
    """Two ideal joints, and a block whose coverage is the seed in percent."""

    dt = 0.002
    joint_names = JOINTS
    tool_pose = (np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]))
    block_pose_3d = (np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]))

    def __init__(self):
        self.steps = []

    def reset(self, seed):
        self.block_pose = np.array([seed, 0.0, 0.0])
        self.joint_positions = np.array([0.5, -0.5])
        self.joint_velocities = np.zeros(2)

    def step(self, q_ref, qd_ref):
        self.joint_positions, self.joint_velocities = np.array(q_ref), np.array(qd_ref)
        self.steps.append(self.joint_positions)

    def coverage(self):
        return self.block_pose[0] / 100.0

    def state(self):
        return {'positions': self.joint_positions}


@pytest.fixture
def running(request):
    """Yield (loop, scene, seen, wait) at 20 times real time; a parameter is its latencies."""
    scene, seen = Scene(), {'states': [], 'scores': [], 'frames': [], 'episodes': []}
    controller = JointTrajectoryController(ControllerParameters(joints=JOINTS))
    outputs = Outputs(
        state=seen['states'].append,
        score=seen['scores'].append,
        frame=lambda stamp, states: seen['frames'].append((stamp, states)),
        episode=lambda log, factor: seen['episodes'].append(log.snapshot(factor)),
    )
    late = getattr(request, 'param', Latencies())
    clock = {'clock_ns': lambda: START_NS, 'factor': 20.0}
    loop = PhysicsLoop(scene, controller, outputs, **clock, latencies=late)
    thread = threading.Thread(target=loop.run, args=(30,))

    def wait(milliseconds):
        until = loop.now_ns + milliseconds * MS
        deadline = time.monotonic() + 30.0
        while loop.now_ns < until and time.monotonic() < deadline:
            time.sleep(0.002)
        assert loop.now_ns >= until

    thread.start()
    while not seen['states']:
        time.sleep(0.002)
    yield loop, scene, seen, wait
    loop.stop()
    thread.join()


def _message(milliseconds, positions, names=JOINTS):
    point = TrajectoryPoint(milliseconds * MS, positions, [0.0] * len(positions))
    return TrajectoryMessage(names, (point,))


def test_states_come_every_eight_milliseconds_and_scores_ten_times_a_second(running):
    _, _, seen, wait = running
    wait(1000)
    stamps = [state.stamp_ns for state in seen['states']]
    assert stamps[0] == START_NS and set(np.diff(stamps)) == {8 * MS}
    stamps = [score.stamp_ns for score in seen['scores'][1:]]
    assert set(np.diff(stamps)) == {100 * MS}


def test_trajectory_moves_the_joints_and_is_counted(running):
    loop, scene, seen, wait = running
    loop.receive(_message(200, [0.7, -0.3]))
    loop.receive(_message(200, [0.7], names=('a',)))
    wait(600)
    np.testing.assert_allclose(scene.joint_positions, [0.7, -0.3])
    assert (seen['scores'][-1].accepted, seen['scores'][-1].rejected) == (1, 1)


def test_command_that_is_not_a_number_holds_the_joint(running):
    loop, scene, _, wait = running
    points = (
        TrajectoryPoint(100 * MS, [float('nan'), -0.4], []),
        TrajectoryPoint(200 * MS, [float('nan'), -0.4], []),
    )
    loop.receive(TrajectoryMessage(JOINTS, points))
    wait(500)
    assert np.isfinite(scene.steps).all()
    np.testing.assert_allclose(scene.joint_positions, [0.5, -0.4])


def test_reset_returns_the_coverage_of_the_start_and_holds_there(running):
    loop, scene, seen, wait = running
    loop.receive(_message(5000, [3.0, 3.0]))
    wait(100)
    assert loop.reset(60).result(10.0) == pytest.approx(0.6)
    wait(300)
    np.testing.assert_allclose(scene.joint_positions, [0.5, -0.5])
    last = seen['scores'][-1]
    assert (last.seed, last.max_coverage, last.accepted) == (60, 0.6, 0)
    assert [int(episode['seed']) for episode in seen['episodes']] == [30]


def test_late_ticks_are_counted_during_a_goal_only(running):
    loop, _, seen, wait = running
    loop.receive(_message(20, [0.6, -0.5]))
    wait(200)
    loop.executing = frozenset({b'goal'})
    wait(200)
    assert seen['scores'][-1].late_ticks == 0  # no trajectory of this goal yet
    loop.receive(_message(20, [0.5, -0.5]))
    wait(400)
    assert seen['scores'][-1].late_ticks > 50
    loop.executing = frozenset()
    wait(200)
    assert len(seen['episodes']) == 1 and len(seen['episodes'][0]['late_time_s']) > 50
    assert not seen['scores'][-1].goal_active


def test_a_tick_is_not_late_when_the_first_trajectory_arrives_during_it(running, monkeypatch):
    loop, _, seen, wait = running
    controller, arrived = loop._controller, threading.Event()
    update = controller.update

    def update_then_receive(*args):
        command = update(*args)
        if loop._goals.active and not arrived.is_set():  # as another thread may, at any moment
            loop.receive(_message(60_000, [1.0, 1.0]))
            arrived.set()
        return command

    wait(100)
    monkeypatch.setattr(controller, 'update', update_then_receive)
    loop.executing = frozenset({b'goal'})
    wait(400)
    assert arrived.is_set()
    assert seen['scores'][-1].accepted == 1
    assert seen['scores'][-1].late_ticks == 0


def test_frames_are_offered_only_when_wanted(running):
    loop, _, seen, wait = running
    wait(300)
    assert seen['frames'] == []
    loop.wants_frames = True
    wait(1100)
    ticks = np.diff([stamp_ns for stamp_ns, _ in seen['frames'][:31]]) // (2 * MS)
    assert sorted(ticks) == [16] * 10 + [17] * 20  # 30 in 500 of them


LATE = Latencies(command_s=0.1, joint_state_s=0.04, camera_s=(0.0, 0.06))


@pytest.mark.parametrize('running', [LATE], indirect=True)
def test_everything_is_as_late_as_it_is_told_to_be(running):
    loop, scene, seen, wait = running
    loop.wants_frames = True
    wait(200)
    loop.receive(_message(500, [1.0, -0.5]))
    wait(1000)
    steps = np.array(scene.steps)[:, 0]  # steps[i] is where joint a was at tick i + 1
    states = {s.stamp_ns: s for s in seen['states']}
    stamps = [s for s in states if s >= START_NS + 150 * MS]

    def joint(stamp_ns):
        return steps[(stamp_ns - START_NS) // (2 * MS) - 1]

    stamps = [s for s in stamps if s + 102 * MS <= START_NS + len(steps) * 2 * MS]
    assert any(0.5 < joint(s) < 1.0 for s in stamps)  # some of these times lie in the motion
    for stamp in stamps:
        assert states[stamp].positions[0] == joint(stamp)
        assert states[stamp].told.positions[0] == joint(stamp - 40 * MS)
        # The drives have what the controller sent 100 ms ago, for its own period of 2 ms.
        assert joint(stamp + 102 * MS) == states[stamp].command[0, 0]
    for stamp, (front, wrist) in seen['frames'][8:25]:
        assert front['positions'][0] == joint(stamp)
        assert wrist['positions'][0] == joint(stamp - 60 * MS)


@pytest.fixture
def stepped():
    """Return (loop, scene, run); `run` lets so many milliseconds pass."""
    scene, controller = Scene(), JointTrajectoryController(ControllerParameters(joints=JOINTS))
    loop = PhysicsLoop(scene, controller, Outputs())
    loop._restart(0)

    def run(milliseconds):
        for _ in range(milliseconds // 2):
            loop._tick()

    return loop, scene, run


class Clock:
    """The system clock, and how late the newest step is, as the test has them."""

    def __init__(self):
        self.now_ns, self.late_s = START_NS, 0.0

    def behind(self):
        return self.late_s


@pytest.fixture
def paced():
    """Return (loop, clock, seen, run); `run` also compares the clocks, and is on time."""
    scene, clock = Scene(), Clock()
    seen = {'states': [], 'offsets': [], 'follows': True}

    def on_clock(offset_ns):
        seen['offsets'].append(offset_ns)
        return seen['follows']

    outputs = Outputs(state=seen['states'].append, clock=on_clock)
    controller = JointTrajectoryController(ControllerParameters(joints=JOINTS))
    loop = PhysicsLoop(scene, controller, outputs)
    loop._clock_ns, loop.pacer, loop.now_ns = lambda: clock.now_ns, clock, START_NS
    loop._restart(0)

    def run(milliseconds):
        for _ in range(milliseconds // 2):
            if loop._clocks.is_due(loop.now_ns):
                loop._compare_clocks()
            loop._tick()
            clock.now_ns += 2 * MS

    return loop, clock, seen, run


@pytest.mark.parametrize('seconds', [90, -90])
def test_stamps_follow_a_system_clock_that_is_set(paced, seconds):
    loop, clock, seen, run = paced
    loop.receive(_message(2500, [1.0, -0.5]))
    run(1500)
    clock.now_ns += seconds * 1000 * MS
    run(1500)
    assert seen['offsets'] == [seconds * 1000 * MS]
    assert loop.now_ns == clock.now_ns
    stamps = [state.stamp_ns - START_NS for state in seen['states']]
    assert set(np.diff(stamps)) == {8 * MS, (seconds * 1000 + 8) * MS}
    positions = np.array([state.command[0, 0] for state in seen['states']])
    assert np.abs(np.diff(positions)).max() < 5e-3  # the motion went on
    assert positions[-1] == pytest.approx(1.0)
    loop.receive(_message(100, [0.8, -0.5]))
    run(200)
    assert loop._controller.command[0, 0] == pytest.approx(0.8)


def test_stamps_stay_while_somebody_needs_them_even_or_the_steps_are_late(paced):
    loop, clock, seen, run = paced
    clock.now_ns += 400 * MS
    run(2000)
    clock.now_ns += 90_000 * MS
    clock.late_s = 1.0
    run(2000)
    assert seen['offsets'] == []
    clock.late_s, seen['follows'] = 0.0, False
    run(1000)
    assert seen['offsets'] == [90_400 * MS] and loop.now_ns == START_NS + 5000 * MS


def test_nothing_is_collected_for_a_file_that_nobody_writes(paced):
    loop, _, _, run = paced
    loop.receive(_message(100, [1.0, -0.5]))
    run(200)
    snapshot = loop._log.snapshot(1.0)
    assert not len(snapshot['time_s']) and not len(snapshot['message_time_s'])


def test_an_inactive_controller_halts_the_arm_and_forgets_the_trajectory(stepped):
    loop, scene, run = stepped
    loop.receive(_message(1000, [1.5, -0.5]))
    run(500)
    loop.condition = robot_condition('program_stops')
    run(2)
    halted = scene.joint_positions.copy()
    assert halted[0] == pytest.approx(1.0, abs=0.01) and not scene.joint_velocities.any()
    loop.receive(_message(100, [0.0, 0.0]))
    run(300)
    np.testing.assert_array_equal(scene.joint_positions, halted)
    assert loop.ran_out and (loop._controller.accepted, loop._controller.rejected) == (1, 0)
    loop.condition = robot_condition('')  # resumes by itself: it holds, nothing moves
    run(300)
    np.testing.assert_array_equal(scene.joint_positions, halted)
    loop.receive(_message(100, [0.2, 0.0]))
    run(300)
    np.testing.assert_allclose(scene.joint_positions, [0.2, 0.0])


def test_a_reset_does_not_wake_an_inactive_controller(stepped):
    loop, scene, run = stepped
    loop.condition = robot_condition('controller_inactive')
    run(2)
    loop._restart(60)
    loop.receive(_message(100, [0.0, 0.0]))
    run(300)
    np.testing.assert_allclose(scene.joint_positions, [0.5, -0.5])


def test_the_slider_slows_the_trajectory_down(stepped):
    loop, scene, run = stepped
    loop.condition = robot_condition('speed_slider_10')
    loop.receive(_message(1000, [1.5, -0.5]))
    run(1000)
    assert loop._controller.time_from_start_ns == pytest.approx(100 * MS, abs=2 * MS)
    assert not loop.ran_out
    loop.condition = robot_condition('')
    run(910)
    np.testing.assert_allclose(scene.joint_positions, [1.5, -0.5])
    assert loop.ran_out


def test_a_held_joint_stays_while_the_others_move(stepped, monkeypatch):
    loop, scene, run = stepped
    monkeypatch.setattr('dp_sim.faults.HELD_JOINT', 1)
    loop.receive(_message(20, [1.0, 1.0]))
    loop.condition = robot_condition('joint_held')
    run(100)
    np.testing.assert_allclose(scene.joint_positions, [1.0, -0.5])
    np.testing.assert_allclose(loop._controller.reference[0], [1.0, 1.0])
    loop.condition = robot_condition('')
    run(2)
    np.testing.assert_allclose(scene.joint_positions, [1.0, 1.0])
