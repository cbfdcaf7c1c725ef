# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Put results of dp_eval on the same seeds side by side, each against the one before it.

tools/compare_evals.py OUTPUT.json NAME=RESULT.json NAME=RESULT.json ...
"""

from collections.abc import Mapping
from collections.abc import Sequence
import json
from pathlib import Path
import sys
from typing import Any

from dp_core.evaluation.report import write_json
from dp_core.evaluation.statistics import paired_difference


def compare(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a row for each of `results`, which are told apart by their names.

    Raises:
        ValueError: their seeds differ, so that they cannot be paired.
    """
    first, *others = results.values()
    for name, result in results.items():
        if result['seeds'] != first['seeds']:
            raise ValueError(f'{name} has other seeds than the first result; evaluate it on them')
    rows: dict[str, Any] = {}
    before = None
    for name, result in results.items():
        rows[name] = {
            'score_mean': result['score_mean'],
            'score_ci95': result['score_ci95'],
            'reached_95_percent': result['success_rate'],
            'at_end': {k: v['mean'] for k, v in result['at_end'].items()},
            'weights_sha256': result['weights_sha256'],
            'scores': result['scores'],
        }
        if before:
            rows[name]['score_gain'] = paired_difference(result['scores'], before['scores'])
            rows[name]['at_end_gain'] = {
                key: paired_difference(figures['values'], before['at_end'][key]['values'])
                for key, figures in result['at_end'].items()
            }
        before = result
    return {
        'score': first['score'],
        'protocol': first['protocol'],
        'machine': first['machine'],
        'episodes': first['episodes'],
        'seeds': first['seeds'],
        'gain': 'mean over seeds of the difference to the row before, 95 % bootstrap interval',
        'rows': rows,
    }


def main(argv: Sequence[str]) -> int:
    """Read, compare, write, and show a short table."""
    output, *named = argv
    pairs = (text.partition('=') for text in named)
    results = {name: json.loads(Path(file).read_text()) for name, _, file in pairs}
    table = compare(results)
    write_json(Path(output), table)
    for name, row in table['rows'].items():
        end = ', '.join(f'{key} {value:.3f}' for key, value in row['at_end'].items())
        sys.stdout.write(f'{name:28} score {row["score_mean"]:.3f}  {end}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
