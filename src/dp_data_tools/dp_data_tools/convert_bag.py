# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One bag -> the rows of its episodes on disk, in one pass and in bounded memory.

Messages are read some hundred at a time, and those that look alike are decoded together. A picture
is only remembered; the resampler says which rows show it, and then it is read and decoded, by
threads, while the next messages are being read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dp_core.contract import Stream
from dp_core.decode import decode_value
from dp_core.decode import event_time_ns
from dp_core.decode import is_other_device
from dp_core.errors import DatasetError
from dp_core.errors import ObservationError
from dp_core.picture import fit_image
from dp_core.picture import full_image
from dp_data_tools.alike import Sample
from dp_data_tools.alike import samples_alike
from dp_data_tools.alike import standing_for
from dp_data_tools.bag_reader import BagReader
from dp_data_tools.markers import BEGIN
from dp_data_tools.markers import DISCARD
from dp_data_tools.markers import meaning
from dp_data_tools.markers import require_markers
from dp_data_tools.open_bag import open_bag
from dp_data_tools.part_store import PartWriter
from dp_data_tools.part_store import TICKS
from dp_data_tools.plan import Plan
from dp_data_tools.raw_message import Fronts
from dp_data_tools.raw_message import RawMessage
from dp_data_tools.resample import NoRowsError
from dp_data_tools.ros.picture_bridge import rare_decoder
from dp_data_tools.run import Run
from dp_data_tools.run import summary_of
from dp_data_tools.topics import match_topics
import numpy as np
from numpy.typing import NDArray

_WAITING_ROWS = 24  # rows whose pictures are being decoded; bounds the memory
_Picture = tuple[tuple[int, ...], NDArray[np.uint8]]  # its size before it was fitted, and it
_Row = tuple[Run, int, dict[str, Any], Future[dict[str, _Picture]]]  # tick, numbers, pictures
_BLOCK_MESSAGES, _BLOCK_BYTES = 512, 1 << 20  # are read at once


def convert_bag(
    bag: Path,
    plan: Plan,
    folder: Path,
    threads: int = 1,
    on_progress: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Write part ``folder`` from a bag.

    Args:
        bag: recording.
        plan: what to make of it.
        folder: the part; it exists afterwards, and whole.
        threads: that decode pictures.
        on_progress: called now and then with the share of the bag that was read.

    Returns:
        The facts of the part, see `dp_data_tools.run.summary_of`.

    Raises:
        DatasetError: the bag cannot be read, or lacks a topic.
        OSError: the part cannot be written.
    """
    with (
        open_bag(bag, plan.reader) as reader,
        PartWriter(folder, plan.contract) as writer,
        ThreadPoolExecutor(threads, 'pictures') as pool,
    ):
        work = _BagConversion(plan, reader, writer, pool)
        whole_ns = max(1.0, reader.duration_s * 1e9)
        for messages in _blocks(reader.raw_messages(work.topics)):
            work.take(messages)
            on_progress(min(1.0, (messages[-1].recorded_ns - reader.start_ns) / whole_ns))
        facts = {**work.finish(), 'recorded_s': round(reader.duration_s, 3)}
        writer.keep(facts)
    return facts


def _blocks(messages: Iterable[RawMessage]) -> Iterator[list[RawMessage]]:
    """Some messages at a time; fewer where they are large."""
    block, size = [], 0
    for raw in messages:
        block.append(raw)
        size += len(raw.head)
        if len(block) == _BLOCK_MESSAGES or size >= _BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


class _BagConversion:
    """The messages of one bag, one after another."""

    def __init__(
        self, plan: Plan, reader: BagReader, writer: PartWriter, pool: ThreadPoolExecutor
    ) -> None:
        recorded = reader.topics
        require_markers(plan.markers, recorded)
        self._plan, self._reader, self._writer, self._pool = plan, reader, writer, pool
        self._streams = match_topics(plan.contract.observations, recorded, plan.sources)
        self._kinds = {name: topic.msgtype for name, topic in recorded.items()}
        self._listeners: dict[str, list[Stream]] = {name: [] for name in plan.markers}
        for stream in self._streams.values():
            self._listeners.setdefault(stream.topic, []).append(stream)
        self._action_topics = {self._streams[s.stream.name].topic for s in plan.sources}
        self._action_ns = 0  # when the newest action of any topic was recorded
        self._rare = {s.name: rare_decoder(s.topic) for s in self._streams.values()}
        self._fronts = Fronts()
        self._sizes: dict[str, tuple[int, ...]] = {}  # camera -> its size in this bag
        self._waiting: deque[_Row] = deque()
        self._runs: list[Run] = []
        self._run: Run | None = None
        if not plan.markers:
            self._begin()

    @property
    def topics(self) -> list[str]:
        """Topics that are read."""
        return list(self._listeners)

    def take(self, messages: Sequence[RawMessage]) -> None:
        """Take the next messages."""
        for raw, samples in zip(messages, self._samples_alike(messages)):
            if raw.topic in self._plan.markers:
                self._mark(raw)
            if self._plan.idle.split_s and raw.topic in self._action_topics:
                self._split_at_silence(raw)
            run = self._run
            if run is None or run.resampler is None or run.failure:
                continue
            try:
                for stream, known in zip(self._listeners[raw.topic], samples):
                    sample = known or self._sample(run, stream, raw)
                    if sample:
                        run.resampler.push(stream.name, sample[0], raw.recorded_ns, sample[1])
            except (ObservationError, DatasetError) as error:
                self._fail(run, error)

    def _samples_alike(self, messages: Sequence[RawMessage]) -> list[list[Sample | None]]:
        """For each message one entry for each stream that listens to it, see `samples_alike`."""
        found: list[list[Sample | None]] = [[] for _ in messages]
        by_topic: dict[str, list[int]] = {}
        for place, raw in enumerate(messages):
            by_topic.setdefault(raw.topic, []).append(place)
        for topic, places in by_topic.items():
            some = [messages[place] for place in places]
            for stream in self._listeners[topic]:
                for place, sample in zip(places, samples_alike(stream, some, self._fronts)):
                    found[place].append(sample)
        return found

    def finish(self) -> dict[str, Any]:
        """Write what is still waiting and sum up."""
        self._end()
        self._write_rows(0)
        arrays = self._writer.arrays()
        return summary_of(self._runs, arrays, self._plan, self._sizes)

    def _sample(self, run: Run, stream: Stream, raw: RawMessage) -> Sample | None:
        """Sample of one message; None where it is of another device."""
        if stream.kind in ('pose', 'wrench'):
            message = self._reader.deserialize(raw)
        else:
            message = self._fronts.read(raw, joints=stream.kind == 'joint_state')
        if is_other_device(stream, message):
            run.others[stream.name] = list(message.name)
            return None
        try:
            event_ns = event_time_ns(stream, message)
            if stream.kind == 'image':
                return event_ns, standing_for(raw)
            return event_ns, decode_value(stream, message)
        except ObservationError as error:
            where = f'recorded at {raw.recorded_ns * 1e-9:.3f}'
            raise ObservationError(f'{error}, {where}') from error

    def _mark(self, raw: RawMessage) -> None:
        message = self._reader.deserialize(raw)
        said = meaning(raw.topic, self._kinds[raw.topic], message)
        if said == BEGIN and self._run is None:
            self._begin()
        elif said and said != BEGIN:
            if said == DISCARD and self._runs:  # the one that runs, or else the last one
                self._runs[-1].discarded = True
            self._end()

    def _split_at_silence(self, raw: RawMessage) -> None:
        """End the run where no action came for longer than the plan allows."""
        before_ns, self._action_ns = self._action_ns, raw.recorded_ns
        silence_s = (raw.recorded_ns - before_ns) * 1e-9
        if before_ns and silence_s > self._plan.idle.split_s and self._run is not None:
            self._end()
            self._begin()

    def _begin(self) -> None:
        def on_row(tick_ns: int, row: dict[str, Any]) -> None:
            shown = {camera.name: row.pop(camera.name) for camera in self._plan.contract.images}
            self._waiting.append((run, tick_ns, row, self._pool.submit(self._pictures, shown)))
            self._write_rows(_WAITING_ROWS)

        run = self._run = Run(len(self._runs), self._plan, on_row)
        self._runs.append(run)

    def _end(self) -> None:
        run, self._run = self._run, None
        if run is None or run.resampler is None:
            return
        try:
            if not run.failure:
                run.remarks = run.resampler.finish()
        except DatasetError as error:
            run.is_empty = isinstance(error, NoRowsError)
            self._fail(run, error)
        run.resampler = None  # a bag may have any number of runs

    def _fail(self, run: Run, error: Exception) -> None:
        """Note why a run became no episode, with the topics of the streams it speaks of."""
        text = str(error)
        for name, stream in self._streams.items():
            if repr(name) in text:
                text += f' [{name!r} is topic {stream.topic}]'
            if repr(name) in text and name in run.others:
                text += f' [{stream.topic} names the joints {run.others[name]}]'
        run.failure = run.failure or text

    def _pictures(self, shown: dict[str, RawMessage]) -> dict[str, _Picture]:
        """Pictures of one row, by camera (in a thread)."""
        return {name: self._picture(self._streams[name], raw) for name, raw in shown.items()}

    def _picture(self, stream: Stream, raw: RawMessage) -> _Picture:
        try:
            image = full_image(stream, self._reader.deserialize(raw), self._rare[stream.name])
            return image.shape[:2], fit_image(stream, image)
        except ObservationError as error:
            where = f'recorded at {raw.recorded_ns * 1e-9:.3f}'
            raise ObservationError(f'{error}, {where}') from error

    def _write_rows(self, waiting: int) -> None:
        """Write the oldest rows until only so many wait."""
        while len(self._waiting) > waiting:
            run, tick_ns, row, pictures = self._waiting.popleft()
            try:
                for camera, (size, picture) in pictures.result().items():
                    self._require_size(camera, size, tick_ns)
                    row[camera] = picture
            except (ObservationError, DatasetError) as error:
                self._fail(run, error)
            if not run.failure:
                run.note_row(self._writer.rows)
                self._writer.append({**row, TICKS: np.array(tick_ns)})

    def _require_size(self, camera: str, size: tuple[int, ...], tick_ns: int) -> None:
        known = self._sizes.setdefault(camera, size)
        if size != known:
            raise DatasetError(
                f'pictures of {camera!r} change from {known[1]} x {known[0]} to '
                f'{size[1]} x {size[0]} pixel at {tick_ns * 1e-9:.3f}; split the recording there'
            )
