# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Compare two runs of `dp_demo` on the same starts: mean difference of the scores, with interval.

python -m dp_bringup.compare_runs NEW OLD [--more NEW OLD]... [--output FILE]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
from pathlib import Path
import sys
from typing import Any

from dp_core.errors import ConfigError
from dp_core.errors import DpError
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
from dp_core.evaluation.statistics import bootstrap_mean_interval
from dp_core.evaluation.statistics import paired_difference


def load_summary(folder: Path) -> dict[str, Any]:
    """Read summary.json of a run.

    Raises:
        ConfigError: there is none, or it is damaged.
    """
    path = folder / 'summary.json'
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        return {name: summary[name] for name in ('seeds', 'scores', 'score_mean', 'score_ci95')}
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f'{path} is no summary of dp_demo: {error!r}') from error


def pooled(summaries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return several runs of one policy, each with other starts, as one.

    Raises:
        ConfigError: a start is in two of them.
    """
    if len(summaries) == 1:
        return summaries[0]
    seeds, scores = ([x for s in summaries for x in s[name]] for name in ('seeds', 'scores'))
    if twice := sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        raise ConfigError(f'the starts {twice} are in two runs of one policy')
    mean, interval = sum(scores) / len(scores), list(bootstrap_mean_interval(scores))
    return {'seeds': seeds, 'scores': scores, 'score_mean': mean, 'score_ci95': interval}


def compare(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Return both means and the paired difference new - old.

    Raises:
        ConfigError: the runs did not have the same starts in the same order.
    """
    if new['seeds'] != old['seeds']:
        raise ConfigError(
            f'the runs began at other starts: {_span(new["seeds"])} and {_span(old["seeds"])}'
        )
    return {'new': new, 'old': old, 'difference': paired_difference(new['scores'], old['scores'])}


def _span(seeds: Sequence[int]) -> str:
    return f'{len(seeds)} from {seeds[0]} to {seeds[-1]}' if seeds else 'none'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('new', type=Path, help='output folder of dp_demo')
    parser.add_argument('old', type=Path, help='the one to compare it with')
    parser.add_argument(
        '--more', type=Path, nargs=2, action='append', default=[], metavar=('NEW', 'OLD'),
        help='runs of the same two policies with further starts; repeatable',
    )  # fmt: skip
    parser.add_argument('--output', type=Path, help='write the figures as JSON')
    options = parser.parse_args(arguments)
    try:
        pairs = [(options.new, options.old), *options.more]
        new, old = (pooled([load_summary(run) for run in side]) for side in zip(*pairs))
        figures = compare(new, old)
    except DpError as error:
        print(f'compare_runs: {error}', file=sys.stderr)
        return 1
    difference = figures['difference']
    low, high = difference['ci95']
    print(
        f'{len(figures["new"]["seeds"])} starts: {figures["new"]["score_mean"]:.3f} against '
        f'{figures["old"]["score_mean"]:.3f}, difference {difference["mean"]:+.3f} '
        f'(95 %: {low:+.3f} to {high:+.3f})'
    )
    if options.output:
        names = {'new': options.new.name, 'old': options.old.name}
        write_json(options.output, {**figures, 'runs': names, 'machine': machine()})
    return 0


if __name__ == '__main__':
    sys.exit(main())
