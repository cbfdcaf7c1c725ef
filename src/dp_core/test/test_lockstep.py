# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from functools import partial

from dp_core.evaluation.lockstep import run_in_lockstep
from dp_core.observation import ObservationWindow
import numpy as np
from policy_samples import sample_policy
import pytest
import torch


def window(value):
    return ObservationWindow(
        t_obs_ns=0, low_dim={'tool': np.full((2, 2), value, np.float32)}, images={}
    )


def predictions(policy, seeds):
    return [policy.predict(window(seed % 10), seed) for seed in seeds]


class Counting(torch.nn.Module):
    """A U-Net that writes down how many rows each of its calls has."""

    def __init__(self, unet):
        super().__init__()
        self.unet, self.rows = unet, []

    def modulation(self, timesteps, condition):
        return self.unet.modulation(timesteps, condition)

    def denoise(self, noisy, modulation):
        self.rows.append(len(noisy))
        return self.unet.denoise(noisy, modulation)


def test_threads_predict_what_each_would_alone():
    policy = sample_policy()
    seeds = [[1, 2, 3], [4], [5, 6]]
    alone = [predictions(policy, each) for each in seeds]
    together = run_in_lockstep(policy, [partial(predictions, policy, each) for each in seeds])
    for expected, got in zip(alone, together):
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_rows_of_all_that_still_run_are_joined_in_their_order():
    policy = sample_policy()
    policy.network.denoiser = counting = Counting(policy.network.denoiser)
    seeds = [[1, 2, 3], [4], [5, 6]]
    run_in_lockstep(policy, [partial(predictions, policy, each) for each in seeds])
    steps = policy.config.inference_steps
    assert counting.rows == [3] * steps + [2] * steps + [1] * steps
    assert policy.network.denoiser is counting


def test_the_same_jobs_give_the_same_bits_again():
    policy = sample_policy()
    jobs = [partial(predictions, policy, [seed, seed + 50]) for seed in range(5)]
    first, second = run_in_lockstep(policy, jobs), run_in_lockstep(policy, jobs)
    assert np.array_equal(first, second)


def test_a_job_that_fails_does_not_hold_up_the_others():
    policy, done = sample_policy(), []

    def fails():
        raise ValueError('no more')

    def succeeds():
        done.append(predictions(policy, [7]))

    with pytest.raises(ValueError, match='no more'):
        run_in_lockstep(policy, [fails, succeeds])
    assert len(done) == 1


def test_a_network_that_fails_fails_in_every_thread():
    policy = sample_policy()
    broken = Counting(policy.network.denoiser)
    broken.denoise = lambda noisy, modulation: torch.zeros(2) + torch.zeros(3)
    policy.network.denoiser = broken
    with pytest.raises(RuntimeError, match='size'):
        run_in_lockstep(policy, [partial(predictions, policy, [seed]) for seed in (1, 2)])
