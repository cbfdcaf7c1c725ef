# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

from dp_bringup import film
from dp_bringup.episode_log import EpisodeLog
from dp_bringup.episode_plot import plot_episode
from episode_samples import chunk
from episode_samples import record
from episode_samples import SQUARE
from episode_samples import write_scene_log
import matplotlib.image
import numpy as np
import pytest


@pytest.fixture
def log(tmp_path):
    return EpisodeLog.load(write_scene_log(tmp_path / 'log.npz'))


def test_the_page_is_drawn_with_images_and_from_above(log, tmp_path):
    images = [(t, np.zeros((60, 80, 3), np.uint8)) for t in film.strip_times(log, 6)]
    for name, pictures in (('a.png', images), ('b.png', [])):
        episode = record(0, [chunk(0), chunk(1)])
        plot_episode(tmp_path / name, log, episode, pictures, (np.zeros(3), SQUARE))
        assert (tmp_path / name).read_bytes().startswith(b'\x89PNG')


def test_a_page_without_chunks_is_drawn_as_well(log, tmp_path):
    plot_episode(tmp_path / 'a.png', log, record(), [], (np.zeros(3), SQUARE))
    assert (tmp_path / 'a.png').exists()


def test_the_strip_covers_the_goal_from_begin_to_end(log):
    assert film.strip_times(log, 5) == [1.0, 3.5, 6.0, 8.5, 11.0]


def test_a_strip_shows_the_table_side_by_side(tmp_path):
    image = np.zeros((film.HEIGHT, film.WIDTH, 3), np.uint8)
    image[48:528, 192:672] = 90
    film.write_strip(tmp_path / 'strip.png', [image, image], side=50)
    pixels = matplotlib.image.imread(tmp_path / 'strip.png')
    assert pixels.shape == (50, 2 * 50 + film.GAP, 3)
    assert pixels[:, :50] == pytest.approx(90 / 255)
    assert (pixels[:, 50 : 50 + film.GAP] == 1.0).all()


def test_frames_run_at_the_speed_that_they_tell(log, monkeypatch):
    class Still:
        def picture(self, log, time_s):
            return np.zeros((film.HEIGHT, film.WIDTH, 3), np.uint8)

    parts = []
    frames = list(film.video_frames(Still(), [log], parts.append))
    # Ten seconds at four times the speed, and one second at the end.
    assert len(frames) == (10 / film.SPEED + film.HOLD_S) * film.FRAMES_PER_S
    assert parts[-1] == 1.0
    assert frames[0][-36:].max() > 200  # the caption


@pytest.mark.parametrize(
    'broken',
    [{'MUJOCO_GL': 'bogus'}, {'MUJOCO_GL': 'egl', '__EGL_VENDOR_LIBRARY_DIRS': 'nowhere'}],
    ids=['unknown platform', 'no driver'],
)
def test_without_gl_the_missing_package_is_named(broken):
    code = (
        'from dp_bringup.film import Film, FilmError\n'
        'try:\n    Film()\nexcept FilmError as error:\n    print(error)'
    )
    answer = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, **broken},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert 'apt install libegl1 libgl1-mesa-dri' in answer.stdout, answer.stderr
