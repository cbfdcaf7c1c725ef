# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Slow streams are taken as slowly as the contract allows; clocks that disagree are told."""

from bag_samples import contract
from bag_samples import joints
from bag_samples import recording
from bag_samples import write_bag
from conversion import COMMANDS
from conversion import run
from conversion import STATES
from dp_core.replay_buffer import load_dataset
import numpy as np
import pytest

FRONT = '/front/image_raw'


def slow_contract(max_age_s, camera=True):
    streams = contract(camera).to_dict()['observations']
    streams[0]['max_age_s'] = max_age_s
    return contract(observations=streams)


def slow_joints(every_ms, seconds=8.0):
    """`recording` with a joint state every so often; joint a reads a tenth of the time [s]."""
    entries = recording(seconds, drop=lambda t, ms: t == '/joint_states' and ms % every_ms)
    return [
        (t, k, ms, joints(ms - 5, ((ms - 5) * 1e-4, 0.0)) if t == '/joint_states' else m)
        for t, k, ms, m in entries
    ]


@pytest.mark.parametrize(('camera', 'seconds'), [(True, 6.9), (False, 6.9), (True, 8.0)])
def test_a_stream_may_be_as_slow_as_the_contract_says(tmp_path, capsys, camera, seconds):
    """A second and more that its last sample does not reach is told: these rows are lost."""
    bag = write_bag(tmp_path / 'bag', slow_joints(2000, seconds))
    assert run(tmp_path, bag, slow_contract(2.5, camera)) == 0
    data = load_dataset(tmp_path / 'out')[1].data
    t = 0.1 * np.arange(61)  # the last joint state is that of 6 s
    assert data['arm'][:, 0] == pytest.approx(0.1 * t, abs=1e-6)
    assert data['action'][:, 0] == pytest.approx(t + 0.05, abs=1e-5)
    assert ('arm: stops early' in capsys.readouterr().out) == (seconds > 7.0)
    assert run(tmp_path, bag, slow_contract(1.5, camera), 'less') == 1
    assert "'arm' pauses for more than 1.5 s before 1700000002.0" in capsys.readouterr().err


def test_a_slow_stream_does_not_let_others_be_slow(tmp_path, capsys):
    entries = [
        entry
        for entry in slow_joints(2000)
        if not (entry[0] == '/commands' and 3000 < entry[2] < 4800)
    ]
    assert run(tmp_path, write_bag(tmp_path / 'bag', entries), slow_contract(2.5)) == 1
    assert "'_action_0' pauses for more than 1.0 s" in capsys.readouterr().err


def test_states_reached_may_be_as_slow_as_the_same_topic_observed(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', slow_joints(600))
    assert run(tmp_path, bag, slow_contract(0.7), action=STATES) == 0
    data = load_dataset(tmp_path / 'out')[1].data
    assert len(data['arm']) > 70
    assert np.array_equal(data['action'], data['arm'])
    # Commands have no max_age_s of their own: 0.2 s.
    late = [entry for entry in recording(3.0) if entry[0] != '/commands' or entry[2] % 500 < 10]
    assert run(tmp_path, write_bag(tmp_path / 'late', late), output='x', action=COMMANDS) == 1
    assert "'_action_0' has a gap: its sample is 0." in capsys.readouterr().err


@pytest.mark.parametrize(
    ('ahead_s', 'words'),
    [
        (2, "the stamps of 'front' are 2.000 s ahead of those of '_action_0'"),
        (-2, "the stamps of 'arm' are 2.000 s ahead of those of 'front'"),
    ],
)
def test_clocks_that_disagree_are_told_as_such(tmp_path, capsys, ahead_s, words):
    entries = recording(4.0)
    for topic, _, _, message in entries:
        if topic == FRONT:
            message.header.stamp.sec += ahead_s
    assert run(tmp_path, write_bag(tmp_path / 'bag', entries)) == 1
    said = capsys.readouterr().err
    assert f'{words}: synchronise the clocks' in said
    assert f"['front' is topic {FRONT}]" in said


def test_clocks_that_agree_are_no_reason(tmp_path, capsys):
    gone = recording(4.0, drop=lambda t, ms: t == '/joint_states' and 1000 < ms < 2800)
    assert run(tmp_path, write_bag(tmp_path / 'bag', gone)) == 1
    said = capsys.readouterr().err
    assert "'arm' pauses for more than 1.0 s" in said
    assert 'synchronise' not in said
