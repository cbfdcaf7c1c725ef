# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses
import json

from dp_bringup.motion_bench import schedule_bench
from dp_bringup.motion_bench.schedule import draw_schedule
from dp_bringup.motion_bench.schedule import ROS_NS
from dp_bringup.motion_bench.schedule import Schedule
from dp_bringup.motion_bench.schedule import SyntheticPolicy
from dp_bringup.motion_bench.schedule_checks import acceleration_share
from dp_bringup.motion_bench.schedule_checks import examine
from dp_bringup.motion_bench.schedule_checks import position_step
from dp_bringup.motion_bench.schedule_checks import velocity_change
from dp_bringup.motion_bench.schedule_run import carry_out
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest

schedules = st.builds(
    Schedule,
    seed=st.integers(0, 2**31),
    seam=st.sampled_from(['replace', 'fade', 'ensemble']),
    latency_s=st.floats(0.0, 0.5),
    jitter_s=st.floats(0.0, 0.1),
    drop=st.floats(0.0, 0.3),
    reorder=st.floats(0.0, 0.3),
    offset=st.floats(0.0, 0.03),
    noise=st.floats(0.0, 0.02),
    leap=st.floats(0.0, 0.3),
    clock_step_s=st.floats(-2.0, 2.0),
    clock_step_at_s=st.floats(1.0, 2.0),
    duration_s=st.just(2.5),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schedules)
def test_no_schedule_leads_to_what_must_not_happen(schedule):
    assert not examine(carry_out(schedule)).violations


def test_a_calm_schedule_sends_a_chunk_every_eight_steps_and_follows_the_policy():
    schedule = Schedule(seed=3, latency_s=0.05)
    outcome = carry_out(schedule)
    starts_s = [(sent.trajectory.start_ns - ROS_NS) * 1e-9 for sent in outcome.sent]
    assert np.diff(starts_s) == pytest.approx(0.8, abs=0.003)
    wanted = SyntheticPolicy(schedule).wanted(np.arange(len(outcome.references)) * 0.002)
    assert np.abs(outcome.references[1000:, 0] - wanted[1000:]).max() < 0.02


def test_a_clock_that_steps_back_ends_the_run_with_a_brake():
    outcome = carry_out(Schedule(seed=3, clock_step_s=-1.0, clock_step_at_s=2.0))
    assert [sent.is_brake for sent in outcome.sent] == [False, False, False, True]
    assert 'moved by -0.99' in outcome.faults[0]
    assert not outcome.references[-1, 1].any()
    assert not examine(outcome).violations


def test_a_step_of_the_clock_that_nobody_ends_a_goal_for_does_not_jerk_the_arm():
    outcome = carry_out(Schedule(seed=3, clock_step_s=0.2, clock_step_at_s=2.0))
    assert not outcome.faults
    findings = examine(outcome)
    assert not findings.violations
    assert max(findings.velocity_changes) < 1.2


@pytest.fixture
def outcome():
    return carry_out(Schedule(seed=3, duration_s=1.5))


def spoiled(outcome, **changes):
    last = outcome.sent[-1]
    changed = dataclasses.replace(last.trajectory, **changes)
    return dataclasses.replace(
        outcome, sent=[*outcome.sent[:-1], dataclasses.replace(last, trajectory=changed)]
    )


def test_every_kind_of_violation_is_found(outcome):
    assert not examine(outcome).violations
    trajectory = outcome.sent[-1].trajectory
    early = spoiled(outcome, times_s=trajectory.times_s - 0.051)
    assert examine(early).violations['early_point'] == 1
    moved = spoiled(outcome, start_position=trajectory.start_position + 1e-6)
    assert examine(moved).violations['position_step'] == 1
    faster = spoiled(outcome, start_velocity=trajectory.start_velocity + 1e-6)
    assert examine(faster).violations['velocity_step'] == 1
    harder = spoiled(outcome, positions=trajectory.positions + 0.05)
    assert acceleration_share(harder.sent[-1]) > 5.0
    assert examine(harder).violations['acceleration'] == 1
    assert examine(dataclasses.replace(outcome, refusals=['no'])).violations['refused'] == 1
    leaping = outcome.references.copy()
    leaping[outcome.sent[-1].tick :, 0] += 0.001
    found = examine(dataclasses.replace(outcome, references=leaping)).violations
    assert found == {'reference_position': 1}
    kicked = outcome.references.copy()
    kicked[outcome.sent[-1].tick :, 1] += 0.5
    found = examine(dataclasses.replace(outcome, references=kicked)).violations
    assert found['reference_velocity'] == 1


def test_the_controllers_own_period_is_no_step_and_the_limit_is_one():
    references = np.zeros((20, 2, 2))
    references[:, 1] = 1.0
    references[:, 0] = np.arange(20)[:, None] * 0.002
    references[10:, 0] += 0.002  # it counts the tick of the hand-over twice
    assert position_step(references, 10) == pytest.approx(0.0, abs=1e-12)
    references[10:, 1] = 1.1  # 5 rad/s^2 for 20 ms
    assert velocity_change(references, 10) == pytest.approx(1.0)


def test_the_command_writes_what_it_found(tmp_path):
    output = tmp_path / 'schedules.json'
    assert schedule_bench.main(['--schedules', '5', '--output', str(output)]) == 0
    found = json.loads(output.read_text())
    assert sum(found['violations'].values()) == 0
    assert found['totals']['messages'] > 15
    assert draw_schedule(4) == draw_schedule(4)
