# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Findings as a person reads them: grouped, worst first, inside the width of the terminal."""

import json
from pathlib import Path

from dp_core.errors import ConfigError
from dp_data_tools.quality.advice import ADVICE
from dp_data_tools.quality.drop_list import drop_list
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Stamps
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import INFO
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.finding import worst_first
from dp_data_tools.quality.table import group
from dp_data_tools.quality.table import summary
from dp_data_tools.quality.table import table
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

FROZEN = Finding('frozen', ERROR, 'takes/a', 0, '/cam', 'the same picture', 1.5, 2.0, 0.3, 's')
GAPS = [
    Finding('gap', WARNING, f'takes/{name}', 0, '/arm', f'gap of {ms} ms', 0.5, ms, 100.0, 'ms')
    for name, ms in (('a', 150.0), ('b', 400.0), ('c', 120.0))
]
LAG = Finding('action_lag', INFO, '3 bags', None, 'action', 'after 90 ms', None, 90.0, 500.0, 'ms')


def test_worst_first_then_by_place_and_time():
    later = Finding('black', ERROR, 'takes/a', 0, '/cam', 'dark', 9.0)
    assert worst_first([LAG, *GAPS, later, FROZEN]) == [FROZEN, later, *GAPS, LAG]


def test_the_same_in_several_episodes_is_one_group_with_the_worst_in_front():
    groups = group([FROZEN, *GAPS, LAG])
    assert [len(g.findings) for g in groups] == [1, 3, 1]
    assert groups[1].findings[0].value == 400.0
    assert groups[1].places == 'takes/b[0], takes/a[0], takes/c[0]'


def test_many_places_are_cut_short():
    many = [Finding('gap', WARNING, 'd', k, '', 'gap', value=-float(k)) for k in range(9)]
    assert group(many)[0].places == 'd[8], d[7], d[6], d[5] and 5 more'


def test_the_drawing_of_a_table():
    assert table([FROZEN, *GAPS, LAG], width=80).splitlines() == [
        'error    frozen      /cam: the same picture at 1.50 s',
        '                     in takes/a[0]',
        '                     -> leave the episode out; look at the cable, the driver and',
        '                     its buffers',
        'warning  gap         /arm: gap of 400.0 ms at 0.50 s',
        '                     3 of these, worst first: takes/b[0], takes/a[0], takes/c[0]',
        '                     -> look for a full disk, a full network or a busy computer',
        '                     while recording; compressed pictures and a local disk help',
        'info     action_lag  action: after 90 ms',
        '                     in 3 bags',
    ]


def test_colours_only_where_asked_for():
    assert '\x1b[31;1merror  \x1b[0m  frozen' in table([FROZEN], colour=True)
    assert '\x1b' not in table([FROZEN])


@given(st.text(max_size=300), st.integers(0, 200))
def test_no_line_is_wider_than_the_terminal(words, width):
    finding = Finding('clock_offset', WARNING, 'takes/a', 0, '/cam', words, 1.0)
    # Words longer than a line are broken as well.
    assert max(map(len, table([finding], width).split('\n'))) <= max(60, width) + 1


def test_the_summary_counts():
    assert summary(3, [FROZEN, *GAPS, LAG]) == '3 episodes, 1 error, 3 warnings'
    assert summary(1, []) == '1 episode, 0 errors, 0 warnings'


def test_a_finding_as_plain_data():
    data = json.loads(json.dumps(GAPS[1].to_dict()))
    assert data['severity'] == 'warning'
    assert (data['check'], data['value'], data['threshold'], data['unit']) == (
        'gap',
        400.0,
        100.0,
        'ms',
    )
    assert data['advice'] == ADVICE['gap']


def test_a_check_without_advice_is_refused():
    with pytest.raises(ConfigError, match="check 'ghost' has no advice; valid: .'damage'"):
        Finding('ghost', ERROR, 'a', 0, '', 'boo')


def test_the_drop_list_names_bags_and_reasons():
    episodes = [Episode(f'takes/{name}', 0, name, 5.0) for name in 'abc']
    found = [FROZEN, *GAPS, LAG]
    assert drop_list(episodes, found) == [
        {'bag': 'a', 'episode': 0, 'reason': 'frozen /cam: the same picture'}
    ]
    strict = drop_list(episodes, found, strict=True)
    assert [entry['bag'] for entry in strict] == ['a', 'b', 'c']
    assert strict[0]['reason'] == 'frozen /cam: the same picture (and 1 more)'


def test_a_bag_is_dropped_whole():
    stamps = Stamps('/arm', 'sensor_msgs/msg/JointState', np.zeros(3, np.int64), None)
    bag = Episode('takes/a', 0, 'a', 5.0, stamps=(stamps,))
    assert drop_list([bag], [FROZEN]) == [{'bag': 'a', 'reason': 'frozen /cam: the same picture'}]


def test_what_concerns_all_episodes_drops_none():
    late = Finding('action_late', ERROR, 'd', None, 'action', 'late')
    assert drop_list([Episode('d', 0, '', 5.0)], [late], strict=True) == []


def test_every_check_is_shown_to_find_its_fault():
    here = Path(__file__).parent
    others = [p for p in here.glob('test_quality_*.py') if p.name not in (Path(__file__).name,)]
    text = ''.join(path.read_text(encoding='utf-8') for path in others)
    assert [check for check in ADVICE if f"'{check}'" not in text] == []
