# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json
import sys
import types

from dp_core.errors import ConfigError
from dp_core.evaluation.claims import catalogue
from dp_core.evaluation.claims import cli as claims_cli
from dp_core.evaluation.claims.catalogue import verdict
from dp_core.evaluation.cli import main
import pytest


@pytest.fixture
def halves(monkeypatch):
    """A claim about half of the seed: at most one."""
    claim = types.ModuleType('dp_core.evaluation.claims.halves', 'Half is at most one.\n\nMore.')

    def run(options):
        return {'verdicts': [verdict('half of the seed', options.seed / 2, at_most=1.0)]}

    def plot(result, figure):
        figure.add_subplot().plot([0, result['verdicts'][0]['value']])

    claim.run, claim.plot = run, plot
    monkeypatch.setitem(sys.modules, claim.__name__, claim)
    for module in (catalogue, claims_cli):
        monkeypatch.setattr(module, 'NAMES', ('halves',))


def test_a_claim_that_holds_leaves_figures_and_a_picture(halves, tmp_path, capsys):
    command = ['claim', 'halves', '--output', str(tmp_path), '--seed', '2', '--quick']
    assert main(command) == 0
    result = json.loads((tmp_path / 'halves.json').read_text(encoding='utf-8'))
    assert result['passed'] and result['quick']
    assert result['statement'] == 'Half is at most one.'
    assert result['command'].startswith('dp_eval claim halves --output')
    assert {'cpu', 'cores', 'torch', 'python', 'numpy'} <= set(result['machine'])
    assert (tmp_path / 'halves.png').read_bytes().startswith(b'\x89PNG')
    assert capsys.readouterr().out == 'holds  half of the seed: 1 (asked: <= 1)\n'


def test_a_refuted_claim_shows_in_the_exit_code(halves, tmp_path, capsys):
    assert main(['claim', 'halves', '--output', str(tmp_path), '--seed', '3']) == 1
    assert capsys.readouterr().out.startswith('FAILS  half of the seed: 1.5')


def test_claims_are_listed_with_what_they_state(halves, capsys):
    assert main(['claim', '--list']) == 0
    assert capsys.readouterr().out == 'halves           Half is at most one.\n'


def test_mistakes_name_what_there_is(tmp_path, capsys):
    assert main(['claim', 'absent', '--output', str(tmp_path)]) == 2
    assert "no claim 'absent'; there are ['lqr'" in capsys.readouterr().err
    assert main(['claim', 'lqr']) == 2
    assert '--output DIR' in capsys.readouterr().err


def test_every_claim_says_what_would_refute_it():
    for name in catalogue.NAMES:
        claim = catalogue.load(name)
        assert callable(claim.run) and callable(claim.plot)
        assert 'Refuted if' in claim.__doc__ and '§' in claim.__doc__, name


def test_a_bound_includes_its_limit_and_a_figure_needs_one():
    assert verdict('x', 1.0, at_least=1.0, at_most=1.0)['passed']
    assert not verdict('x', 0.9, at_least=1.0)['passed']
    assert not verdict('x', float('nan'), at_most=1.0)['passed']
    with pytest.raises(ConfigError, match='has no bound'):
        verdict('x', 1.0)
