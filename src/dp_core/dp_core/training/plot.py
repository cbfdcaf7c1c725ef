# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of a run: loss and learning rate over steps."""

from pathlib import Path

from dp_core.training.state import read_log


def plot_loss(log: Path, picture: Path) -> None:
    """Draw the log of a run (`log.jsonl`) as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = read_log(log)
    steps = [line['step'] for line in lines]
    figure = Figure(figsize=(7, 4), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.semilogy(steps, [line['loss'] for line in lines], lw=0.8, label='loss')
    axes.set_xlabel('optimiser step')
    axes.set_ylabel('mean squared error of the predicted noise')
    axes.grid(alpha=0.3, which='both')
    rate = axes.twinx()
    rate.plot(steps, [line['learning_rate'] for line in lines], color='tab:orange', lw=0.8)
    rate.set_ylabel('learning rate', color='tab:orange')
    if lines:
        axes.set_title(f'{lines[-1]["step"]} steps, {lines[-1]["cpu_s"]:.0f} CPU s')
    figure.savefig(picture, dpi=120)
