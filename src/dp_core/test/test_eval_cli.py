# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json

from dp_core.checkpoint import save_policy
from dp_core.errors import ConfigError
from dp_core.evaluation.cli import main
from dp_core.evaluation.cli import parse_env_arguments
from dp_core.evaluation.cli import parse_seeds
import line_world
from policy_samples import sample_policy
import pytest


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
