# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings -> one dataset folder, all or nothing; one episode per bag."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
import shutil

from dp_core.contract import Contract
from dp_core.decode import decode
from dp_core.errors import DatasetError
from dp_core.errors import ObservationError
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.resample import Episode
from dp_data_tools.resample import Resampler
from dp_data_tools.topics import ActionSource
from dp_data_tools.topics import match_topics
import numpy as np
import yaml

EPISODES_FILE = 'episodes.yaml'


def convert(
    bags: Sequence[Path],
    contract: Contract,
    sources: Sequence[ActionSource],
    output: Path,
    on_episode: Callable[[Path, Episode], None],
    zipped: bool = False,
) -> None:
    """Write dataset folder ``output`` with one episode per bag, in the order given.

    Args:
        bags: recordings.
        contract: streams, actions and timing.
        sources: where the actions of each group come from.
        output: a folder that does not exist yet.
        on_episode: called after each bag.
        zipped: store the arrays in one zip file.

    Raises:
        DatasetError: names the bag and what is wrong with it; nothing is left behind.
    """
    if output.exists():
        raise DatasetError(f'{output} exists already; choose another name or remove it')
    doubled = [str(bag) for bag in bags if [b.resolve() for b in bags].count(bag.resolve()) > 1]
    if doubled:
        raise DatasetError(f'bags {doubled} are given more than once')
    episodes = []
    for bag in bags:
        try:
            episodes.append(read_episode(bag, contract, sources))
        except DatasetError as error:
            raise DatasetError(f'{bag}: {error}') from error
        on_episode(bag, episodes[-1])
    lengths = [len(episode.ticks_ns) for episode in episodes]
    buffer = ReplayBuffer(
        {name: np.concatenate([e.data[name] for e in episodes]) for name in episodes[0].data},
        np.cumsum(lengths, dtype=np.int64),
        np.zeros(len(episodes), dtype=np.bool_),
    )
    partial = output.with_name(output.name + '.converting')
    shutil.rmtree(partial, ignore_errors=True)
    try:
        save_dataset(partial, contract, buffer, zipped)
        text = yaml.safe_dump([_summary(*pair) for pair in zip(bags, episodes)], sort_keys=False)
        (partial / EPISODES_FILE).write_text(text, encoding='utf-8')
        partial.rename(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def read_episode(bag: Path, contract: Contract, sources: Sequence[ActionSource]) -> Episode:
    """Read and resample one bag.

    Raises:
        DatasetError: the bag is damaged, lacks a topic, holds a message that cannot be decoded,
            or a stream has a gap.
    """
    resampler = Resampler(contract, sources)
    with BagReader(bag) as reader:
        wanted = [*contract.observations, *(source.stream for source in sources)]
        streams = match_topics(wanted, reader.topics)
        readers = {
            topic: [s for s in streams.values() if s.topic == topic]
            for topic in {s.topic for s in streams.values()}
        }
        for topic, recorded_ns, message in reader.messages(readers):
            for stream in readers[topic]:
                try:
                    event_ns, value = decode(stream, message)
                except ObservationError as error:
                    raise DatasetError(f'{error}, recorded at {recorded_ns * 1e-9:.3f}') from error
                resampler.push(stream.name, event_ns, recorded_ns, value)
    return resampler.finish()


def _summary(bag: Path, episode: Episode) -> dict[str, object]:
    return {
        'bag': bag.resolve().name,
        'frames': len(episode.ticks_ns),
        'first_ns': int(episode.ticks_ns[0]),
        'last_ns': int(episode.ticks_ns[-1]),
        'reordered_messages': episode.reordered,
        'stopped_streams': list(episode.stopped),
    }
