# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One HTML file that shows what was found: summary, findings, plots, timing and thumbnails."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Pictures
from dp_data_tools.quality.finding import count
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import Severity
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.page import card
from dp_data_tools.quality.page import page
from dp_data_tools.quality.page import rows
from dp_data_tools.quality.plots import ACTION
from dp_data_tools.quality.plots import lengths_drawing
from dp_data_tools.quality.plots import numbers_drawing
from dp_data_tools.quality.plots import STATE
from dp_data_tools.quality.plots import timing_drawing
from dp_data_tools.quality.table import Group
from dp_data_tools.quality.table import group
from dp_data_tools.quality.table import place
import numpy as np

Set = tuple[str, Sequence[Episode], Sequence[Finding]]
_KEY = (
    f'<p class="soft key">State<i style="border-color:{STATE}"></i>, action'
    f'<i style="border-color:{ACTION};border-top-style:dashed"></i>; what was found is shaded.</p>'
)


def report(sets: Sequence[Set], drawn: int = 12) -> str:
    """HTML of everything that was checked.

    Args:
        sets: name, episodes and findings of each dataset, and of all bags together.
        drawn: how many episodes of each are drawn; those with the worst findings first.
    """
    episodes = [episode for _, each, _ in sets for episode in each]
    findings = [finding for _, _, each in sets for finding in each]
    errors, warnings = count(findings, ERROR), count(findings, WARNING)
    seconds = sum(episode.duration_s for episode in episodes)
    verdict = 'Repair this before training.' if errors else 'Nothing speaks against training.'
    if warnings and not errors:
        verdict = 'Nothing is broken; have a look at the warnings.'
    cards = [
        card(str(len(episodes)), 'episodes'),
        card(f'{seconds:.1f} s' if seconds < 120 else f'{seconds / 60:.0f} min', 'recorded'),
        card(str(errors), 'errors', 'error' if errors else 'good'),
        card(str(warnings), 'warnings', 'warning' if warnings else 'good'),
    ]
    body = f'<h1>Data report</h1><p class="lead">{verdict}</p>'
    body += f'<div class="cards">{"".join(cards)}</div>'
    for name, each, found in sets:
        body += _set(name, each, found, drawn)
    return page('Data report', body)


def film_strip(pictures: Pictures, findings: Sequence[Finding] = ()) -> str:
    """Thumbnails of one camera; those with errors are framed."""
    spans = [s for f in findings if f.subject == pictures.name for s in f.spans]
    figures = []
    for time_s, picture in pictures.thumbnails:
        bad = any(begin_s <= time_s <= end_s for begin_s, end_s in spans)
        data = base64.b64encode(picture).decode()
        figures.append(
            f'<figure class="{"error" if bad else ""}">'
            f'<img alt="{escape(pictures.name)} at {time_s:.1f} s" '
            f'src="data:image/jpeg;base64,{data}">{max(0.0, time_s):.1f} s</figure>'
        )
    words = f'<div class="soft">{escape(pictures.name)}'
    words += f', {escape(pictures.formats[0][1])}' if pictures.formats else ''
    return f'{words}</div><div class="strip">{"".join(figures)}</div>' if figures else ''


def _set(name: str, episodes: Sequence[Episode], findings: Sequence[Finding], drawn: int) -> str:
    body = f'<h2>{escape(name)}</h2>'
    body += ''.join(_finding(entry) for entry in group(findings)) or '<p>Nothing was found.</p>'
    by_place: dict[tuple[str, int | None], list[Finding]] = {}
    for finding in findings:
        by_place.setdefault((finding.source, finding.episode), []).append(finding)
    mine = [by_place.get(episode.place, []) for episode in episodes]
    worst = [next((s for s in Severity if any(f.severity is s for f in m)), None) for m in mine]
    if len(episodes) > 1:
        drawing = lengths_drawing(episodes, worst)
        body += f'<h2>Lengths</h2><section>{drawing}{_longest(episodes)}</section>'
    rank = {severity: k for k, severity in enumerate((ERROR, WARNING))}
    order = sorted(range(len(episodes)), key=lambda k: (rank.get(worst[k], 2), k))
    chosen = order[:drawn]
    body += '<h2>Episodes</h2>'
    if len(chosen) < len(episodes):
        words = f'{len(chosen)} of {len(episodes)} episodes, those with the worst findings first.'
        body += f'<p class="soft">{words}</p>'
    body += _KEY
    for k, which in enumerate(chosen):
        opened = k < 3 or worst[which] is ERROR
        body += _episode(episodes[which], mine[which], opened)
    return body


def _finding(entry: Group) -> str:
    worst = entry.findings[0]
    look = worst.severity.value
    subject = f'<b>{escape(worst.subject)}</b> ' if worst.subject else ''
    tag = worst.check.replace('_', ' ')
    where = f' <span class="soft">in {escape(entry.places)}</span>'
    lines = [
        [
            place(finding),
            '' if finding.time_s is None else f'{finding.time_s:.2f} s',
            '' if finding.value is None else f'{finding.value:.4g} {finding.unit}',
            '' if finding.threshold is None else f'{finding.threshold:.4g} {finding.unit}',
        ]
        for finding in entry.findings[:100]
    ]
    return (
        f'<details class="finding {look}"><summary><span class="tag">{tag}</span>'
        f'{subject}{escape(worst.message)}{where}'
        f'<p class="advice">&rarr; {escape(worst.advice)}</p></summary>'
        f'{rows(["where", "when", "measured", "allowed"], lines)}</details>'
    )


def _episode(episode: Episode, findings: Sequence[Finding], opened: bool) -> str:
    names = sorted({f.check for f in findings if f.severity in (ERROR, WARNING)})
    title = f'{episode.source} [{episode.index}]'
    origin = f', from {episode.bag}' if episode.bag and episode.bag not in episode.source else ''
    words = f'{episode.duration_s:.1f} s{origin}' + (f': {", ".join(names)}' if names else '')
    body = numbers_drawing(episode, findings)
    body += ''.join(film_strip(pictures, findings) for pictures in episode.pictures)
    body += _timing(episode) + timing_drawing(episode.stamps)
    return (
        f'<details class="episode" {"open" if opened else ""}><summary><b>{escape(title)}</b> '
        f'<span class="soft">{escape(words)}</span></summary>{body}</details>'
    )


def _timing(episode: Episode) -> str:
    """Rates and delays of all topics."""
    lines = []
    for stamps in episode.stamps:
        recorded_ms = (stamps.recorded_ns - episode.begin_ns) * 1e-6
        span_ms = float(recorded_ms[-1] - recorded_ms[0])
        cells = [stamps.topic, str(len(recorded_ms))]
        cells.append(f'{(len(recorded_ms) - 1) / span_ms * 1e3:.1f} Hz' if span_ms else '')
        longest_ms = float(np.diff(recorded_ms).max()) if len(recorded_ms) > 1 else 0.0
        cells.append(f'{longest_ms:.0f} ms')
        if stamps.header_ns is None:
            cells += ['no stamp', '']
        else:
            way_ms = (stamps.recorded_ns - stamps.header_ns) * 1e-6
            cells += [f'{np.median(way_ms):.1f} ms', f'{np.percentile(way_ms, 99):.1f} ms']
        lines.append(cells)
    head = ['topic', 'messages', 'rate', 'longest pause', 'stamp to recording', '99 %']
    return rows(head, lines) if lines else ''


def _longest(episodes: Sequence[Episode]) -> str:
    lengths = sorted(episode.duration_s for episode in episodes)
    middle = lengths[len(lengths) // 2]
    words = f'{lengths[0]:.1f} to {lengths[-1]:.1f} s, usually {middle:.1f} s.'
    return f'<p class="soft">{words}</p>'
