# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A controller that hears nothing for a while, and what its arm does when it hears again.

The planner is the real one, the controller is the stand-in at 500 Hz, the arm follows it 30 ms
late; what is known of them comes from `controller_state` or from joint states only.
"""

from dp_core.braking import brake
from dp_core.braking import LastSeen
from dp_core.chunk import ActionChunk
from dp_core.errors import TrajectoryError
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import from_joint_states
from dp_core.feedback import hand_over
from dp_core.feedback import Source
from dp_core.following import Following
from dp_core.following import FollowingSettings
from dp_core.limits import MotionLimits
from dp_core.motion import CommandedMotion
from dp_core.trajectory import connect
from dp_core.trajectory import TrajectorySettings
from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
import numpy as np
import pytest

MS = 1_000_000
TICK_MS, LAG_MS, ARRIVAL_MS = 2, 30.0, 2
JOINTS = ('a', 'b')
LIMITS = MotionLimits(
    JOINTS, np.full(2, -9.0), np.full(2, 9.0), np.full(2, 3.0), np.full(2, 5.0), np.full(2, 100.0)
)
ACCELERATION = 5.0


def wanted(t_s):
    """Where a policy wants the arm: to and fro at up to 0.8 rad/s."""
    return np.stack([0.4 * np.sin(2.0 * t_s), 0.2 * np.cos(2.0 * t_s) - 0.2], axis=-1)


class Scene:
    """Node, controller and arm on one clock."""

    def __init__(self, source, pace=1.0):
        self.source = source
        self.pace = pace  # of the policy; 0.08 rad/s at 0.1
        self.following = Following(JOINTS, FollowingSettings())
        self.verdict_ms = 0
        self.ms = 0
        self.measured, self.speed = np.zeros(2), np.zeros(2)
        self.motion = CommandedMotion(self.measured)
        self.controller = JointTrajectoryController(ControllerParameters(JOINTS))
        self.controller.activate(0, self.measured)
        self.is_deaf = False
        self.references = []
        self.posted, self.taken = [], []

    def feedback(self):
        now_ns = self.ms * MS
        if self.source is Source.JOINT_STATES:
            return from_joint_states(now_ns, self.measured, self.speed, self.motion)
        position, velocity, _ = self.controller.reference
        return ControllerFeedback(now_ns, self.source, position, velocity, self.measured)

    def send(self, plan):
        hand_over(self.motion, self.feedback(), JOINTS, from_measured=False)
        trajectory = plan((self.ms + ARRIVAL_MS) * MS)
        points = tuple(
            TrajectoryPoint(round(t * 1e9), tuple(q), tuple(v))
            for t, q, v in zip(trajectory.times_s, trajectory.positions, trajectory.velocities)
        )
        self.posted.append((self.ms + ARRIVAL_MS, TrajectoryMessage(JOINTS, points)))
        self.motion.follow(trajectory)

    def send_chunk(self):
        """A policy sees the arm and wants it to go on from there as `wanted` goes on."""
        times_s = self.pace * (self.ms * 1e-3 + 0.1 * np.arange(16))
        shift = self.measured - wanted(times_s[0])
        positions = wanted(times_s) + shift * np.exp(-np.arange(16))[:, None]
        chunk = ActionChunk(self.ms * MS, 100 * MS, 0, JOINTS, positions, positions)
        settings = TrajectorySettings(seam='fade')
        self.send(lambda now_ns: connect(chunk, self.motion, now_ns, settings, LIMITS))

    def brake(self):
        stands = self.following.stands and self.source is Source.JOINT_STATES
        seen = LastSeen(self.measured, stands=True) if stands else None
        self.send(lambda now_ns: brake(self.motion, JOINTS, now_ns, ACCELERATION, seen))

    def watch(self):
        """Look whether the arm follows, as the supervisor does every 10 ms."""
        commanded = self.motion.at(self.ms * MS)
        verdict = self.following.check(self.feedback(), commanded, self.ms * MS)
        if verdict is not None:
            self.verdict_ms = self.verdict_ms or self.ms

    def run(self, seconds, every_ms=800):
        """Let time pass; a new chunk every 0.8 s."""
        for _ in range(round(seconds * 1e3 / TICK_MS)):
            if every_ms and self.ms % every_ms == 0:
                try:
                    self.send_chunk()
                except TrajectoryError:
                    pass  # refused: the motion before goes on
            if self.ms % 10 == 0:
                self.watch()
            while self.posted and self.posted[0][0] <= self.ms:
                _, message = self.posted.pop(0)
                if not self.is_deaf:
                    self.taken.append(len(self.references))
                    self.controller.receive(message, self.ms * MS)
            self.controller.update(self.ms * MS, TICK_MS * MS, self.measured, self.speed)
            self.references.append(self.controller.reference[0])
            self.speed = (self.references[-1] - self.measured) / (LAG_MS * 1e-3)
            self.measured = self.measured + self.speed * TICK_MS * 1e-3
            self.ms += TICK_MS

    def acceleration(self, since_ms=0):
        """Largest of the reference over 10 ms, without the ticks of hand-overs [rad/s^2].

        In these the controller advances by two periods, whatever is sent: 16 rad/s^2 at 0.8 rad/s.
        """
        rows, begin = np.array(self.references), since_ms // TICK_MS
        bend = np.abs(rows[10:] - 2.0 * rows[5:-5] + rows[:-10]).max(axis=1) / 0.01**2
        for tick in self.taken:
            bend[max(0, tick - 10) : tick + 1] = 0.0
        return bend[begin:].max()


SOURCES = [Source.CONTROLLER_STATE, Source.JOINT_STATES]


@pytest.mark.parametrize('source', SOURCES)
@pytest.mark.parametrize('deaf_s', [0.5, 1.0, 1.5, 2.2, 3.0])
@pytest.mark.parametrize('begin_s', [2.0, 2.3, 2.9])
def test_chunks_that_are_heard_again_begin_where_the_controller_is(source, deaf_s, begin_s):
    scene = Scene(source)
    scene.run(begin_s)
    scene.is_deaf = True
    scene.run(deaf_s)
    scene.is_deaf, heard = False, len(scene.references)
    scene.run(2.0)
    assert scene.acceleration(1000) < 1.5 * ACCELERATION
    assert scene.taken[-1] >= heard  # and it goes on


@pytest.mark.parametrize(('begin_s', 'deaf_s', 'pace'), [(3.6, 0.8, 0.5), (3.4, 1.0, 0.3)])
def test_a_chunk_is_missed_though_the_arm_is_less_than_its_tolerance_away(begin_s, deaf_s, pace):
    """Believed to be heard, these chunks of a slow policy cost 53 and 59 rad/s^2."""
    scene = Scene(Source.JOINT_STATES, pace)
    scene.run(begin_s)
    scene.is_deaf = True
    scene.run(deaf_s)
    scene.is_deaf, heard = False, len(scene.references)
    scene.run(1.7)
    assert scene.acceleration(1000) < 1.2 * ACCELERATION
    assert scene.taken[-1] >= heard


@pytest.mark.parametrize('source', SOURCES)
@pytest.mark.parametrize('deaf_s', [0.8, 1.5, 2.5])
def test_a_brake_that_is_heard_again_moves_no_arm_that_rests(source, deaf_s):
    scene = Scene(source)
    scene.run(2.3)
    scene.is_deaf = True
    scene.run(deaf_s)
    scene.is_deaf, heard = False, len(scene.references)
    scene.brake()
    scene.run(1.0, every_ms=0)
    assert scene.taken[-1] >= heard
    assert scene.acceleration(2300) < 1.5 * ACCELERATION
    assert np.abs(np.diff(scene.references[-50:], axis=0)).max() == 0.0


@pytest.mark.parametrize('source', SOURCES)
@pytest.mark.parametrize('begin_s', [2.0, 2.3, 2.6, 2.9])
def test_a_controller_that_hears_again_just_when_the_arm_is_seen_to_stand_does_not_jump(
    source, begin_s
):
    """A brake of the motion that it never heard cost 25 rad/s^2: it might only have been late."""
    scene = Scene(source)
    scene.run(begin_s)
    scene.is_deaf = True
    for _ in range(400):
        scene.run(0.01)
        if scene.verdict_ms:
            break
    assert scene.following.stands
    scene.is_deaf = False
    scene.brake()
    begin = len(scene.references)
    scene.run(1.0, every_ms=0)
    moved = np.ptp(np.array(scene.references[begin:]), axis=0).max()
    assert moved < 0.001


@pytest.mark.parametrize('source', SOURCES)
def test_one_lost_chunk_costs_nothing(source):
    scene = Scene(source)
    scene.run(2.3)
    scene.is_deaf = True
    scene.run(0.2)  # the chunk of 2.4 s is lost
    scene.is_deaf, heard = False, len(scene.references)
    scene.run(2.0)
    assert scene.acceleration(1000) < 1.5 * ACCELERATION
    assert scene.taken[-1] >= heard


@pytest.mark.parametrize('source', SOURCES)
def test_a_controller_that_hears_all_is_believed_to_be_where_it_is(source):
    scene = Scene(source)
    scene.run(5.0)
    assert scene.motion.remembered >= 2
    assert scene.acceleration(1000) < 1.2 * ACCELERATION
    position = scene.motion.at(scene.ms * MS).position
    np.testing.assert_allclose(position, scene.references[-1], atol=5e-3)


@pytest.mark.parametrize('pace', [0.1, 1.0])
@pytest.mark.parametrize('source', SOURCES)
def test_a_controller_that_is_deaf_is_noticed_also_by_a_slow_policy(source, pace):
    """Every chunk begins where the arm stands; at 0.08 rad/s it is to be 40 mrad away in 0.5 s."""
    scene = Scene(source, pace)
    scene.run(4.5)
    assert scene.verdict_ms == 0
    scene.is_deaf = True
    scene.run(4.0)
    assert 4500 < scene.verdict_ms < 7500
