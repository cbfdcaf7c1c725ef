# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of parameters say what a user needs to know."""

from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from dp_sim.faults import FAULTS
from dp_sim.parameters import CONSTRAINTS
from dp_sim.parameters import CONTROLLER
from dp_sim.parameters import FORWARD
from dp_sim.parameters import JOINT_CONSTRAINTS
from dp_sim.parameters import of_joint
from dp_sim.parameters import reference
from dp_sim.parameters import SIM_NODE
from dp_sim.teleoperation_parameters import HAND
from dp_sim.teleoperation_parameters import OPERATOR
from dp_sim.teleoperation_parameters import TELEOPERATION

ALL = SIM_NODE + CONTROLLER + CONSTRAINTS + JOINT_CONSTRAINTS + TELEOPERATION + OPERATOR + HAND


@pytest.mark.parametrize('row', ALL, ids=lambda row: row.name)
def test_every_parameter_has_a_meaning_and_every_number_a_unit_and_a_range(row):
    assert row.description[0].isupper()
    descriptor = row.descriptor()
    if isinstance(row.default, int | float) and not isinstance(row.default, bool):
        assert row.unit and f'[{row.unit}]' in descriptor.description
        assert row.minimum <= row.default <= row.maximum
        assert descriptor.integer_range or descriptor.floating_point_range
    row.check(row.default)


def test_only_fault_and_slider_can_be_changed_while_running():
    dynamic = [row.name for row in ALL if not row.read_only]
    assert dynamic == ['fault', 'fault_s', 'speed_slider']


def test_choice_that_does_not_exist_is_refused_with_the_valid_ones():
    row = next(row for row in SIM_NODE if row.name == 'fault')
    assert row.choices == tuple(FAULTS)
    with pytest.raises(ValueError, match="'smoke'.*'joint_states_stop'"):
        row.check('smoke')


@pytest.mark.parametrize(
    'table',
    [
        SIM_NODE,
        CONTROLLER,
        CONSTRAINTS + JOINT_CONSTRAINTS,
        FORWARD,
        TELEOPERATION,
        OPERATOR,
        HAND,
    ],
    ids=['sim_node', 'controller', 'constraints', 'forward', 'teleoperation', 'operator', 'hand'],
)
def test_readme_holds_the_table_as_generated(table):
    readme = Path(__file__).parents[1] / 'README.md'
    assert reference(table) in readme.read_text(encoding='utf-8'), reference(table)


def test_a_row_for_each_joint_names_it():
    names = [row.name for row in of_joint('elbow', JOINT_CONSTRAINTS)]
    assert names == ['constraints.elbow.trajectory', 'constraints.elbow.goal']
