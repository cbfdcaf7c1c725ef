# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json

from dp_bringup.demo_client import chunk_record
from dp_bringup.demo_client import DemoError
from dp_bringup.demo_client import goal_message
from dp_bringup.demo_summary import complaints
from dp_bringup.demo_summary import summarize
from dp_msgs.msg import ActionChunk
from episode_samples import chunk
from episode_samples import record
import pytest

KEYS = {
    'seeds',
    'scores',
    'score_mean',
    'score_ci95',
    'chunks',
    'late_ticks',
    'expired_chunks',
    'rejected_messages',
    'inference_ms',
    'observation_age_ms',
    'seam_jump_rad',
    'seam_velocity_jump_rad_s',
    'realtime_factor',
    'node_rss_mb',
    'protocol',
}


def summary(**changes):
    records = [
        record(0, [chunk(0, jump=9.0), chunk(1, 0.02, 0.001), chunk(2, 0.04, 0.003)]),
        record(1, [chunk(0, jump=9.0)], **{'outcome': 'TIMEOUT', 'score': 0.5, **changes}),
    ]
    return summarize(records, [1.0, 0.5], 0, {'policy': 'state'})


def test_the_keys_are_those_that_were_promised():
    data = summary()
    assert set(data) == KEYS
    assert set(data['inference_ms']) == {'p50', 'p95', 'max'}
    assert set(data['observation_age_ms']) == {'p50', 'p95'}
    assert set(data['seam_jump_rad']) == set(data['seam_velocity_jump_rad_s']) == {'p50', 'max'}
    json.dumps(data, allow_nan=False)


def test_the_figures_are_those_of_the_records():
    data = summary(late=3, expired=2)
    assert (data['seeds'], data['scores'], data['score_mean']) == ([0, 1], [1.0, 0.5], 0.75)
    assert data['score_ci95'] == [0.5, 1.0]
    assert (data['chunks'], data['late_ticks'], data['expired_chunks']) == (4, 3, 2)
    assert data['inference_ms']['max'] == pytest.approx(40.0)
    assert data['observation_age_ms']['p50'] == pytest.approx(30.0)
    assert data['node_rss_mb'] == pytest.approx(300.0)
    assert data['protocol']['episodes'] == 2
    assert data['protocol']['outcomes'] == ['SUCCESS', 'TIMEOUT']


def test_the_first_chunk_of_a_goal_has_no_seam():
    data = summary()
    assert data['seam_jump_rad'] == {'p50': pytest.approx(0.002), 'max': pytest.approx(0.003)}
    assert data['seam_velocity_jump_rad_s']['max'] == pytest.approx(0.03)


def test_a_run_without_chunks_has_no_times():
    data = summarize([record()], [0.0], 0, {})
    assert data['inference_ms'] == {'p50': None, 'p95': None, 'max': None}


def test_the_worst_real_time_factor_is_told():
    assert summary(factor=0.97)['realtime_factor'] == 0.97


def test_a_good_run_has_no_complaints_and_a_bad_one_names_them():
    assert complaints(summary()) == []
    told = ' '.join(complaints(summary(late=3, factor=0.9, outcome='LIMIT')))
    assert all(word in told for word in ('late ticks: 3', '0.900', "['LIMIT']"))


def test_a_chunk_message_is_read_with_its_times():
    message = ActionChunk(id=4, observation_age=0.25, inference_time=0.02, joint_names=['a', 'b'])
    message.positions = [0.0, 1.0, 2.0, 3.0]
    message.header.stamp.sec = 10
    message.step.nanosec = message.offset.nanosec = 100_000_000
    read = chunk_record(message)
    assert read.times_ns.tolist() == [10_100_000_000, 10_200_000_000]
    assert read.positions.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert read.sent_ns == 10_250_000_000


def test_a_time_limit_must_be_a_time():
    assert goal_message(1.5, 'fade').timeout.nanosec == 500_000_000
    with pytest.raises(DemoError, match='-1'):
        goal_message(-1.0, 'fade')
