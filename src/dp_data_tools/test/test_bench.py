# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The bench writes each section into its part of one file."""

import json
import sys
import types

from dp_core.errors import RecordingError
from dp_data_tools.bench import __main__ as bench


def section(figures):
    def measure(options):
        if isinstance(figures, Exception):
            raise figures
        return {**figures, 'size': options.size}

    def add_arguments(parser):
        if '--size' not in parser.format_usage():
            parser.add_argument('--size', type=int, default=3)

    return types.SimpleNamespace(measure=measure, add_arguments=add_arguments)


def test_sections_are_measured_apart_and_kept_together(tmp_path, monkeypatch, capsys):
    modules = {'a': section({'x': 1}), 'b': section({'y': 2}), 'c': section(RecordingError('no'))}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, f'bench_{name}', module)
    monkeypatch.setattr(bench, 'SECTIONS', {name: f'bench_{name}' for name in 'ab'})
    path = tmp_path / 'out' / 'data.json'
    assert bench.main(['--output', str(path)]) == 0
    monkeypatch.setattr(bench, 'SECTIONS', {name: f'bench_{name}' for name in 'abc'})
    assert bench.main(['--output', str(path), '--only', 'b', '--size', '5']) == 0
    written = json.loads(path.read_text())
    assert (written['a']['x'], written['a']['size']) == (1, 3)
    assert (written['b']['y'], written['b']['size']) == (2, 5)
    assert written['b']['command'].endswith('--only b --size 5')
    assert written['b']['machine']['cores'] > 0
    assert bench.main(['--output', str(path), '--only', 'c']) == 1
    assert 'bench c: no' in capsys.readouterr().err
    assert json.loads(path.read_text()) == written
