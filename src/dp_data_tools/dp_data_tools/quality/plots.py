# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Drawings of episodes, as SVG text: numbers with what was found in them, timing, lengths."""

from __future__ import annotations

from collections.abc import Sequence
import io
from typing import Any

from dp_data_tools.quality.episode import Array
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Pair
from dp_data_tools.quality.episode import Stamps
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import INFO
from dp_data_tools.quality.finding import Severity
from dp_data_tools.quality.finding import WARNING
import numpy as np

COLOURS = {ERROR: '#c0392b', WARNING: '#d68910', INFO: '#2471a3'}
STATE, ACTION = '#2471a3', '#d35400'
_POINTS = 500
_COLUMNS = 3
_MOST = 12
Place = tuple[str, str]  # track and dimension


def numbers_drawing(episode: Episode, findings: Sequence[Finding], name: str) -> str:
    """Every number of an episode over time: state in blue, action in orange, findings shaded.

    Args:
        episode: whose numbers they are; the first ``_MOST`` are drawn.
        findings: of this episode.
        name: unique in the page.
    """
    panels = panels_of(episode)[:_MOST]
    if not panels:
        return ''
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = _figure(12.0, 1.5 * rows + 0.4)
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    draw_numbers(grid, episode, panels, findings)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[max(0, len(panels) - columns) : len(panels)]:
        axes.set_xlabel('s', fontsize=8)
    return svg(figure, name)


def draw_numbers(
    grid: Sequence[Any],
    episode: Episode,
    panels: Sequence[Sequence[Place]],
    findings: Sequence[Finding],
) -> None:
    """Draw one panel into each of some matplotlib axes."""
    for axes, panel in zip(grid, panels):
        for (track, dim), colour, style in zip(panel, (STATE, ACTION), ('-', '--')):
            times_s, values = thinned(*episode.number(track, dim))
            axes.plot(times_s, values, style, color=colour, lw=1.1)
        labels = [f'{track}/{dim}' for track, dim in panel]
        axes.set_title(labels[0], fontsize=8, loc='left', color='#444444')
        _widen(axes)
        _shade(axes, [f for f in findings if _concerns(f, labels)])
        axes.set_xlim(0.0, max(episode.duration_s, 1e-3))
        _tidy(axes)


def timing_drawing(stamps: Sequence[Stamps], name: str) -> str:
    """Periods of every topic as histograms: one narrow peak is what one wants to see."""
    chosen = [s for s in stamps if len(s.recorded_ns) > 2][:_MOST]
    if not chosen:
        return ''
    rows = -(-len(chosen) // _COLUMNS)
    figure = _figure(12.0, 1.7 * rows + 0.3)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes, topic in zip(grid, chosen):
        usual = topic.recorded_ns if topic.header_ns is None else topic.header_ns
        period_ms = np.diff(usual) * 1e-6
        middle = float(np.median(period_ms))
        edges = np.linspace(0.0, max(2.5 * middle, 1e-3), 51)
        for times_ns, colour, words in (
            (topic.recorded_ns, '#aab7b8', 'recorded'),
            (topic.header_ns, STATE, 'stamped'),
        ):
            if times_ns is not None:
                inside = np.clip(np.diff(times_ns) * 1e-6, edges[0], edges[-1])
                axes.hist(inside, edges, color=colour, alpha=0.75, label=words)
        rate = f'{1e3 / middle:.1f} Hz' if middle > 0 else 'no rate'
        title = f'{topic.topic}, {rate}, {len(usual)} messages'
        axes.set_title(title, fontsize=8, loc='left', color='#444444')
        axes.set_yscale('symlog')
        axes.set_xlabel('period [ms]', fontsize=8)
        _tidy(axes)
    grid[0].legend(fontsize=7, frameon=False)
    for axes in grid[len(chosen) :]:
        axes.set_visible(False)
    return svg(figure, name)


def lengths_drawing(
    episodes: Sequence[Episode], worst: Sequence[Severity | None], name: str
) -> str:
    """Length of every episode, in the colour of its worst finding."""
    figure = _figure(12.0, 1.7)
    axes = figure.subplots()
    colours = [COLOURS[s] if s in (ERROR, WARNING) else '#85c1a0' for s in worst]
    axes.bar(range(len(episodes)), [e.duration_s for e in episodes], color=colours, width=0.85)
    axes.set_xlabel('episode', fontsize=8)
    axes.set_ylabel('s', fontsize=8)
    axes.set_xlim(-0.8, len(episodes) - 0.2)
    _tidy(axes)
    return svg(figure, name)


def thinned(times_s: Array, values: Array) -> tuple[Array, Array]:
    """At most twice ``_POINTS`` points that keep every extremum: a spike must stay visible."""
    if len(values) <= 2 * _POINTS:
        return times_s, values
    edges = np.linspace(0, len(values), _POINTS + 1).astype(int)
    kept = []
    for a, b in zip(edges, edges[1:]):
        kept += sorted({a + int(np.argmin(values[a:b])), a + int(np.argmax(values[a:b]))})
    return times_s[kept], values[kept]


def svg(figure: Any, name: str) -> str:
    """SVG text of a figure, the same for the same figure; ``name`` keeps its ids apart."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context({'svg.fonttype': 'none', 'svg.hashsalt': name}):
        figure.savefig(text, format='svg', metadata={'Date': None, 'Creator': None})
    whole = text.getvalue()
    return whole[whole.index('<svg') :]


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasSVG(figure)
    return figure


def panels_of(episode: Episode) -> list[list[Place]]:
    """Numbers to draw, each state together with the action that asks for it."""
    asked: dict[Place, Pair] = {(pair.state, pair.moved): pair for pair in episode.pairs}
    panels: list[list[Place]] = []
    for track in episode.states:
        for dim in track.dims:
            pair = asked.get((track.name, dim))
            panels.append([(track.name, dim)] + ([(pair.action, pair.asked)] if pair else []))
    drawn = {place for panel in panels for place in panel}
    actions = [(track.name, dim) for track in episode.actions for dim in track.dims]
    # What is commanded is what matters most; then what nobody commands.
    panels.sort(key=lambda panel: -len(panel))
    return [*panels[:_MOST], *([place] for place in actions if place not in drawn)]


def _concerns(finding: Finding, labels: Sequence[str]) -> bool:
    """Whether a finding belongs into the panel of these numbers."""
    subject = finding.subject
    return not subject or any(label == subject or label.startswith(subject) for label in labels)


def _shade(axes: Any, findings: Sequence[Finding]) -> None:
    for finding in findings:
        colour = COLOURS[finding.severity]
        for begin_s, end_s in finding.spans:
            axes.axvspan(begin_s, end_s, color=colour, alpha=0.13, lw=0)
            axes.axvspan(begin_s, end_s, ymax=0.05, color=colour, alpha=0.8, lw=0)
        if finding.time_s is not None:
            axes.axvline(finding.time_s, color=colour, lw=4, alpha=0.35, zorder=0)


def _widen(axes: Any) -> None:
    """Show what hardly moves as a straight line, not as the rounding of its numbers."""
    low, high = axes.get_ylim()
    least = max(0.02, 0.01 * abs(low + high) / 2)
    if high - low < least:
        axes.set_ylim((low + high - least) / 2, (low + high + least) / 2)


def _tidy(axes: Any) -> None:
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.25)
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
