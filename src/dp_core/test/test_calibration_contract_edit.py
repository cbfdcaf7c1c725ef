# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Latencies come into a file without touching anything else in it."""

from pathlib import Path

from dp_core.calibration.contract_edit import edit_text
from dp_core.calibration.contract_edit import Latencies
from dp_core.calibration.contract_edit import read_contract
from dp_core.errors import ContractError
import pytest

BRINGUP = Path(__file__).parents[2] / 'dp_bringup'
FILES = [
    BRINGUP / 'config' / 'ur5e_pusht' / 'contract_camera.yaml',
    BRINGUP / 'policies' / 'ur5e_pusht_camera' / 'policy.yaml',
]
BLOCK = """# mine
name: demo
dt_s: 0.1
n_obs_steps: 1
horizon: 8
n_action_steps: 4
observations:
- name: front
  kind: image   # colour
  topic: t
  size: [96, 96]

- {name: tool, kind: pose, topic: tool, features: [x], latency_s: 0.0125}  # flow
actions:
  - kind: joint_position
    name: arm
    dims: [a]
    joints: [a]
    controller: jtc"""


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_our_own_files_gain_lines_and_lose_nothing(path):
    text = path.read_text(encoding='utf-8')
    new = edit_text(text, Latencies({'front': 0.05, 'tool': 0.01}, {'arm': 0.03}), path.name)
    kept = [line for line in new.splitlines() if 'latency_s' not in line]
    assert kept == text.splitlines() and len(new.splitlines()) == len(kept) + 3
    contract = read_contract(new, path.name)
    assert [s.latency_s for s in contract.observations] == [0.05, 0.0, 0.01]
    assert contract.actions[0].latency_s == 0.03


def test_block_and_flow_style_and_values_that_are_there_already():
    new = edit_text(BLOCK, Latencies({'front': 0.08123456, 'tool': -0.002}, {'arm': 0.1}), 'f')
    assert new == (
        BLOCK.replace('# colour\n', '# colour\n  latency_s: 0.0812\n')
        .replace('0.0125', '-0.002')
        .replace('joint_position\n', 'joint_position\n    latency_s: 0.1\n')
    )


def test_writing_twice_is_writing_the_last():
    first = edit_text(BLOCK, Latencies({'front': 0.08}, {'arm': 0.1}), 'f')
    values = Latencies({'front': 0.02}, {'arm': 0.0})
    assert edit_text(first, values, 'f') == edit_text(edit_text(BLOCK, values, 'f'), values, 'f')


def test_line_ends_of_windows_stay():
    text = BLOCK.replace('\n', '\r\n')
    new = edit_text(text, Latencies({'front': 0.08}, {}), 'f')
    assert read_contract(new, 'f').observations[0].latency_s == 0.08


def test_a_record_used_twice_by_an_anchor_is_not_edited():
    shared = BLOCK.replace('- name: front', '- &f\n  name: front').replace(
        'actions:', '- {<<: *f, name: rear}\nactions:'
    )
    with pytest.raises(ContractError, match=r'cannot be edited safely .*front'):
        edit_text(shared, Latencies({'front': 0.05}, {}), 'mine.yaml')


@pytest.mark.parametrize('text', ['[1, 2]', 'a: [', 'name: demo'])
def test_what_is_no_contract_is_refused(text):
    with pytest.raises(ContractError, match='mine.yaml'):
        read_contract(text, 'mine.yaml')
