# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Makes whole bags of what a killed recording left: index, summary and metadata.yaml.

Each file is written anew beside the old one, which is deleted only when the new one is whole on
the disk, and kept where it is damaged and not only cut short, or holds what no bag of rosbag2
has. So a recovery may itself be killed, or find no room, and be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import os
from pathlib import Path
import sqlite3

from dp_core.errors import DatasetError
from dp_core.errors import RecordingError
from dp_data_tools.bag_files import find_bags
from dp_data_tools.bag_files import storage_files
from dp_data_tools.recording.bag_metadata import bag_information
from dp_data_tools.recording.bag_metadata import FileCount
from dp_data_tools.recording.bag_metadata import METADATA_FILE
from dp_data_tools.recording.bag_metadata import read_metadata
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.bag_metadata import write_metadata
from dp_data_tools.recording.episode_folder import claimed
from dp_data_tools.recording.episode_folder import FACTS_FILE
from dp_data_tools.recording.episode_folder import final_name
from dp_data_tools.recording.episode_folder import read_facts
from dp_data_tools.recording.episode_folder import sync
from dp_data_tools.recording.episode_folder import unfinished
from dp_data_tools.recording.episodes import UNMARKED
from dp_data_tools.recording.mcap_file import McapFile
from dp_data_tools.recording.salvage import Salvage
from dp_data_tools.recording.writing_process import writing_process
import yaml

_NEW = '.recovered'  # suffix of a file that is not whole yet
DAMAGED = '.damaged'  # suffix of a file that may hold more than was recovered
_COMPRESSED = b'\x28\xb5\x2f\xfd'  # what zstd has made begins so, and a message never


@dataclass(frozen=True)
class Recovered:
    """A bag that is whole again.

    Attributes:
        path: its folder.
        messages: that it has.
        duration_s: between the first and the last of them [s].
        loss: what could not be read, in words; empty for nothing.
    """

    path: Path
    messages: int
    duration_s: float
    loss: str


def candidates(folder: Path) -> list[Path]:
    """Folders to be recovered: the unfinished episodes in ``folder``, or else ``folder`` itself.

    Raises:
        RecordingError: there is no such folder, or it is a whole bag, or it is the folder of
            several recordings whose files lie loose in it.
    """
    if not folder.is_dir():
        raise RecordingError(f'{folder} is not a folder')
    if final_name(folder):
        return [folder]
    if parts := unfinished(folder):
        return parts
    if (folder / METADATA_FILE).exists():
        raise RecordingError(f'{folder} has its {METADATA_FILE}: it is whole, nothing to recover')
    try:
        found = find_bags([folder])
    except DatasetError:  # there is no recording in it
        return []
    loose = [bag for bag in found if bag == folder or (bag.parent == folder and not bag.is_dir())]
    if loose and found != [folder]:
        raise RecordingError(
            f'{folder} holds several recordings, some as loose files: move each into a folder of '
            'its own'
        )
    return loose


def recover(folder: Path) -> Recovered:
    """Make a bag of an unfinished folder; one of our recorder then gets its final name.

    Raises:
        RecordingError: nothing can be recovered, or somebody is recording it, or there is no
            room; what there was is still there.
    """
    try:
        with claimed(folder):
            return _recover(folder)
    except (OSError, sqlite3.Error) as error:
        raise RecordingError(f'{folder}: {error}') from error


def _recover(folder: Path) -> Recovered:
    files = _files_of(folder)
    for left in folder.glob(f'*{_NEW}'):
        left.unlink()  # of a recovery that was killed
    facts = {**_told_already(folder), **read_facts(folder), 'recovered': 'true'}
    if final_name(folder) or (folder / FACTS_FILE).exists():  # one of ours
        facts.setdefault('outcome', UNMARKED)
    topics: dict[str, RecordedTopic] = {}
    counts, losses, errors = [], [], []
    for path in files:
        rewrite = _rewrite_mcap if path.suffix == '.mcap' else _fold_sqlite
        try:
            count, loss = rewrite(path, topics, facts)
        except RecordingError as error:  # it stays as it is; the others may be recovered
            errors.append(error)
            losses.append(str(error))
            continue
        counts.append(count)
        losses += [f'{path.name}: {loss}'] if loss else []
    if not sum(count.total for count in counts):
        if errors:
            raise errors[0]
        raise RecordingError(f'{folder} has no whole message; delete it')
    storage = 'mcap' if files[0].suffix == '.mcap' else 'sqlite3'
    information = bag_information(storage, list(topics.values()), counts, facts)
    write_metadata(folder, information)
    sync(folder)
    name = final_name(folder)
    path = folder.with_name(name) if name else folder
    if name:
        if path.exists():
            raise RecordingError(f'{path} exists already; move it away to recover {folder}')
        folder.rename(path)
        sync(path.parent)
    duration_s = information['duration']['nanoseconds'] * 1e-9
    return Recovered(path, information['message_count'], duration_s, '; '.join(losses))


def _told_already(folder: Path) -> dict[str, str]:
    """What a metadata.yaml says of an episode whose recorder died just before its renaming."""
    try:
        return dict(read_metadata(folder)['custom_data'] or {})
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        return {}


def _files_of(folder: Path) -> list[Path]:
    """Files to be recovered, in the order of recording; nobody else writes them."""
    try:
        files = storage_files(folder)
    except FileNotFoundError as error:
        raise RecordingError(
            f'{folder} has no .mcap or .db3 file: nothing was recorded'
        ) from error
    except ValueError as error:
        raise RecordingError(f'{folder}: {error}') from error
    process = writing_process(files)
    if process is not None:
        raise RecordingError(
            f'process {process} is writing in {folder}; stop it first: a recorder would go on '
            'into files that are no longer there'
        )
    return files


def _rewrite_mcap(
    path: Path, topics: dict[str, RecordedTopic], facts: Mapping[str, str]
) -> tuple[FileCount, str]:
    salvage = Salvage()
    new = path.with_name(path.name + _NEW)
    file = McapFile(new)
    known: dict[str, None] = {}  # in order
    try:
        for topic, log_ns, publish_ns, data in salvage.messages(path):
            if data.startswith(_COMPRESSED):
                raise _compressed(path)
            if topic.name not in known:
                known[topic.name] = None
                topics.setdefault(topic.name, topic)
                file.add_topic(topic)
            file.write(topic.name, log_ns, publish_ns, data)
        for topic in salvage.topics.values():
            if topic.name not in known:
                known[topic.name] = None
                topics.setdefault(topic.name, topic)
                file.add_topic(topic)
        losses = salvage.losses()
        if salvage.is_broken and not file.count.total:
            raise RecordingError(f'{path} is damaged before its first message; it stays as it is')
        if salvage.left_out and not file.count.total:
            raise RecordingError(f'{path} has no message, but {", ".join(losses)}; it stays')
        file.count.name = path.name
        found = [topics[name] for name in known]
        file.close(yaml.safe_dump(bag_information('mcap', found, [file.count], facts)))
        if salvage.is_broken or salvage.left_out:
            path.replace(path.with_name(path.name + DAMAGED))
            losses.append(f'kept as {path.name + DAMAGED}')
        new.replace(path)
    except (OSError, RecordingError):
        file.abort()
        new.unlink(missing_ok=True)
        raise
    return file.count, ', '.join(losses)


def _compressed(path: Path) -> RecordingError:
    return RecordingError(
        f'{path}: its messages are compressed one by one (`--compression-mode message`), which '
        'cannot be undone here; it stays as it is'
    )


def _fold_sqlite(
    path: Path, topics: dict[str, RecordedTopic], facts: Mapping[str, str]
) -> tuple[FileCount, str]:
    del facts
    database = sqlite3.connect(path)  # replays its write-ahead log
    try:
        count = FileCount(path.name)
        columns = {row[1] for row in database.execute('PRAGMA table_info(topics)')}
        if 'name' not in columns:
            raise RecordingError(f'{path} has no table of topics: nothing was recorded')
        first = database.execute('SELECT hex(substr(data, 1, 4)) FROM messages LIMIT 1').fetchone()
        if first and bytes.fromhex(first[0]) == _COMPRESSED:
            raise _compressed(path)
        chosen = 'type_description_hash' if 'type_description_hash' in columns else "''"
        definitions = {}
        if database.execute('PRAGMA table_info(message_definitions)').fetchall():
            definitions = {
                row[0]: (row[1], row[2])
                for row in database.execute(
                    'SELECT topic_type, encoded_message_definition, encoding '
                    'FROM message_definitions'
                )
            }
        rows = database.execute(
            f'SELECT id, name, type, offered_qos_profiles, {chosen} FROM topics'
        ).fetchall()
        for number, name, msgtype, qos, type_hash in rows:
            first_ns, last_ns, total = database.execute(
                'SELECT MIN(timestamp), MAX(timestamp), COUNT(*) FROM messages WHERE topic_id = ?',
                (number,),
            ).fetchone()
            profiles = yaml.safe_load(qos) if qos else []
            offered = tuple(profiles) if isinstance(profiles, list) else ()
            text, encoding = definitions.get(msgtype, ('', 'ros2msg'))
            topics.setdefault(
                name, RecordedTopic(name, msgtype, text, encoding, type_hash, offered)
            )
            if total:
                count.first_ns = min(count.first_ns, first_ns) if count.total else first_ns
                count.last_ns = max(count.last_ns, last_ns)
            count.counts[name] = count.counts.get(name, 0) + total
        database.commit()
        database.execute('PRAGMA journal_mode = DELETE')
    finally:
        database.close()
    with path.open('rb') as file:
        os.fsync(file.fileno())
    return count, ''
