# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One report of many evaluations: our rows beside the paper's, as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from html import escape
import json
import os
from pathlib import Path
from typing import Any

from dp_core.errors import ConfigError
from dp_core.evaluation.paper import N_ACTION_STEPS
from dp_core.evaluation.paper import Row
from dp_core.evaluation.paper import ROWS
from dp_core.evaluation.paper import STEP_LIMITS

NOT_YET = 'not yet measured'
VIEWS = ('obs_type', 'cameras', 'render_mode')  # only say what is seen, as the streams do
HEADS = (
    'task', 'network', 'paper: best / last ten', 'ours: best / last ten', 'ours: mean score',
    'success', 'episodes', 'policy call p50', 'videos', 'file',
)  # fmt: skip
_STYLE = (
    'body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem}'
    'table{border-collapse:collapse}td,th{padding:.35rem .6rem;border-bottom:1px solid #ddd;'
    'text-align:left;vertical-align:top}th{border-bottom:2px solid #888}.no{color:#999}'
)


def read_results(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Read result files of `dp_eval`, and the `scores.json` of training runs.

    Raises:
        ConfigError: a file is missing or none of both.
    """
    results = []
    for path in paths:
        try:
            result = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError) as error:
            raise ConfigError(f'cannot read the result {path}: {error}') from error
        if not isinstance(result, dict) or not ('scores' in result or 'checkpoints' in result):
            raise ConfigError(f'{path} is no result of dp_eval and no scores.json of a run')
        results.append({**result, 'file': path.name, 'folder': path.parent})
    return results


def write_report(folder: Path, results: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Write `report.md` and `report.html`; return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = table(results, folder)
    paths = [folder / 'report.md', folder / 'report.html']
    for path, text in zip(paths, (markdown(lines), html(lines)), strict=True):
        path.write_text(text, encoding='utf-8')
    return paths


def table(results: Sequence[Mapping[str, Any]], folder: Path) -> list[list[str]]:
    """Return a line of cells for each row that is known, then for each result that fits none."""
    lines, used = [], set()
    for row in ROWS:
        fitting = [k for k, result in enumerate(results) if row.fits(result)]
        used.update(fitting)
        lines += [_cells(row, some, folder) for some in _paired([results[k] for k in fitting])]
    for k, result in enumerate(results):
        if k not in used:
            seen = ', '.join([*result.get('streams', []), *result.get('disturbances', [])])
            row = Row(f'{result.get("env", "?")}: {seen}', str(result.get('denoiser', '?')), {})
            lines.append(_cells(row, [result], folder))
    return lines


def _paired(results: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return each run with the evaluation of one of its checkpoints, then the others alone."""
    runs = [r for r in results if 'checkpoints' in r]
    singles = [r for r in results if 'checkpoints' not in r]
    lines = []
    for run in runs:
        made = {line.get('weights_sha256') for line in run['checkpoints']} - {None}
        own = next((r for r in singles if r.get('weights_sha256') in made), None)
        singles = [r for r in singles if r is not own]
        lines.append([run] if own is None else [run, own])
    return [*lines, *([r] for r in singles)] or [[]]


def _cells(row: Row, results: Sequence[Mapping[str, Any]], folder: Path) -> list[str]:
    run = next((r for r in results if 'checkpoints' in r), None)
    single = next((r for r in results if 'scores' in r), None)
    paper = f'{row.paper[0]:.2f} / {row.paper[1]:.2f}' if row.paper else ''
    if run is None and single is None:
        return [row.task, row.network, paper, NOT_YET, *[''] * (len(HEADS) - 4)]
    ours = f'{run["best"]:.3f} / {run["last_mean"]:.3f}' if run else ''
    if run and run['last_count'] < 10:
        ours += f' (last {run["last_count"]})'
    task = '; '.join([row.task, *_differences(single)])
    cells = [task, row.network, paper, ours or '-']
    if single is None:
        episodes = str((run or {})['checkpoints'][-1].get('score_episodes', ''))
        cells += ['', '', episodes, '', '']
    else:
        low, high = single['score_ci95']
        cells += [
            f'{single["score_mean"]:.3f} ({low:.3f} .. {high:.3f})',
            f'{100 * single["success_rate"]:.0f} %',
            str(single['episodes']),
            f'{single["policy_call_ms"]["p50"]:.0f} ms',
            ' '.join(_links(single, folder)),
        ]
    paths = [Path(r['folder']) / r['file'] for r in (run, single) if r]
    return [*cells, ', '.join(_relative(path, folder) for path in paths)]


def _differences(result: Mapping[str, Any] | None) -> list[str]:
    """Say how a result was obtained otherwise than those that it stands beside."""
    protocol = (result or {}).get('protocol', {})
    found = []
    usual = STEP_LIMITS.get((result or {}).get('env', ''))
    if usual and protocol.get('max_steps', usual) != usual:
        found.append(f'at most {protocol["max_steps"]} steps')
    if protocol.get('n_action_steps', N_ACTION_STEPS) != N_ACTION_STEPS:
        found.append(f'{protocol["n_action_steps"]} steps of each chunk')
    if protocol.get('delay_steps'):
        found.append(f'{protocol["delay_steps"]} steps late')
    others = protocol.get('env_arguments', {}).items()
    return [*found, *(f'{name}={value}' for name, value in others if name not in VIEWS)]


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path.resolve(), folder.resolve())


def _links(result: Mapping[str, Any], folder: Path) -> list[str]:
    """Links to the videos, as Markdown, relative to the report."""
    links = []
    for name, video in result.get('videos', {}).items():
        path = Path(result['folder']) / video['file']
        links.append(f'[{name}]({_relative(path, folder)})')
    return links


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return the report as Markdown."""
    rows = [HEADS, ['---'] * len(HEADS), *lines]
    body = '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)
    return f'# Evaluation\n\n{_NOTE}\n\n{body}\n'


def html(lines: Sequence[Sequence[str]]) -> str:
    """Return the report as a page of its own."""
    head = ''.join(f'<th>{escape(name)}</th>' for name in HEADS)
    body = ''.join(
        f'<tr{" class=no" if NOT_YET in line else ""}>'
        + ''.join(f'<td>{_linked(cell)}</td>' for cell in line)
        + '</tr>\n'
        for line in lines
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation</title>'
        f'<style>{_STYLE}</style><h1>Evaluation</h1><p>{escape(_NOTE)}</p>\n'
        f'<table><tr>{head}</tr>\n{body}</table></html>\n'
    )


def _linked(cell: str) -> str:
    """Turn the links of a cell from Markdown to HTML."""
    parts = []
    for part in cell.split('[')[1:] if cell.startswith('[') else ():
        name, _, rest = part.partition('](')
        parts.append(f'<a href="{escape(rest.rstrip(") "))}">{escape(name)}</a>')
    return ' '.join(parts) or escape(cell)


_NOTE = (
    'Scores are means over seeds of the largest coverage of an episode over 0.95, at most 1, with '
    '95 % intervals. Best and mean of the last ten checkpoints are those of one training run; the '
    "paper's are means over three. The paper's tables are 1 (state) and 2 (images)."
)
