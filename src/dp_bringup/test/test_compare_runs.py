# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json

from dp_bringup.compare_runs import main
import pytest


def run_of(folder, scores, first_seed=7):
    """Write what `dp_demo` writes of a run."""
    folder.mkdir()
    seeds = list(range(first_seed, first_seed + len(scores)))
    mean = sum(scores) / len(scores)
    summary = {'seeds': seeds, 'scores': scores, 'score_mean': mean, 'score_ci95': [0.0, 1.0]}
    (folder / 'summary.json').write_text(json.dumps(summary))
    return str(folder)


def test_the_difference_is_that_of_the_same_starts(tmp_path, capsys):
    new = run_of(tmp_path / 'new', [1.0, 0.5, 0.9])
    old = run_of(tmp_path / 'old', [0.9, 0.4, 0.8])
    output = tmp_path / 'compared.json'
    assert main([new, old, '--output', str(output)]) == 0
    said = capsys.readouterr().out
    assert said == '3 starts: 0.800 against 0.700, difference +0.100 (95 %: +0.100 to +0.100)\n'
    figures = json.loads(output.read_text())
    assert figures['difference']['mean'] == pytest.approx(0.1)
    assert figures['runs'] == {'new': 'new', 'old': 'old'}


def test_other_starts_are_not_compared(tmp_path, capsys):
    new, old = run_of(tmp_path / 'new', [1.0, 1.0]), run_of(tmp_path / 'old', [1.0, 1.0], 8)
    assert main([new, old]) == 1
    assert 'other starts: 2 from 7 to 8 and 2 from 8 to 9' in capsys.readouterr().err


def test_runs_with_further_starts_are_pooled(tmp_path, capsys):
    first = [run_of(tmp_path / name, [score]) for name, score in (('new', 1.0), ('old', 0.5))]
    more = [run_of(tmp_path / name, [1.0, 0.4], 9) for name in ('new_2', 'old_2')]
    assert main([*first, '--more', *more, '--output', str(tmp_path / 'compared.json')]) == 0
    assert capsys.readouterr().out.startswith('3 starts: 0.800 against 0.633, difference +0.167')
    figures = json.loads((tmp_path / 'compared.json').read_text())
    assert figures['new']['seeds'] == [7, 9, 10]
    assert main([*first, '--more', *first]) == 1
    assert 'the starts [7] are in two runs of one policy' in capsys.readouterr().err


@pytest.mark.parametrize('content', ['', '{"seeds": [1]}', '{"seeds": '])
def test_what_is_no_summary_is_named(tmp_path, capsys, content):
    new = run_of(tmp_path / 'new', [1.0])
    (tmp_path / 'old').mkdir()
    if content:
        (tmp_path / 'old' / 'summary.json').write_text(content)
    assert main([new, str(tmp_path / 'old')]) == 1
    assert f'{tmp_path / "old" / "summary.json"} is no summary' in capsys.readouterr().err
