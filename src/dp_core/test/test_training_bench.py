# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

from dp_core.errors import ConfigError
from dp_core.training import bench
from dp_core.training.bench import Contender
from dp_core.training.bench import main
from dp_core.training.lerobot_step import read_lerobot
from policy_samples import sample_contract
from policy_samples import sample_dataset
import pytest


def test_figures_are_medians_over_rounds():
    way = Contender(lambda: None, 7, cpu_s=[1.0, 4.0, 2.0], wall_s=[2.0, 2.0, 8.0])
    expected = {'samples_per_cpu_s': 50.0, 'samples_per_s': 50.0, 'weights': 7}
    assert way.figures(samples=100) == expected


def test_a_dataset_that_lerobot_cannot_learn_from_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'theirs', but .*'sample' sees no pictures"):
        read_lerobot(sample_contract(), Path('theirs'), 4)
    assert read_lerobot(sample_contract(images=True), Path('theirs'), 4)


def test_without_lerobot_ours_is_measured_and_the_result_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, 'LEROBOT_VERSION', '')
    output = tmp_path / 'training.json'
    code = main(
        ['--dataset', str(sample_dataset(tmp_path / 'data')), '--output', str(output)]
        + ['--batch-size', '4', '--down-dims', '8', '16', '--rounds', '2', '--steps', '1']
    )
    assert code == 0
    result = json.loads(output.read_text(encoding='utf-8'))
    names = {'ours, float32', 'ours, bfloat16', 'reading alone, ours'}
    assert set(result['ways']) == names
    assert all(way['samples_per_cpu_s'] > 0 for way in result['ways'].values())
    assert result['lerobot'] == 'not installed in this environment: not measured'
    assert 'LeRobot: not installed' in capsys.readouterr().out
