# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from dp_core.continuation import KnownActions
from dp_core.errors import CheckpointError
from dp_core.errors import ConfigError
from dp_core.normalize import MinMax
from dp_core.normalize import Normalizer
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
import numpy as np
from policy_samples import sample_contract
from policy_samples import sample_normalizer
from policy_samples import sample_policy
from policy_samples import sample_window
from policy_samples import SMALL
from policy_samples import TRANSFORMER
import pytest
import torch

CONFIGS = [SMALL, replace(SMALL, conditioning='local', film='shift'), TRANSFORMER]


@pytest.mark.parametrize('config', CONFIGS)
@pytest.mark.parametrize('images', [False, True])
def test_prediction_has_shape_and_units_of_the_contract(images, config):
    actions = sample_policy(images, config).predict(sample_window(images), seed=1)
    assert actions.shape == (8, 2)
    assert actions.dtype == np.float32
    assert np.abs(actions).max() <= 2.0 + 1e-5  # the limits of the action


def test_the_encoder_runs_once_per_chunk():
    policy = sample_policy(images=True)
    calls = []
    policy.network.encoder.cameras['front'].register_forward_hook(lambda *_: calls.append('front'))
    denoise = policy.network.denoiser.denoise
    policy.network.denoiser.denoise = lambda *a: calls.append('unet') or denoise(*a)
    policy.predict(sample_window(images=True), seed=1)
    assert calls == ['front'] + ['unet'] * 10  # one picture stands for both ticks


def test_same_seed_same_chunk():
    policy = sample_policy()
    first = policy.predict(sample_window(), seed=5)
    assert np.array_equal(first, policy.predict(sample_window(), seed=5))
    assert not np.array_equal(first, policy.predict(sample_window(), seed=6))
    assert not np.array_equal(policy.predict(sample_window()), policy.predict(sample_window()))


@pytest.mark.parametrize('config', CONFIGS)
def test_a_batch_equals_single_predictions(config):
    policy = sample_policy(True, config)
    windows = [sample_window(True, 1.0), sample_window(True, 9.0)]
    batch = policy.predict_batch(windows, [3, 4])
    single = [policy.predict(w, s) for w, s in zip(windows, (3, 4), strict=True)]
    np.testing.assert_allclose(batch, single, atol=1e-5)


def test_image_and_numbers_both_matter():
    policy = sample_policy(images=True)
    window = sample_window(images=True)
    base = policy.encode([window])
    dark = sample_window(images=True)
    dark.images['front'][:, :12] = 0
    assert not torch.allclose(base, policy.encode([dark]))
    assert not torch.allclose(base, policy.encode([sample_window(True, 4.0)]))


def test_one_generator_serves_all_rows():
    policy = sample_policy()
    condition = policy.encode([sample_window(), sample_window()])
    unit = policy.sample(condition, torch.Generator().manual_seed(0))
    assert unit.shape == (2, 8, 2)
    assert not torch.equal(unit[0], unit[1])


def test_what_is_known_is_given_in_the_units_of_the_contract():
    policy = sample_policy()
    condition = policy.encode([sample_window()])
    actions, weights = np.full((8, 2), -1.0), np.zeros((8, 2))
    actions[1], weights[:2] = 9.0, 1.0  # the limits of the action are -2 and 2
    unit = policy.sample(
        condition, torch.Generator().manual_seed(0), KnownActions(actions, weights)
    )
    assert unit[0, 0].tolist() == [-0.5, -0.5]
    assert unit[0, 1].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(('skip', 'calls'), [(0.0, 10), (0.5, 5), (0.99, 1)])
def test_a_warm_start_calls_the_network_less_often(skip, calls):
    policy = sample_policy()
    condition = policy.encode([sample_window()])
    seen = []
    denoise = policy.network.denoiser.denoise
    policy.network.denoiser.denoise = lambda *a: seen.append(1) or denoise(*a)
    nothing = np.zeros((8, 2))
    policy.sample(condition, torch.Generator(), KnownActions(nothing, nothing, skip))
    assert len(seen) == calls


@pytest.mark.parametrize('config', CONFIGS)
@pytest.mark.parametrize(('sampler', 'steps'), [('ddim', 10), ('ddpm', 100)])
def test_what_is_certain_stays_under_every_denoiser_and_sampler(config, sampler, steps):
    policy = sample_policy(False, config).with_sampler(sampler, steps)
    actions, weights = np.full((8, 2), 1.0), np.zeros((8, 2))
    weights[:3], weights[3:5] = 1.0, 0.5
    known = KnownActions(actions, weights, skip=0.3)
    unit = policy.sample(policy.encode([sample_window()]), torch.Generator(), known)
    assert (unit[0, :3] == 0.5).all()
    assert torch.isfinite(unit).all()


def test_cameras_may_share_an_encoder():
    policy = sample_policy(True, replace(SMALL, share_image_encoder=True))
    assert list(policy.network.encoder.cameras) == ['all']
    assert policy.predict(sample_window(images=True), seed=1).shape == (8, 2)


def test_other_sampler_same_weights():
    policy = sample_policy()
    slow = policy.with_sampler('ddpm', 20)
    assert slow.predict(sample_window(), seed=1).shape == (8, 2)
    assert slow.network is policy.network
    with pytest.raises(ConfigError, match='inference_steps is 0'):
        policy.with_sampler('ddim', 0)


def test_statistics_of_another_size_are_refused():
    three = np.ones(3, np.float32)
    ranges = {**sample_normalizer().ranges, 'tool': MinMax(-three, three)}
    contract = sample_contract()
    with pytest.raises(CheckpointError, match="'tool' have 3 values, the contract says 2"):
        Policy(contract, SMALL, Normalizer(ranges), PolicyNetwork(contract, SMALL))


def test_horizon_must_fit_the_network():
    with pytest.raises(ConfigError, match='multiple of 2'):
        PolicyNetwork(sample_contract(horizon=7), SMALL)
