# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction
import sys
from types import SimpleNamespace

from dp_core.evaluation import film
from dp_core.evaluation.episode import env_spec
from dp_core.evaluation.film import caption
from dp_core.evaluation.film import film_best_and_worst
from dp_core.evaluation.rollout import EpisodeResult
from dp_core.evaluation.video import VideoError
from dp_core.evaluation.video import write_video
import numpy as np
import pytest

av = pytest.importorskip('av')
pytest.importorskip('gym_pusht')


def frames_of(path):
    with av.open(str(path)) as container:
        return container.streams.video[0], list(container.decode(video=0))


def test_a_video_holds_its_frames(tmp_path):
    frames = [np.full((240, 320, 3), 20 * i, np.uint8) for i in range(8)]
    write_video(tmp_path / 'a.mp4', iter(frames), Fraction(20))
    stream, decoded = frames_of(tmp_path / 'a.mp4')
    assert (stream.codec_context.name, stream.average_rate) == ('h264', 20)
    assert [f.to_ndarray(format='rgb24').shape for f in decoded] == [(240, 320, 3)] * 8
    assert [p.name for p in tmp_path.iterdir()] == ['a.mp4']


def test_without_pyav_its_name_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    with pytest.raises(VideoError, match='pip install av'):
        write_video(tmp_path / 'a.mp4', [], Fraction(20))


def test_small_pictures_are_enlarged_and_told_apart():
    small = np.zeros((96, 97, 3), np.uint8)
    assert caption(small, 3, 0.5).shape == (288, 290, 3)
    assert not np.array_equal(caption(small, 3, 0.5), caption(small, 4, 0.5))


def test_a_scene_that_fails_is_closed(monkeypatch):
    closed = []
    broken = SimpleNamespace(reset=lambda seed: 1 / 0, close=lambda: closed.append(1))
    monkeypatch.setattr(film, 'make_env', lambda spec, render: broken)
    with pytest.raises(ZeroDivisionError):
        film.repeat(None, EpisodeResult(1, 0.0, 0, {}, np.zeros((0, 2), np.float32)))
    assert closed == [1]


def test_best_and_worst_are_repeated_to_the_same_score(tmp_path):
    spec = env_spec('gym_pusht/PushT-v0')
    env_results = []
    for seed in (1, 2, 3):
        from dp_core.evaluation.episode import Episode
        from dp_core.evaluation.pusht_views import demonstrations

        contract, _ = demonstrations()
        episode = Episode(spec, contract)
        episode.reset(seed)
        rng = np.random.default_rng(seed)
        actions = rng.uniform(100, 400, (15, 2)).astype(np.float32)
        state = episode.advance(actions)
        env_results.append(EpisodeResult(seed, state.max_score, 15, {}, actions))
    videos = film_best_and_worst(spec, env_results, tmp_path, 0.1)
    scores = [result.score for result in env_results]
    assert videos['best']['score'] == max(scores)
    assert videos['worst']['score'] == min(scores)
    for name in ('best', 'worst'):
        assert videos[name]['score_when_repeated'] == pytest.approx(videos[name]['score'])
        stream, decoded = frames_of(tmp_path / videos[name]['file'])
        assert len(decoded) == 16
        assert stream.average_rate == 20  # twice the speed of 0.1 s
