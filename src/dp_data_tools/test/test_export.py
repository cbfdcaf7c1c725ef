# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""An export is whole or not there, the same every time, and starts anew after a kill."""

import errno
import os
import signal
import subprocess
import sys

from bag_samples import contract
from conversion import content
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.lerobot.tables import DataWriter
from dp_data_tools.lerobot.write import write_lerobot
from lerobot_samples import export
from lerobot_samples import lerobot
from lerobot_samples import require_equal
from lerobot_samples import sample
import numpy as np
import pytest

# Kills itself in the second episode; or lets no file become larger than so many bytes.
KILLER = """
import os, resource, signal, sys
from dp_data_tools import cli
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
from dp_data_tools.lerobot.tables import DataWriter
from dp_data_tools.lerobot.write import write_lerobot
begun = []
def begin(self, real=DataWriter.begin):
    begun.append(self)
    if limit == 0 and len(begun) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self)
DataWriter.begin = begin
limit = int(sys.argv.pop(1))
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(cli.main())
"""


def run_killer(tmp_path, limit, *words):
    script = tmp_path / 'killer.py'
    script.write_text(KILLER)
    command = [sys.executable, str(script), str(limit), 'export', *map(str, words)]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)


@pytest.mark.parametrize('pictures', ['av1', 'h264', 'lossless', 'png'])
def test_the_same_dataset_gives_the_same_bytes(tmp_path, pictures):
    one = content(lerobot(tmp_path, '--pictures', pictures, name='one'))
    assert one == content(lerobot(tmp_path, '--pictures', pictures, name='two'))
    assert len(one) >= 6


@pytest.mark.parametrize('kind', ['zarr', 'lerobot'])
def test_nothing_is_overwritten(tmp_path, capsys, kind):
    ours = sample(tmp_path / 'ours')
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'precious').write_text('data')
    assert export(ours, kind, tmp_path / 'out') == 1
    assert 'exists already' in capsys.readouterr().err
    assert content(tmp_path / 'out') == {'precious': b'data'}


def test_after_a_kill_the_same_command_starts_anew(tmp_path):
    ours = sample(tmp_path / 'ours')
    killed = run_killer(tmp_path, 0, ours, '--format', 'lerobot', '--output', 'lero')
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / 'lero').exists()
    assert (tmp_path / '.lero.exporting').is_dir()
    folder = lerobot(tmp_path)
    assert not (tmp_path / '.lero.exporting').exists()
    assert content(folder) == content(lerobot(tmp_path, name='other'))


@pytest.mark.parametrize('kind', ['lerobot', 'zarr'])
@pytest.mark.parametrize('limit', [100, 4000])
def test_where_nothing_more_can_be_written_it_is_told_and_nothing_left(tmp_path, kind, limit):
    ours = sample(tmp_path / 'ours', (200, 200))
    source = ours if kind == 'lerobot' else lerobot(tmp_path)
    failed = run_killer(tmp_path, limit, source, '--format', kind, '--output', 'out')
    assert failed.returncode == 1, failed.stderr
    assert failed.stderr.startswith('dp_data_tools export: cannot write '), failed.stderr
    assert 'File too large' in failed.stderr
    assert not list(tmp_path.glob('*out*'))


def test_a_full_disk_is_told_and_nothing_left(tmp_path, monkeypatch, capsys):
    def full(self, columns):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), 'file-000.parquet')

    ours = sample(tmp_path / 'ours')
    monkeypatch.setattr(DataWriter, 'add', full)
    assert export(ours, 'lerobot', tmp_path / 'out') == 1
    said = capsys.readouterr().err
    assert 'cannot write file-000.parquet: No space left on device; nothing of it is kept' in said
    assert [path.name for path in tmp_path.iterdir()] == ['ours']


@pytest.mark.parametrize('name', ['pyarrow', 'av'])
def test_a_missing_package_is_named(tmp_path, monkeypatch, capsys, name):
    ours = sample(tmp_path / 'ours')
    monkeypatch.setitem(sys.modules, name, None)
    assert export(ours, 'lerobot', tmp_path / 'out') == 1
    said = capsys.readouterr().err
    assert f'LeRobot datasets need the package {name} ' in said
    assert f'`pip install {name}`' in said
    assert [path.name for path in tmp_path.iterdir()] == ['ours']


def test_what_lerobot_cannot_have_is_refused(tmp_path, capsys):
    ours = sample(tmp_path / 'slow', what=contract(dt_s=0.15))
    assert export(ours, 'lerobot', tmp_path / 'out') == 1
    assert 'dt_s is 0.15 s, 6.667 frames per second; LeRobot counts' in capsys.readouterr().err
    ours = sample(tmp_path / 'tasks', what=contract(tasks=['push', 'pull']))
    assert export(ours, 'lerobot', tmp_path / 'out') == 1
    assert "has tasks ['push', 'pull']" in capsys.readouterr().err
    assert export(ours, 'lerobot', tmp_path / 'out', '--task', 'push') == 0


def test_values_that_are_not_finite_are_refused(tmp_path, capsys):

    what, buffer = load_dataset(sample(tmp_path / 'ours'))
    buffer.data['arm'][14, 1] = np.nan
    save_dataset(tmp_path / 'bad', what, buffer)
    assert export(tmp_path / 'bad', 'lerobot', tmp_path / 'out') == 1
    said = capsys.readouterr().err
    assert "'observation.state' has 1 values that are not finite, the first in row 14" in said


def test_arrays_that_the_contract_does_not_name_are_told(tmp_path, capsys):
    what, buffer = load_dataset(sample(tmp_path / 'ours'))
    more = {**buffer.data, 'reward': np.zeros((36, 1), np.float32)}
    more = ReplayBuffer(more, buffer.episode_ends, buffer.no_end_pad)
    save_dataset(tmp_path / 'more', what, more)
    assert export(tmp_path / 'more', 'lerobot', tmp_path / 'out') == 0
    assert 'left out, because the contract does not name it: reward' in capsys.readouterr().out


class Watched:
    """An array that notes how many rows are read at once."""

    def __init__(self, array, longest):
        self.array, self.longest = array, longest
        self.shape, self.dtype = array.shape, array.dtype

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        found = self.array[rows]
        self.longest.append(len(found))
        return found


@pytest.mark.parametrize('pictures', ['lossless', 'png'])
def test_few_pictures_are_in_memory_at_a_time(tmp_path, monkeypatch, pictures):
    monkeypatch.setattr('dp_data_tools.lerobot.write._BLOCK_BYTES', 7 * 8 * 8 * 3)
    what, buffer = load_dataset(sample(tmp_path / 'ours', (30, 20)))
    longest = []
    data = {**buffer.data, 'front': Watched(buffer.data['front'], longest)}
    watched = ReplayBuffer(data, buffer.episode_ends, buffer.no_end_pad)
    write_lerobot(tmp_path / 'lero', what, watched, ['push'] * 2, pictures)
    assert longest == [7, 7, 7, 7, 2, 7, 7, 6]
    assert export(tmp_path / 'lero', 'zarr', tmp_path / 'again') == 0
    again = load_dataset(tmp_path / 'again')[1].data['front']
    assert np.array_equal(again, buffer.data['front'])


def test_a_dataset_of_ours_can_be_written_anew(tmp_path):
    ours = sample(tmp_path / 'ours')
    assert export(ours, 'zarr', tmp_path / 'zipped', '--zip') == 0
    assert (tmp_path / 'zipped' / 'replay_buffer.zarr.zip').is_file()
    require_equal(ours, tmp_path / 'zipped')
