# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of a run: loss, learning rate and rollout scores over steps."""

from pathlib import Path
from typing import Any

from dp_core.training.snapshots import LAST
from dp_core.training.state import LOG_FILE
from dp_core.training.state import read_log


def plot_run(folder: Path) -> None:
    """Draw `loss.png` from the logs of a run; the scores below, where there are some."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines, scores = read_log(folder / LOG_FILE), read_log(folder / 'scores.jsonl')
    figure = Figure(figsize=(7, 7 if scores else 4), layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(2 if scores else 1, sharex=True, squeeze=False)[:, 0]
    _draw_loss(panels[0], lines)
    if scores:
        _draw_scores(panels[1], scores)
    panels[-1].set_xlabel('optimiser step')
    figure.savefig(folder / 'loss.png', dpi=120)


def _draw_loss(axes: Any, lines: list[dict[str, Any]]) -> None:
    steps = [line['step'] for line in lines]
    axes.semilogy(steps, [line['loss'] for line in lines], lw=0.8, label='loss')
    axes.set_ylabel('mean squared error of the predicted noise')
    axes.grid(alpha=0.3, which='both')
    rate = axes.twinx()
    rate.plot(steps, [line['learning_rate'] for line in lines], color='tab:orange', lw=0.8)
    rate.set_ylabel('learning rate', color='tab:orange')
    if lines:
        axes.set_title(f'{lines[-1]["step"]} steps, {lines[-1]["cpu_s"]:.0f} CPU s')


def _draw_scores(axes: Any, scores: list[dict[str, Any]]) -> None:
    means = [line['score_mean'] for line in scores]
    axes.plot([line['step'] for line in scores], means, 'o-', ms=3)
    axes.axhline(max(means), color='tab:green', lw=0.8, label=f'best {max(means):.3f}')
    last = means[-LAST:]
    mean = sum(last) / len(last)
    axes.axhline(mean, color='tab:red', lw=0.8, label=f'mean of the last {len(last)} {mean:.3f}')
    axes.set_ylabel('rollout score')
    axes.grid(alpha=0.3)
    axes.legend(loc='lower right')
