# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Chunks that all say the same of every instant move the arm as they say, however they arrive."""

from dp_core.action_space import ActionSpace
from dp_core.chunk import Chunker
from dp_core.chunk import prediction_times_ns
from dp_core.continuation import ChunkHistory
from dp_core.contract import ActionGroup
from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import ExpiredError
from dp_core.motion import CommandedMotion
from dp_core.tool_plane import JointPositions
from dp_core.trajectory import connect
from dp_core.trajectory import TrajectorySettings
from hypothesis import event
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from motion_samples import LIMITS
from motion_samples import NS
from motion_samples import T0
import numpy as np
import pytest

MS = NS // 1000
JOINTS = LIMITS.joint_names
START = np.zeros(len(JOINTS))
SETTLED_NS = 1200 * MS  # after its first chunk the arm has caught up
REST_NS = 150 * MS  # before the end of what it follows it begins to come to rest


def truth(times_ns):
    """Where every joint is to be at times (N,), (N, J) [rad]: up to 0.25 rad/s, 0.3 rad/s^2."""
    t = (np.asarray(times_ns) - T0)[:, None] * 1e-9
    return 0.2 * np.sin(1.2 * t + np.arange(len(JOINTS)))


def contract(latencies_s):
    groups = tuple(
        ActionGroup(name, 'joint_position', (name,), (name,), 'jtc', latency_s=latency)
        for name, latency in zip(JOINTS, latencies_s)
    )
    return Contract('c', 0.1, 2, 16, 8, (Stream('s', 'vector', length=1),), groups)


def deliveries(random):
    """When chunks of observations every 0.2 s arrive: late, jittered, dropped and reordered."""
    late_ns = int(random.integers(0, 400)) * MS
    arrivals = [
        (t + late_ns + int(random.integers(0, 300)) * MS, t)
        for t in range(T0, T0 + 3 * NS, 200 * MS)
        if random.random() < 0.8
    ]
    return sorted(arrivals)


@hypothesis_settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    seam=st.sampled_from(['replace', 'fade', 'ensemble']),
    latencies_s=st.tuples(*[st.sampled_from([0.0, 0.03, 0.12])] * len(JOINTS)),
)
def test_the_arm_is_where_all_chunks_say_when_they_say_it(seed, seam, latencies_s):
    random = np.random.default_rng(seed)
    settings = TrajectorySettings(seam=seam)
    of = contract(latencies_s)
    chunker = Chunker(of, ActionSpace(of.actions, [JointPositions() for _ in of.actions]))
    motion, history = CommandedMotion(truth([T0])[0]), ChunkHistory()
    decay = settings.ensemble_decay if seam == 'ensemble' else None
    begun_ns = followed_ns = 0  # since when the arm moves, and until when it has what to follow
    for now, t_obs in deliveries(random):
        if now > followed_ns:
            begun_ns = now  # it has begun to come to rest, and must catch up
        elif now > begun_ns + SETTLED_NS:
            for joint, latency_s in enumerate(latencies_s):
                meant = truth([now + round(latency_s * 1e9)])[0, joint]
                assert motion.at(now).position[joint] == pytest.approx(meant, abs=2e-3)
            event('the arm is where it was told to be')
        said = truth(prediction_times_ns(of, t_obs))
        chunk = chunker.chunk(said, t_obs, START, 1.0, history.chunks, decay)
        # Chunks that agree do not change each other, and what is said keeps its time.
        assert chunk.positions == pytest.approx(truth(chunk.times_ns()), abs=1e-3)
        try:
            sent = connect(chunk, motion, now, settings, LIMITS)
        except ExpiredError:
            assert (chunk.due_ns().min(axis=1) > now + 50 * MS).sum() < 2
            continue
        assert sent.times_s[0] >= settings.lead_s
        assert (chunk.due_ns()[sent.seam.cut_index] > now + 50 * MS).all()
        if sent.seam.cut_index:
            assert (chunk.due_ns()[sent.seam.cut_index - 1] <= now + 50 * MS).any()
        motion.follow(sent)
        history.add(chunk)
        followed_ns = min(int(chunk.due_ns()[-1].min()), now + round(settings.max_blind_s * NS))
        followed_ns -= REST_NS
