# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import argparse
from pathlib import Path

from dp_bringup.share import share
from dp_bringup.teaching_stack import ALSO
from dp_bringup.teaching_stack import Ur5Teaching
from dp_core.contract import Contract
from dp_core.errors import ConfigError
import pytest


def test_the_scripted_operator_is_what_the_stack_is_there_for():
    *cell, operator = Ur5Teaching(demos='d', episodes=3, seed=5, burst_every=6.0).nodes()
    assert [spec.executable for spec in cell] == ['sim_node', 'teleoperation', 'episode_recorder']
    assert operator.executable == 'scripted_operator' and operator.is_purpose
    assert (operator.parameters['episodes'], operator.parameters['seed']) == (3, 5)
    assert not any(spec.is_purpose for spec in cell)


def test_a_person_needs_no_scripted_operator():
    specs = Ur5Teaching(operator='none').nodes()
    assert 'scripted_operator' not in [spec.executable for spec in specs]


def test_what_a_person_was_showing_at_the_end_is_kept_and_what_the_script_was_is_not():
    scripted, by_hand = (Ur5Teaching(operator=who).nodes()[2] for who in ('scripted', 'none'))
    at = scripted.arguments.index('--at-end')
    assert scripted.arguments[at + 1] == 'discard'
    assert '--at-end' not in by_hand.arguments
    assert by_hand.arguments[by_hand.arguments.index('--joy-topic') + 1] == '/joy'


@pytest.mark.parametrize('who', ['scripted', 'none'])
def test_the_recorder_understands_its_arguments(who):
    verb = pytest.importorskip('dp_data_tools.verbs.record')
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    options = parser.parse_args(Ur5Teaching(operator=who).nodes()[2].arguments)
    assert options.operator == who


def test_the_bags_hold_what_both_policies_see():
    recorder = Ur5Teaching(demos='somewhere').nodes()[2]
    assert recorder.arguments[0] == 'somewhere'
    contract = Contract.load(Path(recorder.arguments[recorder.arguments.index('--contract') + 1]))
    state = Contract.load(share() / 'config' / 'ur5e_pusht' / 'contract_state.yaml')
    recorded = {stream.topic for stream in contract.observations} | {ALSO.lstrip('/')}
    assert {stream.topic for stream in state.observations} <= recorded


def test_parameters_are_known_to_the_nodes():
    scene = pytest.importorskip('dp_sim.parameters')
    teaching = pytest.importorskip('dp_sim.teleoperation_parameters')
    sim, teleoperation, _, operator = Ur5Teaching().nodes()
    for spec, rows in (
        (sim, scene.SIM_NODE),
        (teleoperation, teaching.TELEOPERATION),
        (operator, teaching.OPERATOR),
    ):
        kinds = {row.name: type(row.default) for row in rows}
        assert {name: type(value) for name, value in spec.parameters.items()}.items() <= (
            kinds.items()
        )


@pytest.mark.parametrize('values, words', [({'operator': 'me'}, "'me'"), ({'demos': ''}, 'demos')])
def test_a_wrong_argument_is_refused(values, words):
    with pytest.raises(ConfigError, match=words):
        Ur5Teaching.parse(values)
