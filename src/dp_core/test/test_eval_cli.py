# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json
import sys
from types import SimpleNamespace

from dp_core.checkpoint import save_policy
from dp_core.errors import ConfigError
from dp_core.evaluation import film
from dp_core.evaluation.cli import main
from dp_core.evaluation.cli import parse_env_arguments
from dp_core.evaluation.cli import parse_seeds
from dp_core.evaluation.report import machine
from dp_core.evaluation.video import VideoError
import line_world
from policy_samples import sample_policy
import pytest
import torch


def test_result_file_holds_what_is_needed_to_check_it(tmp_path, capsys):
    save_policy(tmp_path / 'policy', sample_policy())
    output = tmp_path / 'results' / 'line.json'
    code = main(
        ['--policy', str(tmp_path / 'policy'), '--env', 'line_world:' + line_world.ID]
        + ['--seeds', '5:8', '--n-action-steps', '3', '--output', str(output)]
    )
    assert code == 0
    result = json.loads(output.read_text(encoding='utf-8'))
    assert result['seeds'] == [5, 6, 7]
    assert len(result['scores']) == 3
    assert result['score_mean'] == pytest.approx(sum(result['scores']) / 3)
    low, high = result['score_ci95']
    assert low <= result['score_mean'] <= high
    assert result['protocol']['n_action_steps'] == 3
    assert result['protocol']['max_steps'] == 12
    assert result['protocol']['sampler'] == 'ddim'
    assert len(result['weights_sha256']) == 64
    assert 'score' in capsys.readouterr().out


def test_a_gpu_that_is_not_there_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    words = ['--policy', str(tmp_path), '--env', line_world.ID, '--device', 'cuda']
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("dp_eval: device is 'cuda' and this process needs GPU 0, but PyTorch")
    assert said.endswith('sees 0; valid here: cpu\n')


def test_a_report_names_the_gpu_that_was_used(monkeypatch):
    assert 'gpu' not in machine()
    monkeypatch.setattr(torch.cuda, 'is_initialized', lambda: True)
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: 'a large one')
    assert machine()['gpu'] == 'a large one'


def test_a_mistake_is_one_line(tmp_path, capsys):
    code = main(['--policy', str(tmp_path / 'absent'), '--env', line_world.ID])
    assert code == 2
    assert capsys.readouterr().err.startswith('dp_eval: no checkpoint folder at')


def test_seeds_are_a_range_or_a_list():
    assert parse_seeds('3:6') == [3, 4, 5]
    assert parse_seeds('9,2') == [9, 2]
    for bad in ('a', '5:5', '1,1', '-1'):
        with pytest.raises(ConfigError, match='seeds'):
            parse_seeds(bad)


def test_arguments_of_the_scene_are_yaml():
    assert parse_env_arguments(None) is None
    assert parse_env_arguments(['cameras=true', 'n=3']) == {'cameras': True, 'n': 3}
    with pytest.raises(ConfigError, match='name=value'):
        parse_env_arguments(['cameras'])


def evaluate(tmp_path, *more):
    save_policy(tmp_path / 'policy', sample_policy())
    words = ['--policy', str(tmp_path / 'policy'), '--env', 'line_world:' + line_world.ID]
    return main([*words, '--seeds', '5:7', '--output', str(tmp_path / 'line.json'), *more])


def test_a_film_that_fails_leaves_the_scores(tmp_path, capsys, monkeypatch):
    def fail(*_):
        raise VideoError('no video: the disk is full')

    monkeypatch.setitem(sys.modules, 'av', SimpleNamespace())
    monkeypatch.setattr(film, 'film_best_and_worst', fail)
    assert evaluate(tmp_path, '--videos', str(tmp_path / 'films')) == 2
    said = capsys.readouterr()
    assert said.out.startswith('score ')
    assert said.err.endswith('dp_eval: no video: the disk is full\n')
    result = json.loads((tmp_path / 'line.json').read_text(encoding='utf-8'))
    assert len(result['scores']) == 2 and 'videos' not in result


def test_films_are_named_beside_the_scores(tmp_path, monkeypatch):
    made = {'best': {'file': 'best.mp4', 'seed': 5}}
    monkeypatch.setitem(sys.modules, 'av', SimpleNamespace())
    monkeypatch.setattr(film, 'film_best_and_worst', lambda *_: made)
    assert evaluate(tmp_path, '--videos', str(tmp_path / 'films')) == 0
    result = json.loads((tmp_path / 'line.json').read_text(encoding='utf-8'))
    assert result['videos'] == {'best': {'file': 'films/best.mp4', 'seed': 5}}


def test_missing_pyav_is_told_before_the_episodes(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    assert evaluate(tmp_path, '--videos', str(tmp_path / 'films')) == 2
    said = capsys.readouterr().err
    assert said == 'dp_eval: no video: PyAV is not installed (pip install av)\n'
