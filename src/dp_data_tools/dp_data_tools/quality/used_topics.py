# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag count: those that a contract observes, and those that carry commands."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Sequence
from pathlib import Path
import re

from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.finding import Finding

# A topic with one of these words in its name carries commands, where nobody names it.
_COMMAND = re.compile(
    r'(?:^|[/_])(?:command|commanded|cmd|leader|target|goal|desired|reference|setpoint|action)s?'
    r'\d*(?=[/_]|$)'
)
_ACTIONS = 'action'  # what findings on all commands together are about


def absolute(topic: str) -> str:
    """Name of a topic with its slash."""
    return '/' + topic.lstrip('/')


def is_command(topic: str) -> bool:
    """Whether a topic carries commands, by the words of its name."""
    return _COMMAND.search(topic.lower()) is not None


def observed_topics(contract: Contract, recorded: Collection[str]) -> set[str]:
    """Topics that a contract observes, of those recorded: a camera may be there compressed."""
    found = {absolute(stream.topic) for stream in contract.observations if stream.topic}
    for stream in contract.images:
        topic = absolute(stream.topic)
        if topic not in recorded and f'{topic}/compressed' in recorded:
            found = found - {topic} | {f'{topic}/compressed'}
    return found


class UsedTopics:
    """What is made of the topics of one bag.

    Attributes:
        commands: those that carry commands: the ones that are named, or else told by their names,
            unless a contract observes them.
    """

    def __init__(
        self, path: Path, recorded: Sequence[str], named: Sequence[str], contract: Contract | None
    ) -> None:
        """Look at the topics with messages of the bag at ``path``.

        Raises:
            DatasetError: it has no messages on a topic that is ``named``.
        """
        self.commands = {absolute(name) for name in named}
        if missing := sorted(self.commands - {*recorded}):
            raise DatasetError(f'{path} has no messages on {missing}; it has {[*recorded]}')
        observed = set() if contract is None else observed_topics(contract, recorded)
        self._all = {*recorded} if contract is None else observed | self.commands
        if not named:
            self.commands = {name for name in recorded if is_command(name)} - observed

    def among(self, topics: Collection[str]) -> set[str]:
        """Which topics a contract or a person uses; without a contract, all of them."""
        return self._all & {*topics}


def spared(
    findings: Sequence[Finding],
    episodes: Sequence[Episode],
    contract: Contract,
    commands: Sequence[str],
) -> list[Finding]:
    """The findings; those on topics of bags that nobody uses are warnings at most.

    Args:
        findings: on the episodes.
        episodes: of bags; of datasets all findings stay as they are.
        contract: uses its observations.
        commands: topics that are used as well.
    """
    recorded = {stamps.topic for episode in episodes for stamps in episode.stamps}
    if not recorded:
        return list(findings)
    used = {absolute(name) for name in commands}
    for episode in episodes:
        names = {_without_device(stamps.topic) for stamps in episode.stamps}
        used |= observed_topics(contract, names)
    unused = {name for name in recorded if _without_device(name) not in used}
    unused |= set() if commands else {_ACTIONS}  # of topics that are told by their names
    known = recorded | {_ACTIONS}
    return [f.as_warning() if _place(f.subject, known) in unused else f for f in findings]


def _place(subject: str, known: Collection[str]) -> str:
    """Which of the names known a subject begins with: ``/commands`` of ``/commands/a``."""
    fitting = [name for name in known if subject == name or subject.startswith(f'{name}/')]
    return max(fitting, key=len, default='')


def _without_device(topic: str) -> str:
    """Topic of one of the devices that share it."""
    return topic.partition('[')[0]
