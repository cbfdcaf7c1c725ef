# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from dp_core.config import BETA_SCHEDULES
from dp_core.config import PolicyConfig
from dp_core.errors import ConfigError
from dp_core.noise_schedule import signal_share
import pytest
import yaml


def test_yaml_round_trip():
    config = PolicyConfig(down_dims=(16, 32), image_crop=0.9, sampler='ddpm')
    assert PolicyConfig.from_dict(yaml.safe_load(yaml.safe_dump(config.to_dict()))) == config


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'down_dims': (64,)}, 'two levels'),
        ({'down_dims': (64, 100)}, 'multiples of n_groups 8'),
        ({'image_channels': ()}, 'multiples of n_groups'),
        ({'kernel_size': 4}, 'kernel_size is 4'),
        ({'step_embedding_dim': 7}, 'even'),
        ({'image_crop': 0.2}, '0.5 .. 1.0'),
        ({'image_features': 3}, 'even'),
        ({'beta_schedule': 'cosine'}, 'squaredcos_cap_v2'),
        ({'sampler': 'euler'}, 'ddim'),
        ({'denoiser': 'mlp'}, 'unet'),
        ({'film': 'bias'}, 'scale_and_shift'),
        ({'conditioning': 'both'}, 'local'),
        ({'image_encoder': 'vgg'}, 'conv'),
        ({'denoiser': 'transformer', 'n_heads': 3}, 'multiple of 2 n_heads = 6'),
        ({'denoiser': 'transformer', 'n_layers': 0}, 'n_layers is 0'),
        ({'denoiser': 'transformer', 'dropout_embed': 1.0}, 'dropout_embed is 1.0'),
        ({'denoiser': 'transformer', 'down_dims': (8, 16)}, 'takes no down_dims'),
        ({'image_encoder': 'resnet18', 'image_channels': (8,)}, 'takes no image_channels'),
        ({'n_layers': 4}, "denoiser 'unet' .* takes no n_layers"),
        ({'image_learning_rate': 2.0}, '0 .. 1'),
        ({'inference_steps': 101}, '1 .. 100'),
        ({'inference_steps': 1}, 'begin at step 0 of 100'),
        ({'down_dims': ('64', '128')}, r"\('64', '128'\), valid: whole multiples of n_groups 8"),
        ({'down_dims': (64.0, 128.0)}, r'down_dims is \(64.0, 128.0\), valid: whole multiples'),
        ({'image_channels': (True, 8), 'n_groups': 1}, 'image_channels is .*valid: whole'),
        ({'beta_schedule': 'linear'}, r"'linear': .* step 90 of 100, where 0\.43 of the variance"),
        (
            {'beta_schedule': 'scaled_linear'},
            r'where 0\.57 .*valid: up to 0\.15; take .squaredcos',
        ),
        ({'inference_steps': 3}, r'at step 66 of 100.*valid: 4 .. 33, 39 .. 50, 76 .. 100'),
    ],
)
def test_bad_values_are_refused_with_the_valid_ones(changes, words):
    with pytest.raises(ConfigError, match=words):
        PolicyConfig(**changes)


def test_unknown_settings_are_refused_by_name():
    with pytest.raises(ConfigError, match='unet_depth'):
        PolicyConfig.from_dict({'unet_depth': 3})


def test_wrong_types_are_refused():
    with pytest.raises(ConfigError, match='kernel_size'):
        PolicyConfig.from_dict({'kernel_size': 'five'})
    with pytest.raises(ConfigError, match='mapping'):
        PolicyConfig.from_dict([1])


def test_horizon_must_halve_at_each_level():
    PolicyConfig().require_horizon(16)
    with pytest.raises(ConfigError, match='multiple of 4'):
        PolicyConfig().require_horizon(10)


def test_only_the_settings_of_what_was_chosen_are_written():
    written = PolicyConfig(denoiser='transformer', n_layers=2).to_dict()
    assert written['n_layers'] == 2
    assert 'down_dims' not in written
    assert PolicyConfig.from_dict(written) == PolicyConfig(denoiser='transformer', n_layers=2)
    assert 'n_layers' not in PolicyConfig().to_dict()
    assert 'image_channels' not in PolicyConfig(image_encoder='resnet18').to_dict()


def test_the_transformer_takes_any_horizon():
    PolicyConfig(denoiser='transformer').require_horizon(11)


def test_settings_of_the_first_checkpoints_mean_what_they_meant():
    """What `policy.yaml` held before there was a choice of networks."""
    first = {
        'down_dims': [64, 128, 256],
        'kernel_size': 5,
        'n_groups': 8,
        'step_embedding_dim': 128,
        'image_channels': [32, 64, 96, 128],
        'image_features': 64,
        'image_crop': 1.0,
        'train_timesteps': 100,
        'beta_schedule': 'squaredcos_cap_v2',
        'clip_sample': True,
        'sampler': 'ddim',
        'inference_steps': 10,
    }
    read = PolicyConfig.from_dict(first)
    assert read == PolicyConfig(image_encoder='conv', image_channels=(32, 64, 96, 128))
    assert PolicyConfig.from_dict(read.to_dict()) == read
    assert PolicyConfig.from_dict(PolicyConfig().to_dict()) == PolicyConfig()


def test_schedules_that_end_in_noise_are_valid():
    for schedule in ('linear', 'scaled_linear'):
        PolicyConfig(beta_schedule=schedule, train_timesteps=1000)
    for steps in (*range(4, 34), *range(39, 51), *range(76, 101)):
        PolicyConfig(inference_steps=steps)


@pytest.mark.parametrize('train_timesteps', [10, 100, 1000])
@pytest.mark.parametrize('schedule', BETA_SCHEDULES)
def test_the_signal_left_is_that_of_diffusers(schedule, train_timesteps):
    theirs = DDPMScheduler(num_train_timesteps=train_timesteps, beta_schedule=schedule)
    for step in (0, train_timesteps // 2, train_timesteps * 9 // 10, train_timesteps - 1):
        ours = signal_share(schedule, train_timesteps, step)
        assert ours == pytest.approx(float(theirs.alphas_cumprod[step]), rel=1e-3, abs=1e-7)
