# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Small charts as SVG text: many of them on a page must not take a minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor
from math import log10

from dp_data_tools.quality.episode import Array
import numpy as np

WIDTH = 1140
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 20, 26


@dataclass(frozen=True)
class Curve:
    """A line through points; ``x`` and ``y`` are (N,)."""

    x: Array
    y: Array
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Bars:
    """Bars between ``edges`` (N + 1,) of ``heights`` (N,), in one colour or one for each."""

    edges: Array
    heights: Array
    colours: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """One chart.

    Attributes:
        title: above it.
        x: range.
        y: range.
        curves, bars: what is drawn.
        spans: (begin, end, colour) along x.
        x_label: below the axis.
        y_ticks: (value, words); empty for round numbers.
    """

    title: str
    x: tuple[float, float]
    y: tuple[float, float]
    curves: tuple[Curve, ...] = ()
    bars: tuple[Bars, ...] = ()
    spans: tuple[tuple[float, float, str], ...] = ()
    x_label: str = ''
    y_ticks: tuple[tuple[float, str], ...] = ()


def sheet(charts: Sequence[Chart], columns: int = 3, height: int = 130) -> str:
    """SVG with charts side by side; empty without charts."""
    if not charts:
        return ''
    columns = min(columns, len(charts))
    lines = -(-len(charts) // columns)
    body = ''.join(
        f'<g transform="translate({k % columns * WIDTH // columns} {k // columns * height})">'
        f'{_chart(chart, WIDTH // columns, height)}</g>'
        for k, chart in enumerate(charts)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {lines * height}" '
        f'font-family="sans-serif" font-size="10">{body}</svg>'
    )


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers between two numbers: about ``count`` of them, 1, 2 or 5 apart."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first = int(np.ceil(low / step - 1e-9))
    last = int(np.floor(high / step + 1e-9))
    return [k * step for k in range(first, last + 1)]


def _chart(chart: Chart, width: int, height: int) -> str:
    right, bottom = width - _RIGHT, height - _BOTTOM
    (x0, x1), (y0, y1) = chart.x, chart.y
    across, up = (right - _LEFT) / max(x1 - x0, 1e-12), (bottom - _TOP) / max(y1 - y0, 1e-12)

    def px(x: float) -> float:
        return _LEFT + (min(max(x, x0), x1) - x0) * across

    def py(y: float) -> float:
        return bottom - (min(max(y, y0), y1) - y0) * up

    parts = [f'<text x="{_LEFT}" y="{_TOP - 7}" fill="#445566">{escape(chart.title)}</text>']
    for value, words in chart.y_ticks or [(t, f'{t:.6g}') for t in ticks(y0, y1, 3)]:
        y = py(value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#e8ecef"/>')
        parts.append(_text(_LEFT - 5, y + 3.5, words, 'end'))
    for value in ticks(x0, x1, 5):
        parts.append(_text(px(value), bottom + 12, f'{value:.6g}', 'middle'))
    parts.append(_text(right, height - 3, chart.x_label, 'end') if chart.x_label else '')
    for begin, end, colour in chart.spans:
        left, wide = px(begin), max(px(end) - px(begin), 2.0)
        for top, tall, opacity in ((_TOP, bottom - _TOP, 0.15), (bottom - 4, 4, 0.85)):
            parts.append(
                f'<rect x="{left:.1f}" y="{top}" width="{wide:.1f}" height="{tall}" '
                f'fill="{colour}" opacity="{opacity}"/>'
            )
    for bars in chart.bars:
        colours = bars.colours * (len(bars.heights) if len(bars.colours) == 1 else 1)
        for a, b, tall, colour in zip(bars.edges, bars.edges[1:], bars.heights, colours):
            wide = 0.94 * (px(b) - px(a))
            if tall > 0:
                parts.append(
                    f'<rect x="{px(a):.1f}" y="{py(tall):.1f}" width="{wide:.1f}" '
                    f'height="{bottom - py(tall):.1f}" fill="{colour}" opacity="0.8"/>'
                )
    for curve in chart.curves:
        points = ' '.join(f'{px(x):.1f},{py(y):.1f}' for x, y in zip(curve.x, curve.y))
        dash = ' stroke-dasharray="4 3"' if curve.dashed else ''
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{curve.colour}" '
            f'stroke-width="1.3"{dash}/>'
        )
    parts.append(f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#8899a6"/>')
    return ''.join(parts)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="#7a8b99">{escape(words)}</text>'
