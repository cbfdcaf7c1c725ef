# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a conversion makes of a bag, and the name of the result: same name, same content."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
import hashlib
import json
from pathlib import Path

import dp_core
from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_data_tools.bag_files import state_of
from dp_data_tools.idle import IdleRules
from dp_data_tools.topics import ActionSource


@dataclass(frozen=True)
class Plan:
    """What to make of each bag.

    Attributes:
        contract: streams, actions and timing.
        sources: where the actions of each group come from.
        idle: what is rest; with ``split_s`` a longer rest, or a longer silence of the actions,
            ends an episode.
        markers: topics that say where episodes begin and end; none: a bag is one episode.
        reader: which library reads bags, of `dp_data_tools.open_bag.READERS`.
    """

    contract: Contract
    sources: tuple[ActionSource, ...]
    idle: IdleRules
    markers: tuple[str, ...] = ()
    reader: str = 'auto'

    @property
    def splits(self) -> bool:
        """Whether a bag may hold several episodes."""
        return bool(self.markers or self.idle.split_s)

    def to_dict(self) -> dict[str, object]:
        """Plain data."""
        return {
            'actions': {
                group.name: {'kind': source.kind, 'topic': source.stream.topic}
                for group, source in zip(self.contract.actions, self.sources)
            },
            'idle': dataclasses.asdict(self.idle),
            'markers': list(self.markers),
        }

    def part_name(self, bag: Path) -> str:
        """Name of what this plan makes of a bag as it is now.

        Raises:
            OSError: the bag cannot be looked at.
            DatasetError: the code cannot be read.
        """
        facts = [
            code_hash(),
            self.to_dict(),
            self.contract.to_dict(),
            str(bag.resolve()),
            state_of(bag),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


@cache
def code_hash() -> str:
    """Hash of the code that makes something of a bag: what other code has made is not mixed in.

    Raises:
        DatasetError: it cannot be read; an OSError would be taken for one of a bag.
    """
    digest = hashlib.sha256()
    for file in code_files():
        try:
            digest.update(file.name.encode() + b'\0' + file.read_bytes())
        except OSError as error:
            raise DatasetError(f'cannot read {file} of this program: {error.strerror}') from error
    return digest.hexdigest()


def code_files() -> list[Path]:
    """Modules that may decide what becomes of a bag; not what editors hide beside them."""
    core, tools = Path(dp_core.__file__).parent, Path(__file__).parent
    beside = [tools / 'ros' / 'picture_bridge.py']
    return [*sorted(core.glob('[!.]*.py')), *sorted(tools.glob('[!.]*.py')), *beside]
