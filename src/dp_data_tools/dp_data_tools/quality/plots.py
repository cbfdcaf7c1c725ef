# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Drawings of episodes, as SVG text: numbers with what was found in them, timing, lengths."""

from __future__ import annotations

from collections.abc import Sequence

from dp_data_tools.quality.chart import Bars
from dp_data_tools.quality.chart import Chart
from dp_data_tools.quality.chart import Curve
from dp_data_tools.quality.chart import sheet
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
STATE, ACTION, FINE = '#2471a3', '#d35400', '#85c1a0'
_POINTS = 400
_MOST = 12
Place = tuple[str, str]  # track and dimension


def numbers_drawing(episode: Episode, findings: Sequence[Finding]) -> str:
    """Every number of an episode over time: state in blue, action in orange, findings shaded.

    Args:
        episode: whose numbers they are; some dozen are drawn, those that are commanded first.
        findings: of this episode.
    """
    charts = []
    for panel in panels_of(episode):
        curves = curves_of(episode, panel)
        labels = [f'{track}/{dim}' for track, dim in panel]
        spans = [s for f in findings if _concerns(f, labels) for s in _spans(f)]
        values = np.concatenate([curve.y for curve in curves])
        x = (0.0, max(episode.duration_s, 1e-3))
        charts.append(Chart(labels[0], x, _range(values), curves, spans=tuple(spans), x_label='s'))
    return sheet(charts)


def curves_of(episode: Episode, panel: Sequence[Place]) -> tuple[Curve, ...]:
    """State, and the action that asks for it; or an action alone."""
    alone = all(track in [t.name for t in episode.actions] for track, _ in panel)
    looks = ((ACTION, True),) if alone else ((STATE, False), (ACTION, True))
    return tuple(
        Curve(*thinned(*episode.number(track, dim)), colour, dashed)
        for (track, dim), (colour, dashed) in zip(panel, looks)
    )


def timing_drawing(stamps: Sequence[Stamps]) -> str:
    """Periods of every topic as histograms: one narrow peak is what one wants to see."""
    charts = []
    for topic in stamps[:_MOST]:
        if len(topic.recorded_ns) < 3:
            continue
        usual = topic.recorded_ns if topic.header_ns is None else topic.header_ns
        middle_ms = float(np.median(np.diff(usual))) * 1e-6
        edges = np.linspace(0.0, max(2.5 * middle_ms, 1e-3), 51)
        bars = []
        for times_ns, colour in ((topic.recorded_ns, '#aab7b8'), (topic.header_ns, STATE)):
            if times_ns is not None:
                inside = np.clip(np.diff(times_ns) * 1e-6, edges[0], edges[-1])
                bars.append(Bars(edges, np.log10(1 + np.histogram(inside, edges)[0]), (colour,)))
        rate = f'{1e3 / middle_ms:.1f} Hz' if middle_ms > 0 else 'no rate'
        high = max(1.2, *(float(b.heights.max()) for b in bars))
        decades = [(0.0, '0')] + [(float(np.log10(1 + 10**k)), str(10**k)) for k in range(7)]
        charts.append(
            Chart(
                f'{topic.topic}, {rate}, {len(usual)} messages',
                (0.0, float(edges[-1])),
                (0.0, high),
                bars=tuple(bars),
                x_label='period [ms]',
                y_ticks=tuple(tick for tick in decades if tick[0] <= high),
            )
        )
    return sheet(charts)


def lengths_drawing(episodes: Sequence[Episode], worst: Sequence[Severity | None]) -> str:
    """Length of every episode, in the colour of its worst finding."""
    colours = tuple(COLOURS[s] if s in (ERROR, WARNING) else FINE for s in worst)
    heights = np.array([episode.duration_s for episode in episodes])
    edges = np.arange(len(episodes) + 1) - 0.5
    x, y = (-0.5, len(episodes) - 0.5), (0.0, max(float(heights.max()), 1e-3))
    return sheet([Chart('s', x, y, bars=(Bars(edges, heights, colours),), x_label='episode')])


def thinned(times_s: Array, values: Array) -> tuple[Array, Array]:
    """At most twice ``_POINTS`` points that keep every extremum: a spike must stay visible."""
    if len(values) <= 2 * _POINTS:
        return times_s, values
    edges = np.linspace(0, len(values), _POINTS + 1).astype(int)
    kept = []
    for a, b in zip(edges, edges[1:]):
        kept += sorted({a + int(np.argmin(values[a:b])), a + int(np.argmax(values[a:b]))})
    return times_s[kept], values[kept]


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


def _spans(finding: Finding) -> list[tuple[float, float, str]]:
    spans = finding.spans
    if not spans and finding.time_s is not None:
        spans = ((finding.time_s, finding.time_s),)
    return [(begin_s, end_s, COLOURS[finding.severity]) for begin_s, end_s in spans]


def _range(values: Array) -> tuple[float, float]:
    """Range of an axis; what hardly moves is a straight line, not the rounding of its numbers."""
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    least = max(0.02, 0.01 * abs(low + high) / 2)
    room = max(0.08 * (high - low), (least - (high - low)) / 2)
    return low - room, high + room
