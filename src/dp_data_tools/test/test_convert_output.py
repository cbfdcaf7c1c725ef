# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A dataset is written whole or not at all, once, and the same every time."""

from contextlib import contextmanager
import errno
import os
from pathlib import Path
import resource
import shutil
import signal
import subprocess
import sys

from bag_samples import contract
from bag_samples import recording
from bag_samples import write_bag
from conversion import COMMANDS
from conversion import content
from conversion import run
from conversion import STATES
from dp_core.replay_buffer import load_dataset
from dp_data_tools.convert_bag import convert_bag
from dp_data_tools.part_store import PartWriter
import pytest

# Kills itself in the middle of the second bag.
KILLER = """
import os, signal
from dp_data_tools import cli, convert_bag
from dp_data_tools.part_store import PartWriter
real = PartWriter.append
def append(self, row):
    real(self, row)
    append.rows += 1
    if append.rows == 15:
        os.kill(os.getpid(), signal.SIGKILL)
append.rows = 0
PartWriter.append = append
cli.main()
"""


def bags(tmp_path, count=3):
    """Bags of 1, 2, ... s."""
    return [write_bag(tmp_path / f'bag_{i}', recording(i + 1.0)) for i in range(count)]


def test_the_same_bags_give_the_same_bytes_whatever_the_workers(tmp_path):
    made = bags(tmp_path)
    assert run(tmp_path, made, output='one') == 0
    assert run(tmp_path, made, output='again') == 0
    assert run(tmp_path, made, output='two', workers=2) == 0
    one = content(tmp_path / 'one')
    assert len(one) > 8
    assert one == content(tmp_path / 'again') == content(tmp_path / 'two')


def test_more_bags_than_files_may_be_open(tmp_path):
    """Each bag has three arrays or more; a process may often have 1,024 files open."""
    made = [write_bag(tmp_path / f'bag_{i}', recording(0.7)) for i in range(30)]
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = len(os.listdir('/proc/self/fd')) + 40
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, limits[1]))
    try:
        assert run(tmp_path, made, contract(horizon=4, n_action_steps=2)) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(load_dataset(tmp_path / 'out')[1].episode_ends) == 30


def test_nothing_is_overwritten(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', recording(1.0))
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'precious').write_text('data')
    assert run(tmp_path, bag) == 1
    assert 'exists already' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'precious').read_text() == 'data'


def test_the_same_bag_twice_is_refused(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', recording(1.0))
    assert run(tmp_path, [bag, bag]) == 1
    assert 'are given more than once' in capsys.readouterr().err


def test_what_was_finished_before_a_kill_is_not_made_again(tmp_path, monkeypatch, capsys):
    made = bags(tmp_path)
    assert run(tmp_path, made, output='whole') == 0
    with kill_at(made[2], monkeypatch):
        assert run(tmp_path, made) == 130
    assert not (tmp_path / 'out').exists()
    assert (tmp_path / '.out.converting').is_dir()
    capsys.readouterr()
    read = record_reads(monkeypatch)
    assert run(tmp_path, made) == 0
    assert read == [made[2]]
    assert '2 bags were finished by an earlier attempt' in capsys.readouterr().out
    assert content(tmp_path / 'out') == content(tmp_path / 'whole')
    assert not (tmp_path / '.out.converting').exists()


def test_sigkill_leaves_what_was_finished(tmp_path, capsys):
    made = bags(tmp_path, 2)
    contract().save(tmp_path / 'contract.yaml')
    killer = tmp_path / 'killer.py'
    killer.write_text(KILLER)
    words = [*map(str, made), '--contract', 'contract.yaml', '--output', 'out', *COMMANDS]
    command = [sys.executable, str(killer), 'convert', *words, '--workers', '1']
    assert subprocess.run(command, cwd=tmp_path).returncode == -signal.SIGKILL
    assert not (tmp_path / 'out').exists()
    assert run(tmp_path, made) == 0
    assert '1 bags were finished by an earlier attempt' in capsys.readouterr().out
    assert run(tmp_path, made, output='whole') == 0
    assert content(tmp_path / 'out') == content(tmp_path / 'whole')


@pytest.mark.parametrize('change', ['contract', 'arguments', 'bag', 'code', 'cut off'])
def test_what_has_changed_since_is_made_anew(tmp_path, monkeypatch, capsys, change):
    made = bags(tmp_path)
    with kill_at(made[2], monkeypatch):
        assert run(tmp_path, made) == 130
    what, action = contract(), COMMANDS
    if change == 'contract':
        what = contract(dt_s=0.2, horizon=5)
    elif change == 'arguments':
        action = STATES
    elif change == 'code':
        monkeypatch.setattr('dp_data_tools.plan.code_hash', lambda: 'of another version')
    elif change == 'cut off':  # the disk had no time for the last bytes
        file = min((tmp_path / '.out.converting').glob('*/front.bin'), key=size)
        os.truncate(file, size(file) - 1)
    else:
        shutil.rmtree(made[0])
        write_bag(made[0], recording(1.5))
    capsys.readouterr()
    read = record_reads(monkeypatch)
    assert run(tmp_path, made, what, action=action) == 0
    one = change in ('bag', 'cut off')
    assert read == ([made[0], made[2]] if one else made)
    count = 1 if one else 2
    assert f'{count} bags of an earlier attempt were made anew' in capsys.readouterr().out
    assert run(tmp_path, made, what, 'fresh', action) == 0
    assert content(tmp_path / 'out') == content(tmp_path / 'fresh')


def test_all_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    """A power loss takes what is not; the names are on the disk before what they replace goes."""
    bag, place = write_bag(tmp_path / 'bag', recording(1.0)), tmp_path.resolve()
    synced, missed, steps = set(), [], []
    fsync, rename, rmtree = os.fsync, os.rename, shutil.rmtree

    def noting_fsync(number):
        fsync(number)
        path = Path(os.readlink(f'/proc/self/fd/{number}'))
        synced.add(path)
        if path == place:
            steps.append('its name is on the disk')

    def noting_rename(old, new):
        if Path(new).name != 'dataset':
            old = Path(old).resolve()
            missed.extend(path for path in [old, *old.rglob('*')] if path not in synced)
            steps.append('dataset' if Path(new).name == 'out' else 'part')
        rename(old, new)

    def noting_rmtree(path, *arguments, **options):
        if Path(path).name == '.out.converting':
            steps.append('parts deleted')
        rmtree(path, *arguments, **options)

    monkeypatch.setattr(os, 'fsync', noting_fsync)
    monkeypatch.setattr(os, 'rename', noting_rename)
    monkeypatch.setattr(shutil, 'rmtree', noting_rmtree)
    assert run(tmp_path, bag) == 0
    assert not missed
    assert steps == ['part', 'dataset', 'its name is on the disk', 'parts deleted']
    assert (place / '.out.converting') in synced


def test_file_systems_that_cannot_sync_folders_will_do(tmp_path, monkeypatch, capsys):
    bag = write_bag(tmp_path / 'bag', recording(1.0))
    for number, status in ((errno.EINVAL, 0), (errno.EIO, 1)):
        with monkeypatch.context() as patch:
            patch.setattr(os, 'fsync', fail_after(0, os.fsync, number))
            assert run(tmp_path, bag, output=f'out_{number}') == status
    assert f'cannot write front.bin: {os.strerror(errno.EIO)}' in capsys.readouterr().err


def test_a_kill_while_the_dataset_is_written_leaves_none(tmp_path, monkeypatch):
    made = bags(tmp_path, 2)
    with monkeypatch.context() as patch:
        patch.setattr('dp_data_tools.export.save_dataset', interrupt)
        assert run(tmp_path, made) == 130
    assert not (tmp_path / 'out').exists()
    read = record_reads(monkeypatch)
    assert run(tmp_path, made) == 0
    assert read == []
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [10, 30]


def test_a_full_disk_is_told_and_loses_nothing(tmp_path, monkeypatch, capsys):
    made = bags(tmp_path, 2)
    with monkeypatch.context() as patch:
        patch.setattr(PartWriter, 'keep', fail_after(1, PartWriter.keep))
        assert run(tmp_path, made) == 1
    said = capsys.readouterr().err
    assert 'cannot write' in said
    assert 'No space left on device' in said
    assert '1 finished bags stay in ' in said
    assert not (tmp_path / 'out').exists()
    assert run(tmp_path, made) == 0
    assert '1 bags were finished' in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write everywhere')
def test_a_folder_that_may_not_be_written_is_named(tmp_path, capsys):
    made = bags(tmp_path, 1)
    (tmp_path / 'locked').mkdir(mode=0o500)
    assert run(tmp_path, made, output='locked/out') == 1
    assert f'cannot write in {tmp_path / "locked"}: Permission denied' in capsys.readouterr().err


def test_a_place_that_is_no_folder_is_named(tmp_path, capsys):
    made = bags(tmp_path, 1)
    (tmp_path / 'file').write_text('')
    assert run(tmp_path, made, output='file/out') == 1
    assert f'cannot write in {tmp_path / "file"}: ' in capsys.readouterr().err


def test_two_conversions_to_one_place_are_refused(tmp_path, monkeypatch, capsys):
    made = bags(tmp_path, 1)

    def convert_meanwhile(*arguments):
        assert run(tmp_path, made) == 1
        assert 'another conversion is writing' in capsys.readouterr().err
        return convert_bag(*arguments)

    monkeypatch.setattr('dp_data_tools.bag_pool.convert_bag', convert_meanwhile)
    assert run(tmp_path, made) == 0


def interrupt(*_, **__):
    raise KeyboardInterrupt


@contextmanager
def kill_at(bag, monkeypatch):
    """Interrupt the conversion when it comes to a bag."""

    def convert_or_die(which, *arguments):
        return interrupt() if which == bag else convert_bag(which, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr('dp_data_tools.bag_pool.convert_bag', convert_or_die)
        yield


def record_reads(monkeypatch):
    """List that gets every bag that is converted."""
    read = []

    def convert_and_note(which, *arguments):
        read.append(which)
        return convert_bag(which, *arguments)

    monkeypatch.setattr('dp_data_tools.bag_pool.convert_bag', convert_and_note)
    return read


def size(path):
    return path.stat().st_size


def fail_after(count, real, number=errno.ENOSPC):
    """Do as ``real`` does so many times, then find the disk full, or fail as ``number`` says."""
    calls = []

    def keep(*arguments):
        calls.append(arguments)
        if len(calls) > count:
            raise OSError(number, os.strerror(number), 'front.bin')
        return real(*arguments)

    return keep
