# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Findings as a table for a terminal: one entry for each kind, however many episodes have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
import textwrap

from dp_data_tools.quality.finding import count
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import Severity

_COLOURS = {Severity.ERROR: '31;1', Severity.WARNING: '33', Severity.INFO: '36'}
_NAMED = 4


@dataclass(frozen=True)
class Group:
    """The same finding in several episodes; ``findings[0]`` has the largest value."""

    findings: tuple[Finding, ...]

    @property
    def places(self) -> str:
        """Where, in a few words."""
        names = list(dict.fromkeys(place(finding) for finding in self.findings))
        more = f' and {len(names) - _NAMED} more' if len(names) > _NAMED else ''
        return ', '.join(names[:_NAMED]) + more


def group(findings: Sequence[Finding]) -> list[Group]:
    """Gather findings of one check and subject, in the order of the first of each."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.severity.value, finding.check, finding.subject)
        groups.setdefault(key, []).append(finding)
    return [
        Group(tuple(sorted(found, key=lambda f: -abs(f.value or 0.0))))
        for found in groups.values()
    ]


def place(finding: Finding) -> str:
    """Name of the source with its folder, and the episode where it has several."""
    name = '/'.join(PurePath(finding.source).parts[-2:])
    return name if finding.episode is None else f'{name}[{finding.episode}]'


def summary(episodes: int, findings: Sequence[Finding]) -> str:
    """One line: how many episodes, and what was found."""
    errors = count(findings, Severity.ERROR)
    warnings = count(findings, Severity.WARNING)
    words = [
        f'{number} {name}{"" if number == 1 else "s"}'
        for number, name in ((episodes, 'episode'), (errors, 'error'), (warnings, 'warning'))
    ]
    return ', '.join(words)


def table(findings: Sequence[Finding], width: int = 100, colour: bool = False) -> str:
    """Lines of text, at most ``width`` wide (and at least 60)."""
    groups = group(findings)
    checks = max((len(g.findings[0].check) for g in groups), default=0)
    left = len('warning') + 2 + checks + 2
    room = max(60, width) - left
    lines = []
    for entry in groups:
        worst = entry.findings[0]
        when = '' if worst.time_s is None else f' at {worst.time_s:.2f} s'
        where = f'{worst.subject}: ' if worst.subject else ''
        head = f'{worst.severity.value:7}'
        if colour:
            head = f'\x1b[{_COLOURS[worst.severity]}m{head}\x1b[0m'
        parts = [f'{where}{worst.message}{when}']
        several = f'{len(entry.findings)} of these, worst first: '
        parts.append((several if len(entry.findings) > 1 else 'in ') + entry.places)
        if worst.severity is not Severity.INFO:
            parts.append(f'-> {worst.advice}')
        text = [line for part in parts for line in textwrap.wrap(part, room)]
        lines.append(f'{head}  {worst.check:{checks}}  {text[0]}')
        lines += [' ' * left + line for line in text[1:]]
    return '\n'.join(lines)
