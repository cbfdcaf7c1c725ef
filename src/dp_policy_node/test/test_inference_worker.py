# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The replanning rule on a clock: Ta 8 steps of 20 ms, predictions that take 30 ms."""

from dataclasses import replace
import threading
import time
from types import SimpleNamespace

from dp_core.braking import brake
from dp_core.chunk import ActionChunk
from dp_core.errors import ExpiredError
from dp_core.errors import KinematicsError
from dp_core.errors import LimitError
from dp_core.errors import NotReadyError
from dp_core.trajectory import TrajectorySettings
import numpy as np
import pytest

pytest.importorskip('dp_msgs.msg')

from doubles import MeasuredOutput
from doubles import SilentNode
from doubles import SteadyClock
from dp_msgs.action import ExecutePolicy
from dp_policy_node.inference_worker import CATCH_UP_S
from dp_policy_node.inference_worker import InferenceWorker
from dp_policy_node.inference_worker import Run
from dp_policy_node.latency import LatencyRecord
from dp_policy_node.trajectory_output import PLANNING_NS
import three_joints

STEP_S = 0.02
STEPS = 8
INFERENCE_S = 0.03
AGE_S = 0.01
CONTRACT = three_joints.contract(dt_s=STEP_S, action_offset_s=0.0)


class Inputs:
    """Windows that are always 10 ms old, unless silenced."""

    def __init__(self):
        self.silent = False
        self.joint_silence_s = 0.0
        self.asked_at_s = []

    def window(self, now_ns):
        if self.silent:
            raise NotReadyError('silence')
        self.asked_at_s.append(time.monotonic())
        return SimpleNamespace(t_obs_ns=now_ns - round(AGE_S * 1e9))


class Pipe:
    """Predictions that take their time and connect to a brake."""

    def __init__(self):
        self.predict_error = None
        self.connect_errors = []
        self.clamped_steps, self.deviation = 0, 0.0
        self.scales = []
        self.continuations = []

    def predict(self, window, position, speed_scale, continuation):
        self.scales.append(speed_scale)
        self.continuations.append(continuation)
        if self.predict_error:
            raise self.predict_error
        time.sleep(INFERENCE_S)
        zeros = np.zeros((15, 3))
        step_ns = round(STEP_S * 1e9 / speed_scale)
        return ActionChunk(
            window.t_obs_ns, step_ns, 0, three_joints.JOINTS, zeros, zeros,
            clamped_steps=self.clamped_steps,
        )  # fmt: skip

    def connect(self, chunk, motion, now_ns, settings):
        if self.connect_errors:
            raise self.connect_errors.pop()
        return replace(brake(motion, chunk.joint_names, now_ns, 5.0), deviation=self.deviation)


class Rig:
    def __init__(self):
        self.node = SilentNode()
        self.output = MeasuredOutput(self.node, CONTRACT.actions)
        self.inputs = Inputs()
        self.pipe = Pipe()
        self.sent = []
        self.fault = None
        self.over = threading.Event()
        self.worker = InferenceWorker(SteadyClock(), self.output)
        self.latencies = LatencyRecord([INFERENCE_S] * 10)

    def start(self, speed_scale=1.0, delay_s=0.0):
        epoch = self.output.begin(np.zeros(3))
        policy = SimpleNamespace(
            contract=CONTRACT, pipeline=self.pipe, delay_s=delay_s, latencies=self.latencies
        )
        self.worker.start(
            Run(
                policy, self.inputs, TrajectorySettings(), speed_scale, epoch,
                on_chunk=self.sent.append, on_fault=self.on_fault,
            )
        )  # fmt: skip
        return epoch

    def on_fault(self, code, reason):
        self.fault = (code, reason)
        self.over.set()

    def wait(self, chunks):
        end_s = time.monotonic() + 10.0
        while len(self.sent) < chunks:
            assert time.monotonic() < end_s, f'{len(self.sent)} of {chunks} chunks'
            time.sleep(0.002)


@pytest.fixture
def rig():
    rig = Rig()
    yield rig
    rig.worker.close()


def test_each_chunk_takes_over_n_action_steps_after_the_one_before(rig, monkeypatch):
    monkeypatch.setattr(rig.latencies, 'expected_s', lambda: 2 * INFERENCE_S)
    rig.start()
    rig.wait(4)
    assert rig.sent[0].planned_ns == rig.sent[0].trajectory.start_ns  # the first one at once
    for before, after in zip(rig.sent, rig.sent[1:]):
        due_ns = before.trajectory.start_ns + STEPS * round(STEP_S * 1e9)
        assert after.planned_ns == due_ns
        assert after.trajectory.start_ns >= due_ns
        # The window was taken just in time, not early: no sooner than a prediction may need.
        asked_ns = after.chunk.stamp_ns + round(AGE_S * 1e9)
        assert asked_ns >= due_ns - round(2 * INFERENCE_S * 1e9) - PLANNING_NS


def test_an_added_delay_makes_predictions_longer_by_as_much(rig):
    rig.start(delay_s=0.05)
    rig.wait(2)
    assert all(sent.inference_s >= INFERENCE_S + 0.05 for sent in rig.sent)
    assert rig.sent[0].observation_age_s >= AGE_S + INFERENCE_S + 0.05


def test_speed_scale_stretches_the_rule(rig):
    rig.start(speed_scale=0.5)
    rig.wait(2)
    first, second = rig.sent[:2]
    assert second.planned_ns - first.trajectory.start_ns == 2 * STEPS * round(STEP_S * 1e9)
    assert set(rig.pipe.scales) == {0.5}


def test_a_prediction_knows_the_chunks_that_were_sent_and_are_still_in_force(rig):
    rig.start()
    rig.wait(3)
    second = rig.pipe.continuations[1]
    assert second.settings == TrajectorySettings()
    # It takes over at the planned time or late, and its first knot may lie 50 ms later.
    assert second.sent_until_ns >= rig.sent[1].planned_ns + 50_000_000
    assert second.commanded(np.array([0, 1])).shape == (2, 3)
    seen = [c.chunks for c in rig.pipe.continuations[:3]]
    assert seen[0] == ()
    assert seen[1] == (rig.sent[0].chunk,)
    assert seen[2][-1] is rig.sent[1].chunk
    rig.output.brake(5.0)
    rig.start()
    count = len(rig.sent)
    rig.wait(count + 1)
    assert any(c.chunks == () for c in rig.pipe.continuations[3:])  # a run begins without a past


def test_an_expired_chunk_is_counted_and_the_next_window_tried(rig):
    rig.pipe.connect_errors = [ExpiredError('late')]
    rig.start()
    rig.wait(1)
    assert rig.worker.expired_chunks == 1
    assert rig.fault is None


@pytest.mark.parametrize(
    ('error', 'code'),
    [
        (LimitError('too far'), ExecutePolicy.Result.LIMIT),
        (KinematicsError('out of reach'), ExecutePolicy.Result.LIMIT),
        (RuntimeError('out of memory'), ExecutePolicy.Result.INFERENCE_FAILED),
    ],
)
def test_errors_end_the_run_with_their_code(rig, error, code):
    rig.pipe.predict_error = error
    rig.start()
    assert rig.over.wait(5.0)
    assert rig.fault == (code, str(error))
    assert rig.worker.refused_chunks == (code == ExecutePolicy.Result.LIMIT)
    assert rig.worker.is_alive
    rig.pipe.predict_error = None
    rig.start()
    rig.wait(1)


def test_slowed_chunks_and_clamped_steps_are_counted(rig):
    rig.pipe.clamped_steps, rig.pipe.deviation = 3, 0.021
    rig.start()
    rig.wait(2)
    assert rig.worker.slowed_chunks >= 2
    assert rig.worker.clamped_steps >= 6
    assert rig.worker.clamped_steps % 3 == 0


def test_a_stall_only_delays(rig):
    rig.start()
    rig.wait(1)
    rig.inputs.silent = True
    time.sleep(0.3)
    count = len(rig.sent)
    rig.inputs.silent = False
    rig.wait(count + 1)


def test_nothing_is_sent_to_a_robot_that_is_not_heard(rig):
    rig.start()
    rig.wait(1)
    rig.inputs.joint_silence_s = 0.04
    time.sleep(0.3)
    count = len(rig.sent)  # one may have been on its way
    time.sleep(0.3)
    assert len(rig.sent) == count
    woken_s = time.monotonic()
    rig.inputs.joint_silence_s = 0.02
    rig.wait(count + 1)
    assert time.monotonic() - woken_s > CATCH_UP_S  # it works off what it has missed
    assert rig.fault is None


def test_a_brake_ends_the_run_and_a_new_run_takes_its_place(rig):
    rig.start()
    rig.wait(1)
    rig.output.brake(5.0)
    rig.worker.wake()
    count = len(rig.sent)
    time.sleep(0.3)
    assert len(rig.sent) == count
    rig.start()
    rig.wait(count + 1)


def test_an_unforeseen_error_ends_the_thread_and_that_is_told(rig):
    previous, threading.excepthook = threading.excepthook, lambda args: None
    try:
        rig.pipe.predict_error = KeyError('a mistake in the code')
        rig.start()
        rig.worker._thread.join(5.0)
    finally:
        threading.excepthook = previous
    assert not rig.worker.is_alive
