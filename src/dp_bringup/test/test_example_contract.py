# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The contract and the page that a user of a real arm begins with say what the code does."""

import ast
from pathlib import Path
import re

from dp_bringup.share import share
from dp_core.chunk import check_timing
from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_policy_node.settings import Settings
import pytest

SRC = Path(__file__).parents[2]
PAGE = SRC.parent / 'docs' / 'your_robot.md'


@pytest.fixture
def contract():
    return Contract.load(share() / 'config' / 'contract_ur5e_realsense.yaml')


def test_it_sees_six_joints_and_one_camera_and_commands_the_same_joints(contract):
    (joints,), (front,), (arm,) = contract.low_dim, contract.images, contract.actions
    assert (joints.kind, joints.dim, front.size) == ('joint_state', 6, (96, 128))
    assert (arm.kind, contract.action_dim) == ('joint_position', 6)
    assert arm.joints == joints.joints and len(set(arm.dims)) == 6


def test_its_chunks_leave_six_tenths_of_a_second_for_a_prediction(contract):
    settings = Settings()
    PolicyConfig().require_horizon(contract.horizon)
    check_timing(contract, 0.64, settings.lead_s, settings.max_blind_s)
    with pytest.raises(ConfigError, match='a chunk reaches 1.500 s'):
        check_timing(contract, 0.66, settings.lead_s, settings.max_blind_s)


def test_the_page_names_every_field_of_streams_and_groups(contract):
    page = PAGE.read_text(encoding='utf-8')
    told = set(re.findall(r'`(\w+)`', page))
    records = (contract, contract.observations[0], contract.actions[0])
    fields = {name for record in records for name in type(record).__dataclass_fields__}
    assert fields <= told, fields - told


def templates(path):
    """Return the texts of a file, with … for what is filled in."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.JoinedStr):
            yield ''.join(p.value if isinstance(p, ast.Constant) else '…' for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_page_quotes_messages_that_exist():
    folders = ('dp_core/dp_core', 'dp_policy_node/dp_policy_node')
    texts = [t for f in folders for p in (SRC / f).rglob('*.py') for t in templates(p)]
    section = PAGE.read_text(encoding='utf-8').partition('## 9.')[2]
    cells = [line.split(' | ')[0] for line in section.splitlines() if line.startswith('| `')]
    quoted = [text for cell in cells for text in re.findall(r'`([^`]+)`', cell)]
    assert len(quoted) > 30
    assert not [text for text in quoted if not any(text in known for known in texts)]
