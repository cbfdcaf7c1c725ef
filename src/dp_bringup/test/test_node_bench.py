# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Figures of the node under load, from times that were made up; and the seams of the probe."""

import inspect

import pytest

pytest.importorskip('rclpy')

from dp_bringup.node_bench import bench as node_bench
from dp_bringup.node_bench import probe
from dp_bringup.node_bench.report import chunk_parts
from dp_bringup.node_bench.report import latency_figures
from dp_bringup.node_bench.report import OWN
from dp_bringup.node_bench.report import PARTS
from dp_bringup.node_bench.report import spread_ms
from dp_bringup.node_bench.report import stream_figures
from dp_policy_node import policies
from dp_policy_node import robot
from dp_policy_node.inference_worker import InferenceWorker
from dp_policy_node.listener import Listener
from dp_policy_node.policy_process import PolicyProcess
import numpy as np

MS = 1_000_000
S = 1_000 * MS
# Two pictures: stamp, callback, stored.
FRONT = np.array([[1000, 1002, 1003]]) * MS
WRIST = np.array([[1900, 1905, 1906]]) * MS
# t_obs, due, began, ended, processor time, take-over, planned, published.
CHUNKS = np.array(
    [
        [1000, 1010, 1011, 1071, 40, 1080, 1082, 1083],  # the picture waits, and so does the chunk
        [1900, 1890, 1908, 1968, 40, 1960, 1969, 1972],  # both are late
    ]
) * MS  # fmt: skip
# Begin, duration, processor time: encoder and denoiser of each chunk, and a warm-up before.
NETWORK = np.array(
    [[500, 9, 9], [1012, 5, 4], [1020, 45, 30], [1909, 5, 4], [1915, 46, 30]]
) * MS  # fmt: skip
ARRIVALS = np.array([900, 1086, 1971]) * MS


def parts():
    return chunk_parts(CHUNKS, NETWORK, [FRONT, WRIST], ARRIVALS)


def test_the_parts_of_a_chunk_by_hand():
    by_hand = {
        'transport_in': [2, 5],
        'store': [1, 1],
        'rest_at_start': [7, 0],
        'start': [1, 2],
        'network': [50, 51],
        'plan': [10, 9],
        'rest_at_end': [9, 0],
        'send': [3, 3],
        'transport_out': [3, 0],  # the second was received before its sender knew
    }
    assert {name: (values // MS).tolist() for name, values in parts().items()} == by_hand


def test_the_parts_add_up_to_the_way_from_stamp_to_controller():
    assert sum(parts()[name] for name in PARTS).tolist() == [86 * MS, 71 * MS]
    figures = latency_figures(parts(), CHUNKS, NETWORK)
    assert figures['camera_stamp_to_joint_trajectory']['max'] == 86.0
    assert figures['all_but_network_and_replanning']['max'] == 20.0
    assert figures['observation_age_at_start']['max'] == 11.0
    assert figures['network']['computes']['max'] == 34.0
    assert figures['network']['waits']['max'] == 17.0
    assert figures['largest_own_part'] == 'plan'
    assert set(OWN) == set(PARTS) - {'network', 'rest_at_start', 'rest_at_end'}


def test_a_chunk_of_an_unknown_picture_is_an_error():
    with pytest.raises(ValueError, match='unheard of'):
        chunk_parts(CHUNKS, NETWORK, [FRONT], ARRIVALS)


def test_lost_messages_and_jitter_by_hand():
    published = np.arange(10) * 2 * MS + S
    rows = np.stack([published, published + MS, published + 2 * MS], axis=1)
    rows[4, 1] += MS
    figures = stream_figures(published, np.delete(rows, 7, axis=0), 2 * MS, (S, S + 100 * MS))
    assert (figures['published'], figures['received'], figures['lost']) == (10, 9, 1)
    assert figures['stamp_to_callback_ms']['max'] == 2.0
    assert figures['period_deviation_ms']['published']['max'] == 0.0
    # One came 1 ms late, and where one is missing the gap is a whole period longer.
    assert figures['period_deviation_ms']['callbacks']['max'] == 2.0


def test_only_what_was_published_within_the_window_counts():
    published = np.arange(10) * 2 * MS + S
    rows = np.stack([published] * 3, axis=1)
    assert stream_figures(published, rows[:5], 2 * MS, (S, S + 8 * MS))['lost'] == 0
    assert stream_figures(published, rows[:5], 2 * MS, (S, S + 9 * MS))['published'] == 5


def test_nothing_has_no_percentiles():
    assert spread_ms(np.empty(0, np.int64)) == {'n': 0}


def test_targets_are_judged():
    streams = {name: {'lost': 0} for name in (*map(node_bench.topic, node_bench.CAMERAS),)}
    result = {
        'streams': {**streams, node_bench.JOINT_TOPIC: {'lost': 3}},
        'controller': {'late_ticks': 0},
        'latency_ms': {'all_but_network_and_replanning': {'p95': 9.5}},
    }
    met = {name: target['met'] for name, target in node_bench.judge(result).items()}
    assert list(met.values()) == [True, True, False, True]


class Usage:
    """Everything uses a tenth of a core."""

    def cpu_share(self, name, begin_ns, end_ns):
        return 0.1

    def thread_share(self, thread_id, begin_ns, end_ns):
        return 0.02

    def foreign_share(self, begin_ns, end_ns):
        return 0.5

    def largest_rss(self, name):
        return 5e8


def test_what_the_processes_leave_behind_becomes_figures(tmp_path):
    """Three seconds of streams without a loss, and the two chunks from above."""
    begin = int(CHUNKS[0, 0])
    streams = {}
    for name, period in (
        (node_bench.topic('front'), 100 * MS),
        (node_bench.topic('wrist'), 100 * MS),
        (node_bench.JOINT_TOPIC, 2 * MS),
        (node_bench.POSE_TOPIC, 8 * MS),
    ):
        streams[name] = np.arange(begin, begin + 3 * S, period)
    chunks = np.concatenate([CHUNKS[:1], CHUNKS[:1], CHUNKS[1:]])
    chunks[2] += 2 * S
    chunks[2, 4] -= 2 * S
    rows = {name: np.stack([s, s + MS, s + 2 * MS], axis=1) for name, s in streams.items()}
    threads = [('inference', '11'), ('numbers', '12')]
    np.savez(tmp_path / 'policy_node.npz', chunks=chunks, network=NETWORK, threads=threads, **rows)
    np.savez(tmp_path / 'cameras.npz', **{n: s for n, s in streams.items() if 'image' in n})
    robot_streams = {n: s for n, s in streams.items() if 'image' not in n}
    arrivals = [*ARRIVALS[:2], ARRIVALS[2] + 2 * S]
    np.savez(tmp_path / 'robot.npz', arrivals=arrivals, counters=(0, 4, 1), **robot_streams)
    result = node_bench.figures(tmp_path, Usage())
    assert result['controller'] == {
        'late_ticks': 0,
        'chunks_sent': 3,
        'chunks_expired': 0,
        'trajectories_accepted': 4,
        'trajectories_rejected': 1,
    }
    assert result['latency_ms']['camera_stamp_to_joint_trajectory']['n'] == 2  # not the first
    assert [stream['lost'] for stream in result['streams'].values()] == [0] * 4
    assert result['processes']['robot'] == {'cpu_cores': 0.1, 'rss_mb': 500.0}
    assert result['policy_node_threads_cpu_cores']['others'] == pytest.approx(0.06)
    assert result['network_alone_ms'] == {'n': 0}  # one warm-up call is no prediction


def test_the_probe_puts_clocks_where_the_node_has_steps():
    """A step that is renamed would be measured no longer, in silence."""
    for base, timed in (
        (Listener, probe.TimedListener),
        (InferenceWorker, probe.TimedWorker),
    ):
        assert getattr(robot, base.__name__) is base
        for name in set(vars(timed)) - {'__module__', '__doc__', '__init__'}:
            assert parameters(timed, name) == parameters(base, name), name
    assert policies.PolicyProcess is PolicyProcess
    assert parameters(probe.TimedPolicy, 'predict') == parameters(PolicyProcess, 'predict')


def parameters(owner, name):
    """Return the names of a method's arguments."""
    return list(inspect.signature(getattr(owner, name)).parameters)


def test_commands_start_the_node_with_the_parameters_of_the_stack(tmp_path):
    words = node_bench.commands(tmp_path)['policy_node']
    assert 'dp_bringup.node_bench.probe' in words
    assert str(tmp_path / 'policy_node.yaml') in words
    assert 'ur5e_pusht_camera' in (tmp_path / 'policy_node.yaml').read_text()
