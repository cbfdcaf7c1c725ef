# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The stand-in against recordings of the real joint_trajectory_controller: verdicts and traces."""

import gzip
import json
from pathlib import Path
import re

from dp_sim.joint_trajectory_controller import JointTrajectoryController
from dp_sim.trajectory_rules import ControllerParameters
from dp_sim.trajectory_rules import judge
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
from dp_sim.trajectory_rules import Verdict
import numpy as np
import pytest

SHIPPED = Path(__file__).parent / 'data' / 'jtc'
FULL = Path(__file__).resolve().parents[4] / 'shared' / 'data' / 'jtc'
EPOCH_NS = 10**18  # traces have relative times; the controller wants stamps of a clock
MS = 1_000_000


def _read_text(folder, name):
    packed = folder / f'{name}.gz'
    return (
        gzip.decompress(packed.read_bytes()).decode()
        if packed.exists()
        else (folder / name).read_text(encoding='utf-8')
    )


def _folders():
    present = [SHIPPED] + ([FULL] if (FULL / 'traces.npz').exists() else [])
    return pytest.mark.parametrize('folder', present, ids=lambda path: path.parents[1].name)


def _parameters(record):
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
    return ControllerParameters(**values)


def _points(records):
    fields = ('positions', 'velocities', 'accelerations', 'effort')
    return tuple(
        TrajectoryPoint(r['t_ns'], *([float(x) for x in r.get(f, [])] for f in fields))
        for r in records
    )


def _without_times(line):
    """Drop the absolute seconds of a log line: they were those of the day of the recording."""
    return re.sub(r'\(\d+\.\d+\)', '()', line)


@_folders()
def test_every_recorded_verdict_and_log_line_is_reproduced(folder):
    records = [json.loads(line) for line in _read_text(folder, 'verdicts.jsonl').splitlines()]
    assert len(records) == 639
    for record in records:
        message, now_ns = record['message'], record['send_unix_ns']
        stamp_ns = message['stamp_absolute_ns']
        if stamp_ns is None:
            offset_ns = message['stamp_offset_ns']
            stamp_ns = 0 if offset_ns is None else now_ns + offset_ns
        judgement = judge(
            TrajectoryMessage(tuple(message['joint_names']), _points(message['points']), stamp_ns),
            _parameters(record['parameters']),
            now_ns,
            active=record['controller_active'],
        )
        case = f'{record["id"]} {record["category"]}: {judgement}'
        assert judgement.verdict.value == record['verdict'], case
        assert _without_times(judgement.log).endswith(_without_times(record['log'] or '')), case
        if judgement.verdict is Verdict.REJECTED:
            assert _without_times(judgement.log) == _without_times(record['log']), case


def _replay(trace, data):
    """Feed the recorded ticks, messages and feedback; return references (n, 3, J) and a mask."""
    parameters = _parameters(trace['parameters'])
    controller = JointTrajectoryController(parameters)
    t_ns = data('t_ns').tolist()
    count, joints = len(t_ns), len(parameters.joints)
    feedback = data('fb_pos'), data('fb_vel')
    compared = np.ones(count, dtype=bool)
    compared[trace['gap_ticks']] = False
    gaps = set(trace['gap_ticks'])
    pending = [m for m in trace['messages'] if m['outcome'] == 'in_effect']
    others = [m for m in trace['messages'] if m['outcome'] == 'rejected']
    references = np.zeros((count, 3, joints))
    controller.activate(t_ns[0] - 2 * MS + EPOCH_NS, np.zeros(joints))
    for tick, now in enumerate(t_ns):
        for message in [m for m in pending if m['effect_tick'] == tick]:
            stamp = 0 if message['stamp_ns'] is None else message['stamp_ns'] + EPOCH_NS
            judgement = controller.receive(
                TrajectoryMessage(
                    tuple(message['joint_names']), _points(message['points']), stamp
                ),
                message['send_ns'] + EPOCH_NS,
            )
            assert judgement.verdict is Verdict.ACCEPTED, judgement
            if tick in gaps and parameters.interpolate_from_desired_state:
                unknown_until = message['trajectory_start_ns'] + message['points'][0]['t_ns']
                compared &= ~((np.array(t_ns) >= now) & (np.array(t_ns) < unknown_until))
        period = now - t_ns[tick - 1] if tick else 2 * MS
        measured = [np.zeros(joints) if f is None else f[tick].astype(float) for f in feedback]
        controller.update(now + EPOCH_NS, period, *measured)
        references[tick] = controller.reference
    assert controller.rejected == 0 and len(pending) + len(others) <= len(trace['messages'])
    return references, compared


@_folders()
def test_every_recorded_trace_is_followed_within_a_tenth_of_a_milliradian(folder):
    """The issue asks for 1 mrad; the stand-in stays below 0.03 mrad at every tick compared."""
    traces = json.loads(_read_text(folder, 'traces.json'))['traces']
    recorded = np.load(folder / 'traces.npz')
    assert len({trace['scenario'] for trace in traces}) == 46
    for trace in traces:

        def data(field, trace=trace):
            key = f'{trace["id"]}/{field}'
            return recorded[key] if key in recorded else None

        references, compared = _replay(trace, data)
        assert compared.mean() > 0.9, trace['id']
        expected = data('ref_pos')[compared]
        got = references[compared, 0]
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4, err_msg=trace['id'])
        velocities = np.concatenate((references[:1, 1], references[:, 1], references[-1:, 1]))
        shifted = [velocities[k : k + len(references)][compared] for k in range(3)]
        close = [np.isclose(v, data('ref_vel')[compared], 0, 1e-3, True) for v in shifted]
        wrong = ~np.any(close, axis=0)
        assert not wrong.any(), f'{trace["id"]}: velocity steps off by over a tick: {wrong.sum()}'
