# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`view` draws one episode, `stats` says what is in a dataset; with numbers a person can check."""

import json
import sys
from types import SimpleNamespace

from bag_samples import write_bag
import cv2
from dp_data_tools.cli import main
from dp_data_tools.quality.dataset import open_dataset
from dp_data_tools.quality.statistics import statistics_of
from dp_data_tools.quality.view import page_of
from dp_data_tools.quality.view import picture_of
import numpy as np
import pytest
from quality_samples import episode
from test_quality_bags import messages
from test_quality_dataset import arrays
from test_quality_dataset import dataset
from test_quality_report import camera
from test_quality_report import Page


def known(tmp_path):
    """Two episodes: the first number counts the rows, the second is 1, 1, ..., 3."""
    parts = [arrays(10, 0), arrays(30, 1)]
    for first, part in zip((0, 10), parts):
        rows = len(part['arm'])
        part['arm'][:, 0] = first + np.arange(rows)
        part['arm'][:, 1] = 1.0
        part['front'][:] = (30, 60, 90)
    parts[1]['arm'][29, 1] = 3.0
    parts[1]['action'][3, 0] = np.nan
    return dataset(tmp_path / 'd', parts)


def test_statistics_of_known_numbers(tmp_path):
    with open_dataset(known(tmp_path)) as folder:
        found = statistics_of(folder)
    assert (found['episodes'], found['rows'], found['seconds'], found['dt_s']) == (2, 40, 4.0, 0.1)
    assert found['rows_per_episode'] == {'min': 10, 'median': 20.0, 'max': 30, 'all': [10, 30]}
    a, b = found['numbers']['arm']['a'], found['numbers']['arm']['b']
    assert (a['min'], a['max'], a['mean'], a['q50'], a['unit']) == (0.0, 39.0, 19.5, 19.5, 'rad')
    assert a['std'] == pytest.approx(np.sqrt((40**2 - 1) / 12))
    assert a['q01'] == pytest.approx(0.39)
    assert (b['mean'], b['q99']) == (pytest.approx(1.05), pytest.approx(1 + 2 * 0.61))
    assert found['numbers']['action']['a']['not_finite'] == 1
    assert np.isfinite(found['numbers']['action']['a']['mean'])
    assert found['pictures'] == {'front': {'mean_rgb': [30, 60, 90], 'std_rgb': [0, 0, 0]}}
    assert found['arrays']['front'] == {
        'shape': [40, 8, 8, 3],
        'dtype': 'uint8',
        'bytes': 40 * 8 * 8 * 3,
    }
    files = [f for f in (tmp_path / 'd').rglob('*') if f.is_file()]
    assert found['bytes_on_disk'] == sum(f.stat().st_size for f in files)


def test_stats_prints_or_writes_json(tmp_path, capsys):
    path = known(tmp_path)
    assert main(['stats', str(path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    out = tmp_path / 'deep' / 'stats.json'
    assert main(['stats', str(path), '--output', str(out)]) == 0
    assert json.loads(out.read_text()) == printed
    assert main(['stats', str(tmp_path / 'none')]) == 1
    assert 'holds none of' in capsys.readouterr().err


def test_a_picture_shows_every_camera_and_number():
    made = episode(pictures=(camera(), camera()))
    small = picture_of(episode())
    assert small.startswith(b'\x89PNG')
    whole = cv2.imdecode(np.frombuffer(picture_of(made), np.uint8), cv2.IMREAD_COLOR)
    below = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR)
    assert whole.shape[1] == below.shape[1] == 1300
    assert whole.shape[0] - below.shape[0] == 2 * 135
    assert picture_of(made) == picture_of(made)
    # The lines of state and action are there, in blue and orange.
    for colour in ((0xA4, 0x71, 0x24), (0x00, 0x54, 0xD3)):
        assert (np.abs(below.astype(int) - colour).max(axis=2) < 12).sum() > 100


def test_a_page_of_an_episode():
    page = Page(page_of(episode(3, bag='take_7', pictures=(camera(),))))
    assert ''.join(page.words).count('demo [3]') == 2  # title and heading
    assert any('20.0 s, from take_7' in words for words in page.words)
    assert page.tags.count('img') == 3


@pytest.mark.parametrize('suffix', ['png', 'html'])
def test_view_of_datasets_and_bags(tmp_path, capsys, suffix):
    out = tmp_path / f'out.{suffix}'
    assert main(['view', str(known(tmp_path)), '--episode', '1', '--output', str(out)]) == 0
    assert capsys.readouterr().out == f'{out}\n'
    first = out.read_bytes()
    bag = write_bag(tmp_path / 'bag', messages(1.0))
    assert main(['view', str(bag), '--output', str(out)]) == 0
    assert out.read_bytes() != first


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['d', '--episode', '2', '--output', 'a.png'], '--episode is 2, valid: 0 to 1'),
        (['d', '--output', 'a.gif'], '--output is a.gif, valid: files ending in'),
        (['d'], 'nothing to write: give --output FILE.png, FILE.html or --rerun FILE'),
        (['bag', '--episode', '1', '--output', 'a.png'], '--episode is 1, valid for a bag: 0'),
        (['bag', '--rerun', 'a.rrd'], 'Rerun opens mcap by itself'),
        (['nowhere', '--output', 'a.png'], 'cannot read bag nowhere'),
    ],
)
def test_view_refuses_what_it_cannot_show(tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    known(tmp_path)
    write_bag(tmp_path / 'bag', messages(0.5))
    assert main(['view', *arguments]) == 1
    assert words in capsys.readouterr().err
    assert not list(tmp_path.glob('a.*'))


def test_without_rerun_its_absence_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'rerun', None)
    path = known(tmp_path)
    assert main(['view', str(path), '--rerun', str(tmp_path / 'a.rrd')]) == 1
    said = capsys.readouterr().err
    assert '--rerun needs the package rerun-sdk' in said
    assert '`pip install rerun-sdk`' in said


class Recording:
    """Stands for rerun.RecordingStream."""

    def __init__(self, application, recording_id):
        self.name, self.sent = recording_id, []

    def save(self, path):
        self.sent.append(('save', path))

    def send_columns(self, place, columns, numbers):
        self.sent.append((place, columns[0], numbers))

    def set_time(self, timeline, duration):
        self.sent.append((timeline, duration))

    def log(self, place, image):
        self.sent.append((place, image))

    def flush(self):
        self.sent.append(('flush',))


def test_numbers_and_pictures_go_to_rerun(tmp_path, monkeypatch):
    made = []

    def stream(*arguments, **options):
        made.append(Recording(*arguments, **options))
        return made[-1]

    fake = SimpleNamespace(
        RecordingStream=stream,
        TimeColumn=lambda name, duration: duration,
        Scalars=SimpleNamespace(columns=lambda scalars: scalars),
        Image=lambda pixels: SimpleNamespace(compress=lambda jpeg_quality: pixels),
    )
    monkeypatch.setitem(sys.modules, 'rerun', fake)
    path, out = known(tmp_path), tmp_path / 'a.rrd'
    assert main(['view', str(path), '--episode', '0', '--rerun', str(out)]) == 0
    sent = made[0].sent
    assert made[0].name == 'd[0]'
    assert sent[0] == ('save', str(out))
    assert [entry[0] for entry in sent[1:5]] == ['arm/a', 'arm/b', 'action/a', 'action/b']
    assert sent[1][1] == pytest.approx(0.1 * np.arange(10))
    assert sent[1][2].tolist() == list(range(10))
    assert sent[5] == ('time', 0.0)
    assert sent[6][0] == 'front'
    assert sent[6][1][0, 0].tolist() == [30, 60, 90]
    assert len(sent) == 5 + 2 * 10 + 1
