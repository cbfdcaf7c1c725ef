# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings -> one dataset folder, all or nothing.

.demo.converting/<hash>/   what has been made of a bag; kept when a conversion is killed
.demo.converting/dataset/  the dataset while it is being written
demo/                      the dataset: the last thing that happens is its renaming
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
import re
import shutil
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_core.replay_buffer import ReplayBuffer
from dp_data_tools.bag_files import find_bags
from dp_data_tools.bag_files import names_of
from dp_data_tools.bag_pool import bag_bytes
from dp_data_tools.bag_pool import convert_bags
from dp_data_tools.bag_pool import NO_BAG
from dp_data_tools.bag_pool import Results
from dp_data_tools.bag_pool import Task
from dp_data_tools.dataset_folder import Dataset
from dp_data_tools.drop_list import Drop
from dp_data_tools.drop_list import Drops
from dp_data_tools.export import Form
from dp_data_tools.export import write
from dp_data_tools.on_disk import publish
from dp_data_tools.outcome import task_of
from dp_data_tools.outcome import why_not
from dp_data_tools.part_store import is_whole
from dp_data_tools.part_store import Pieces
from dp_data_tools.part_store import read_facts
from dp_data_tools.part_store import stored_rows
from dp_data_tools.plan import Plan
from dp_data_tools.ray_pool import convert_bags_on_ray
from dp_data_tools.working_folder import working_folder
import numpy as np

ZARR = Form()


@dataclass
class Report:
    """What became of the bags.

    Attributes:
        episodes: of the dataset, in order, as `episodes.yaml` says.
        failures: ``bag``, ``episode`` (None: the whole bag) and ``reason`` of what went wrong.
        left_out: likewise, of what a drop list, an outcome, a marker or its length excludes.
        recorded_s: length of the bags that were read now [s].
        found_again: bags that a killed conversion had finished.
        outdated: bags that it had finished, but for another contract, other arguments or content,
            by other code, or not whole on the disk.
        unused_drops: entries of the drop list that name nothing here.
    """

    episodes: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    recorded_s: float = 0.0
    found_again: int = 0
    outdated: int = 0
    unused_drops: tuple[Drop, ...] = ()


def convert(
    paths: Sequence[Path],
    plan: Plan,
    output: Path,
    drops: tuple[Drop, ...] = (),
    workers: int = 1,
    form: Form = ZARR,
    ray: str | None = None,
    on_start: Callable[[int], None] = lambda total_bytes: None,
    on_bytes: Callable[[int], None] = lambda count: None,
    outcome: str | None = None,
) -> Report:
    """Write dataset folder ``output`` with the episodes of all bags that can be used.

    Args:
        paths: bags and folders of bags.
        plan: what to make of each bag.
        output: a folder that does not exist yet.
        drops: episodes not to take.
        workers: processes.
        form: how the dataset is written.
        ray: address of a Ray cluster that does the work instead of processes here.
        on_start: called with the size of the bags that are to be read.
        on_bytes: called with the number of bytes that were read since the last call.
        outcome: take only bags in which the recorder has stored it.

    Returns:
        What became of each bag. There is a dataset if there are episodes.

    Raises:
        DatasetError: no dataset can be written; what was finished is kept for the next attempt.
    """
    bags = find_bags(paths)
    dropped = Drops(drops, bags)
    whole = _left_out(bags, dropped, outcome)
    with working_folder(output, 'converting') as work:
        try:
            wanted = [bag for bag in bags if bag not in whole]
            parts, errors = _parts(wanted, plan, work)
            report, facts = _made_before(work, parts, plan.contract)
            left = [bag for bag in wanted if bag not in facts and bag not in errors]
            tasks = [Task(bag, parts.get(bag, work / NO_BAG)) for bag in left]
            on_start(sum(bag_bytes(task.bag) for task in tasks))
            made = _results(tasks, plan, workers, ray, on_bytes)
            errors.update(_collect(made, facts, report))
            report.left_out += [_entry(bag, None, why) for bag, why in whole.items()]
            names = names_of(bags)
            chosen = _choose({bag: names[bag] for bag in wanted}, facts, errors, dropped, report)
            if report.episodes:
                _write(work / 'dataset', plan, chosen, parts, report, _told(report, names), form)
                publish(work / 'dataset', output)
            shutil.rmtree(work)
        except OSError as error:
            done = sum(read_facts(part) is not None for part in work.iterdir())
            raise DatasetError(
                f'cannot write {error.filename or output}: {error.strerror or error}; {done} '
                f'finished bags stay in {work} and are used when the same command runs again'
            ) from error
    return report


def _left_out(bags: Sequence[Path], drops: Drops, outcome: str | None) -> dict[Path, str]:
    """Bags that are not read, and why."""
    whole = {}
    for bag in bags:
        why = drops.reason(bag, None) or (why_not(bag, outcome) if outcome else None)
        if why is not None:
            whole[bag] = why
    return whole


def _parts(
    bags: Sequence[Path], plan: Plan, work: Path
) -> tuple[dict[Path, Path], dict[Path, DatasetError]]:
    """Where what is made of each bag is kept; and the bags that cannot be looked at, and why."""
    parts: dict[Path, Path] = {}
    errors: dict[Path, DatasetError] = {}
    for bag in bags:
        try:
            if bag.exists():
                parts[bag] = work / plan.part_name(bag)
        except OSError as error:
            errors[bag] = DatasetError(f'cannot read bag {bag}: {error.strerror or error}')
    return parts, errors


def _made_before(
    work: Path, parts: dict[Path, Path], contract: Contract
) -> tuple[Report, dict[Path, Any]]:
    """What a killed conversion left, less what belongs to something else or is not whole."""
    facts = {
        bag: found
        for bag, part in parts.items()
        if (found := read_facts(part)) and is_whole(part, contract, found['rows'])
    }
    report = Report(found_again=len(facts))
    kept = {parts[bag].name for bag in facts}
    for entry in work.iterdir():
        if entry.name not in kept:
            report.outdated += read_facts(entry) is not None
            shutil.rmtree(entry)
    return report, facts


def _results(
    tasks: Sequence[Task],
    plan: Plan,
    workers: int,
    ray: str | None,
    on_bytes: Callable[[int], None],
) -> Results:
    if ray:
        return convert_bags_on_ray(tasks, plan, ray, on_bytes)
    return convert_bags(tasks, plan, workers, on_bytes)


def _collect(made: Results, facts: dict[Path, Any], report: Report) -> dict[Path, DatasetError]:
    """Add the facts of the parts that are made; return what went wrong with the other bags."""
    errors: dict[Path, DatasetError] = {}
    for task, result in made:
        if isinstance(result, DatasetError):
            errors[task.bag] = result
        else:
            facts[task.bag] = result
            report.recorded_s += result['recorded_s']
    return errors


def _choose(
    names: Mapping[Path, str],
    facts: dict[Path, Any],
    errors: dict[Path, DatasetError],
    drops: Drops,
    report: Report,
) -> list[tuple[Path, int, int]]:
    """Bag, first and end row of each episode of the dataset; the rest goes to the report."""
    chosen = []
    for bag in names:
        if bag in errors:
            report.failures.append(_entry(bag, None, str(errors[bag])))
            continue
        for kind in ('failures', 'left_out', 'episodes'):
            for entry in facts[bag][kind]:
                number = entry['episode']
                why = drops.reason(bag, number)
                if why is not None:
                    report.left_out.append(_entry(bag, number, why))
                elif kind != 'episodes':
                    getattr(report, kind).append(_entry(bag, number, entry['reason']))
                else:
                    about = {key: value for key, value in entry.items() if key != 'first_row'}
                    sizes = {'picture_sizes': facts[bag]['picture_sizes']}
                    report.episodes.append({'bag': names[bag], **about, **sizes})
                    first = entry['first_row']
                    chosen.append((bag, first, first + entry['frames']))
    report.unused_drops = drops.unused
    return chosen


def _entry(bag: Path, episode: int | None, reason: str) -> dict[str, Any]:
    return {'bag': str(bag), 'episode': episode, 'reason': reason}


def _write(
    folder: Path,
    plan: Plan,
    chosen: Sequence[tuple[Path, int, int]],
    parts: dict[Path, Path],
    report: Report,
    told: Mapping[str, Any],
    form: Form,
) -> None:
    """Join the episodes to a dataset."""
    names = [*(s.name for s in plan.contract.observations), 'action']
    data: dict[str, Any] = {
        name: Pieces(
            [stored_rows(parts[bag], plan.contract, name, *rows) for bag, *rows in chosen]
        )
        for name in names
    }
    lengths = [end - first for _, first, end in chosen]
    ends = np.cumsum(lengths, dtype=np.int64)
    # Training repeats the last action of an episode: where the arm was still moving, that would
    # teach to stop there.
    cut = np.array([episode['ends_moving'] for episode in report.episodes], dtype=np.bool_)
    buffer = ReplayBuffer(data, ends, cut)
    tasks = [task_of(bag) for bag, _, _ in chosen]
    about = {**plan.to_dict(), **told}
    write(folder, Dataset(folder, plan.contract, buffer, report.episodes, about, tasks), form)


def _told(report: Report, names: Mapping[Path, str]) -> dict[str, Any]:
    """What did not become an episode; bags by name, a dataset is the same everywhere."""
    known = {str(bag): name for bag, name in names.items()}

    def nameless(entry: dict[str, Any]) -> dict[str, Any]:
        name = known[entry['bag']]
        return {**entry, 'bag': name, 'reason': _renamed(entry['reason'], entry['bag'], name)}

    return {
        'failures': [nameless(entry) for entry in report.failures],
        'left_out': [nameless(entry) for entry in report.left_out],
    }


def _renamed(reason: str, path: str, name: str) -> str:
    """Reason with the name of a bag in the place of its path.

    A path of one word, such as ``a`` or ``.``, may stand for anything but where it is said to be a
    bag, or goes on.
    """
    word = re.escape(path)
    whole = rf'(?<![\w./-]){word}(?![\w-]|\.\w)'
    if '/' not in path:
        whole = rf'(?<=\bbag ){word}(?=[:\s])|(?<![\w./-]){word}(?=/)'
    return re.sub(whole, lambda _: name, reason)
