# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A dataset in the other format, all or nothing: it appears by a rename."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import shutil
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_core.replay_buffer import save_dataset
from dp_data_tools.dataset_folder import CONVERSION_FILE
from dp_data_tools.dataset_folder import Dataset
from dp_data_tools.dataset_folder import EPISODES_FILE
from dp_data_tools.lerobot.codecs import codec_of
from dp_data_tools.lerobot.codecs import DEFAULT
from dp_data_tools.lerobot.features import whole_rate
from dp_data_tools.lerobot.layout import META
from dp_data_tools.lerobot.packages import package
from dp_data_tools.lerobot.write import write_lerobot
from dp_data_tools.on_disk import publish
from dp_data_tools.working_folder import working_folder
import yaml

FORMATS = ('zarr', 'lerobot')


@dataclass(frozen=True)
class Form:
    """How a dataset is written.

    Attributes:
        formats: of FORMATS; with both, one folder is both.
        pictures: how LeRobot gets them, of `lerobot.codecs.PICTURES`.
        task: of the episodes that do not say theirs, for LeRobot.
        zipped: store the arrays of zarr in one zip file.
    """

    formats: tuple[str, ...] = ('zarr',)
    pictures: str = DEFAULT
    task: str = ''
    zipped: bool = False

    def require(self, contract: Contract, tasks: Sequence[str] = ('',)) -> None:
        """Raise an error before long work where a dataset of ``contract`` cannot be written.

        Args:
            contract: of the dataset.
            tasks: of its episodes, '' where it is not known.

        Raises:
            ConfigError: a package or the task is missing, or ``pictures`` is no way to store them.
            ContractError: LeRobot cannot have its rate.
        """
        if 'lerobot' in self.formats:
            tasks_of(contract, tasks, self.task)
            codec_of(self.pictures)
            whole_rate(contract)
            for module in ('pyarrow', 'av'):
                package(module)


def export(
    dataset: Dataset,
    output: Path,
    form: Form,
    on_rows: Callable[[int], object] = lambda count: None,
) -> None:
    """Write a dataset anew.

    Args:
        dataset: open.
        output: a folder that does not exist yet.
        form: how.
        on_rows: called with the number of rows that LeRobot has got since the last call.

    Raises:
        DatasetError: it cannot be written; nothing is left then.
    """
    form.require(dataset.contract, dataset.tasks)
    with working_folder(output, 'exporting') as work:
        try:
            _clear(work)
            write(work / 'dataset', dataset, form, on_rows)
            publish(work / 'dataset', output)
        except OSError as error:
            raise DatasetError(
                f'cannot write {error.filename or output}: {error.strerror or error}; nothing of '
                'it is kept'
            ) from error
        finally:
            _clear(work)


def write(
    folder: Path,
    dataset: Dataset,
    form: Form,
    on_rows: Callable[[int], object] = lambda count: None,
) -> None:
    """Write a dataset, and what is known of its episodes, into a new folder."""
    papers = {EPISODES_FILE: _entries(dataset), CONVERSION_FILE: dataset.conversion}
    contract, buffer = dataset.contract, dataset.buffer
    if 'zarr' in form.formats:
        save_dataset(folder, contract, buffer, form.zipped)
        _save(folder, papers)
    if 'lerobot' in form.formats:
        tasks = tasks_of(contract, dataset.tasks, form.task)
        write_lerobot(folder, contract, buffer, tasks, form.pictures, on_rows)
        _save(folder / META, papers)


def tasks_of(contract: Contract, known: Sequence[str], task: str = '') -> list[str]:
    """Task of each episode; LeRobot wants one.

    Args:
        contract: its only task, or its name where it has none, is that of the others.
        known: of each episode, '' where it is not.
        task: for those where it is not known.

    Raises:
        ConfigError: the contract has several, and nothing says which.
    """
    if not task and not all(known) and len(contract.tasks) > 1:
        raise ConfigError(
            f'contract {contract.name!r} has tasks {list(contract.tasks)}, and the episodes do '
            'not say theirs; name the one of all with --task'
        )
    return [name or task or next(iter(contract.tasks), contract.name) for name in known]


def _entries(dataset: Dataset) -> list[dict[str, Any]]:
    """What is known of each episode, with its task."""
    start, entries = 0, []
    for number, end in enumerate(map(int, dataset.buffer.episode_ends)):
        origin = {'bag': dataset.path.resolve().name, 'episode': number, 'frames': end - start}
        entry = dict(dataset.origins[number]) if dataset.origins else origin
        if dataset.tasks[number]:
            entry['task'] = dataset.tasks[number]
        entries.append(entry)
        start = end
    return entries


def _save(folder: Path, papers: dict[str, Any]) -> None:
    for name, content in papers.items():
        if content:
            text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
            (folder / name).write_text(text, encoding='utf-8')


def _clear(folder: Path) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry)
