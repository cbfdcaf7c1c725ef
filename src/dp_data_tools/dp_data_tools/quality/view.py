# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One episode to look at: film strips and plots, as one picture or as a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
import io
from typing import Any

import cv2
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.page import page
from dp_data_tools.quality.plots import curves_of
from dp_data_tools.quality.plots import numbers_drawing
from dp_data_tools.quality.plots import panels_of
from dp_data_tools.quality.plots import Place
from dp_data_tools.quality.plots import timing_drawing
from dp_data_tools.quality.report import film_strip
import numpy as np

_MOST, _COLUMNS = 24, 3


def page_of(episode: Episode) -> str:
    """HTML page of an episode."""
    title = f'{episode.source} [{episode.index}]'
    words = f'{episode.duration_s:.1f} s' + (f', from {episode.bag}' if episode.bag else '')
    body = f'<h1>{escape(title)}</h1><p class="lead">{escape(words)}</p><section>'
    body += ''.join(film_strip(pictures) for pictures in episode.pictures)
    body += numbers_drawing(episode, ()) + timing_drawing(episode.stamps)
    return page(title, body + '</section>')


def picture_of(episode: Episode) -> bytes:
    """PNG of an episode: a strip of each camera above, every number below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = panels_of(episode)[:_MOST]
    cameras = [pictures for pictures in episode.pictures if pictures.thumbnails]
    rows = -(-len(panels) // _COLUMNS)
    heights = [1.35] * len(cameras) + [1.5] * rows
    figure = Figure(figsize=(13.0, sum(heights) + 0.6), layout='constrained')
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(max(1, len(heights)), _COLUMNS, height_ratios=heights or [1.0])
    for row, camera in enumerate(cameras):
        axes = figure.add_subplot(grid[row, :])
        _strip(axes, [(t, _decoded(data)) for t, data in camera.thumbnails])
        axes.set_title(camera.name, fontsize=9, loc='left', color='#444444')
    first = len(cameras)
    below = [
        figure.add_subplot(grid[first + k // _COLUMNS, k % _COLUMNS]) for k in range(len(panels))
    ]
    for axes, panel in zip(below, panels):
        _numbers(axes, episode, panel)
    figure.suptitle(
        f'{episode.source} [{episode.index}], {episode.duration_s:.1f} s '
        '(state blue, action orange)',
        fontsize=10,
    )
    out = io.BytesIO()
    figure.savefig(out, format='png', dpi=100, metadata={'Software': None})
    return out.getvalue()


def _numbers(axes: Any, episode: Episode, panel: Sequence[Place]) -> None:
    for curve in curves_of(episode, panel):
        axes.plot(curve.x, curve.y, '--' if curve.dashed else '-', color=curve.colour, lw=1.1)
    low, high = axes.get_ylim()
    least = max(0.02, 0.01 * abs(low + high) / 2)  # not the rounding of what hardly moves
    if high - low < least:
        axes.set_ylim((low + high - least) / 2, (low + high + least) / 2)
    axes.set_title('/'.join(panel[0]), fontsize=8, loc='left', color='#444444')
    axes.set_xlim(0.0, max(episode.duration_s, 1e-3))
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)


def _decoded(data: bytes) -> Any:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), 1), cv2.COLOR_BGR2RGB)


def _strip(axes: Any, pictures: list[tuple[float, Any]]) -> None:
    """Pictures side by side, their times below."""
    height = max(picture.shape[0] for _, picture in pictures)
    width = max(picture.shape[1] for _, picture in pictures)
    strip = np.full((height, (width + 4) * len(pictures) - 4, 3), 255, np.uint8)
    for k, (_, picture) in enumerate(pictures):
        left = k * (width + 4)
        strip[: picture.shape[0], left : left + picture.shape[1]] = picture
    axes.imshow(strip)
    axes.set_xticks(
        [k * (width + 4) + width / 2 for k in range(len(pictures))],
        [f'{max(0.0, time_s):.1f} s' for time_s, _ in pictures],
        fontsize=7,
    )
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
