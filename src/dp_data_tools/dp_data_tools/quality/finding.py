# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One thing that a check has found: how bad, where, when, how much, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Any

from dp_core.errors import ConfigError
from dp_data_tools.quality.advice import ADVICE


class Severity(str, Enum):
    """How bad a finding is.

    ERROR: training on this teaches something wrong, or conversion refuses it.
    WARNING: often harmless, worth a look.
    INFO: a figure worth knowing; nothing is wrong.
    """

    ERROR = 'error'
    WARNING = 'warning'
    INFO = 'info'


ERROR, WARNING, INFO = _ORDER = tuple(Severity)


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        check: which check found it, one of ADVICE, such as ``gap``.
        severity: how bad it is.
        source: the bag or dataset.
        episode: of the source; None where it concerns all of it.
        subject: topic, stream or dimension; empty for the whole episode.
        message: what is the matter, in words, with the measured value.
        time_s: where it begins or is worst, after the start of the episode [s].
        value: what was measured [unit].
        threshold: what is allowed [unit].
        unit: of both.
        spans: when, for plots: (start, end) after the start of the episode [s].
    """

    check: str
    severity: Severity
    source: str
    episode: int | None
    subject: str
    message: str
    time_s: float | None = None
    value: float | None = None
    threshold: float | None = None
    unit: str = ''
    spans: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if self.check not in ADVICE:
            raise ConfigError(f'check {self.check!r} has no advice; valid: {list(ADVICE)}')

    @property
    def advice(self) -> str:
        """What to do about it."""
        return ADVICE[self.check]

    def as_warning(self) -> Finding:
        """The same, a warning at most."""
        return dataclasses.replace(self, severity=WARNING) if self.severity is ERROR else self

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        data = dataclasses.asdict(self)
        data.update(severity=self.severity.value, spans=[list(s) for s in self.spans])
        return {**data, 'advice': self.advice}


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by severity, then by place and time."""

    def key(finding: Finding) -> tuple[int, str, int, float]:
        episode = -1 if finding.episode is None else finding.episode
        time_s = -1.0 if finding.time_s is None else finding.time_s
        return _ORDER.index(finding.severity), finding.source, episode, time_s

    return sorted(findings, key=key)


def count(findings: Iterable[Finding], severity: Severity) -> int:
    """How many findings are of a severity."""
    return sum(finding.severity is severity for finding in findings)
