# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses
from dataclasses import replace

from dp_core.checkpoint import load_policy
from dp_core.checkpoint import save_policy
from dp_core.config import PolicyConfig
from dp_core.errors import ConfigError
from dp_core.observation import ObservationWindow
from dp_core.replay_buffer import save_dataset
from dp_core.training.cli import main
from dp_core.training.cli import parser
from dp_core.training.network_options import policy_config
import numpy as np
from policy_samples import sample_buffer
from policy_samples import sample_contract
from policy_samples import sample_dataset
from policy_samples import sample_policy
from policy_samples import SMALL
from policy_samples import TRANSFORMER
import pytest
import yaml

CAMERA = {'name': 'front', 'kind': 'image', 'topic': 'front'}

RUN = ['--dataset', 'a', '--output', 'b', '--steps', '1']
SMALL_TRANSFORMER = '--denoiser transformer --n-layers 1 --n-heads 2 --n-embed 16'.split()


def read(*words: str) -> PolicyConfig:
    return policy_config(parser().parse_args([*RUN, *words]))


def test_without_options_the_settings_are_the_defaults():
    assert read() == PolicyConfig()


def test_every_setting_has_an_option_with_its_description(capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(['--help'])
    shown = ' '.join(capsys.readouterr().out.split())
    for field in dataclasses.fields(PolicyConfig):
        assert '--' + field.name.replace('_', '-') in shown
    assert 'groups of the group normalisations of U-Net' in shown
    assert '[64 128 256]' in shown


def test_settings_come_from_the_command_line():
    config = read(
        '--image-crop', '0.9', '--down-dims', '8', '16', '--no-clip-sample', '--film', 'shift'
    )  # fmt: skip
    assert config == PolicyConfig(
        image_crop=0.9, down_dims=(8, 16), clip_sample=False, film='shift'
    )
    assert read(*SMALL_TRANSFORMER) == PolicyConfig(
        denoiser='transformer', n_layers=1, n_heads=2, n_embed=16
    )


def test_settings_come_from_a_file_and_options_win(tmp_path):
    path = tmp_path / 'network.yaml'
    path.write_text('{denoiser: transformer, n_layers: 3, causal: false}', encoding='utf-8')
    config = read('--network', str(path), '--n-layers', '2')
    assert config == PolicyConfig(denoiser='transformer', n_layers=2, causal=False)


def test_settings_of_a_checkpoint_are_taken_over(tmp_path):
    save_policy(tmp_path / 'p', sample_policy(True, TRANSFORMER))
    assert read('--network', str(tmp_path / 'p' / 'policy.yaml')) == TRANSFORMER


def test_an_old_checkpoint_keeps_its_plain_encoder(tmp_path):
    save_policy(tmp_path / 'p', sample_policy())
    path = tmp_path / 'p' / 'policy.yaml'
    data = yaml.safe_load(path.read_text(encoding='utf-8'))
    del data['config']['image_encoder']
    path.write_text(yaml.safe_dump(data), encoding='utf-8')
    assert read('--network', str(path)).image_encoder == 'conv'
    assert read('--init-from', str(tmp_path / 'p')) == replace(SMALL, image_encoder='conv')
    assert read('--init-from', str(tmp_path / 'absent')) == PolicyConfig()


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('[1, 2]', 'holds list, valid: name: value'),
        ('a: [', 'cannot read the settings in'),
        ('{layers: 3}', r"unknown policy settings \['layers'\]"),
        ('{n_layers: 3}', 'takes no n_layers'),
    ],
)
def test_bad_files_are_refused(tmp_path, content, words):
    path = tmp_path / 'network.yaml'
    path.write_text(content, encoding='utf-8')
    with pytest.raises(ConfigError, match=words):
        read('--network', str(path))
    with pytest.raises(ConfigError, match='cannot read the settings in .*absent'):
        read('--network', str(tmp_path / 'absent.yaml'))


def train(tmp_path, *words: str) -> int:
    sample_dataset(tmp_path / 'data', images=True)
    files = ['--dataset', str(tmp_path / 'data'), '--output', str(tmp_path / 'run')]
    common = ['--steps', '2', '--batch-size', '2', '--no-compile', '--precision', 'fp32']
    return main([*files, *common, *words])


def test_a_transformer_trains(tmp_path):
    words = [*SMALL_TRANSFORMER, '--n-groups', '4', '--image-channels', '8', '8']
    assert train(tmp_path, *words, '--modality-dropout', '0.5', '--dropout-attention', '0.3') == 0
    assert load_policy(tmp_path / 'run').config.modality_dropout == 0.5


def test_a_resnet_trains_and_is_read_again(tmp_path):
    contract = sample_contract()
    seen = [*contract.to_dict()['observations'], {**CAMERA, 'size': [40, 40]}]
    contract = sample_contract(observations=seen)
    buffer = sample_buffer()
    buffer.data['front'] = np.full((32, 40, 40, 3), 100, np.uint8)
    save_dataset(tmp_path / 'large', contract, buffer)
    files = ['--dataset', str(tmp_path / 'large'), '--output', str(tmp_path / 'run')]
    words = ['--image-encoder', 'resnet18', '--image-crop', '0.9', '--down-dims', '8', '16']
    how = ['--steps', '2', '--batch-size', '2', '--accumulate', '2', '--no-compile']
    assert main([*files, *words, *how, '--precision', 'bf16']) == 0
    made = load_policy(tmp_path / 'run')
    assert made.config.image_encoder == 'resnet18'
    pictures = {'front': np.full((2, 40, 40, 3), 100, np.uint8)}
    window = ObservationWindow(0, {'tool': np.zeros((2, 2), np.float32)}, pictures)
    assert np.isfinite(made.predict(window, 0)).all()


def test_frozen_image_encoders_keep_their_weights(tmp_path):
    start = tmp_path / 'start'
    save_policy(start, sample_policy(True))
    words = ['--init-from', str(start), '--image-learning-rate', '0']
    assert train(tmp_path, *words) == 0
    before, after = (
        load_policy(folder).network.state_dict() for folder in (start, tmp_path / 'run')
    )
    trunk = [name for name in before if '.levels.' in name or '.wide.' in name]
    assert trunk and all(before[name].equal(after[name]) for name in trunk)
    head = 'encoder.cameras.front.keypoints.weight'
    assert not before[head].equal(after[head])
    assert load_policy(tmp_path / 'run').config.image_learning_rate == 0.0


def test_clip_is_fine_tuned_at_a_tenth_unless_told_otherwise():
    assert read('--image-encoder', 'clip_vit_b_16').image_learning_rate == 0.1
    words = ['--image-encoder', 'clip_vit_b_16', '--image-learning-rate', '0.5']
    assert read(*words).image_learning_rate == 0.5
    assert read('--image-encoder', 'resnet18').image_learning_rate == 1.0


def test_weights_for_an_encoder_that_takes_none_end_in_one_line(tmp_path, capsys):
    words = ['--down-dims', '8', '16', '--image-weights', str(tmp_path / 'w.pth')]
    assert train(tmp_path, *words) == 2
    assert 'there is nothing to fill with' in capsys.readouterr().err.splitlines()[-1]


def test_images_too_small_for_a_resnet_end_in_one_line(tmp_path, capsys):
    assert train(tmp_path, '--down-dims', '8', '16', '--image-encoder', 'resnet18') == 2
    assert 'sees 24 x 24 pixels, valid: more than 32' in capsys.readouterr().err
