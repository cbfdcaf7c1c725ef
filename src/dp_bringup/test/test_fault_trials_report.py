# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A summary counts what the records say."""

import json

from dp_bringup.fault_trials.report import summarize
from dp_bringup.fault_trials.report import table
from dp_bringup.fault_trials.report import write_report
from dp_core.limits import MotionLimits
import numpy as np
import pytest

LIMITS = MotionLimits(('a',), *(np.full(1, x) for x in (-1.0, 1.0, 3.14, 5.0, 100.0)))


def record(number, **values):
    return {
        'number': number,
        'kind': 'cancel',
        'outcome': 'CANCELED',
        'as_expected': True,
        'recovered': True,
        'detection_s': 0.01,
        'rest_s': 0.1,
        'velocity': 0.5,
        'acceleration': 3.0,
        'jerk': 80.0,
        'violations': [],
        'late': [],
        **values,
    }


RECORDS = (
    record(0),
    record(1, detection_s=0.02, rest_s=0.3, velocity=0.7),
    record(2, detection_s=0.03, rest_s=None, violations=['velocity limit'], as_expected=False),
    record(3, kind='node_killed', outcome='DIED', detection_s=None),
    {  # a trial that could not be carried out
        'number': 4,
        'kind': 'node_killed',
        'outcome': 'NOT_DONE',
        'as_expected': False,
        'violations': [],
    },
)


def test_summary_by_kind():
    summary = summarize(RECORDS, 6)
    assert (summary['trials_done'], summary['trials_planned']) == (5, 6)
    cancel, killed = summary['kinds']['cancel'], summary['kinds']['node_killed']
    assert (cancel['trials'], cancel['as_expected'], cancel['recovered']) == (3, 2, 3)
    assert cancel['detection_s'] == {'p50': 0.02, 'min': 0.01, 'max': 0.03}
    assert cancel['rest_s'] == {'p50': 0.2, 'min': 0.1, 'max': 0.3}
    assert cancel['velocity_max'] == 0.7
    assert cancel['violations'] == ['2: velocity limit']
    assert killed['detection_s'] is None
    assert killed['outcomes'] == {'DIED': 1, 'NOT_DONE': 1}
    assert summary['total']['as_expected'] == 3


def test_table_has_a_line_for_each_kind_and_one_for_all():
    lines = table(summarize(RECORDS, 6)).splitlines()
    assert len(lines) == 5
    assert lines[2].startswith('| the client cancels (`cancel`) | 3 | 2/3 | 3/3 | CANCELED 3 |')
    assert lines[4].startswith('| **all** | 5 | 3/5 | 4/5 |')


def test_files(tmp_path):
    pytest.importorskip('matplotlib')
    text = write_report(tmp_path / 'faults.json', RECORDS, 6, 'command', LIMITS)
    assert json.loads((tmp_path / 'faults.json').read_text())['total']['trials'] == 5
    page = (tmp_path / 'faults.md').read_text()
    assert page.endswith(text) and '![](faults.png)' in page
    assert 1_000 < (tmp_path / 'faults.png').stat().st_size < 200_000
