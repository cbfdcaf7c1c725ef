# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from dp_core.policy import PolicyNetwork
from dp_core.training.learner import optimizer_groups
from dp_core.training.options import TrainConfig
from policy_samples import sample_contract
from policy_samples import SMALL
from policy_samples import TRANSFORMER


def groups(images, **changes):
    network = PolicyNetwork(sample_contract(images), replace(SMALL, **changes))
    return network, {group.name: group for group in network.parameter_groups()}


def test_every_weight_is_in_one_group():
    network, named = groups(images=True)
    assert sorted(named) == ['denoiser', 'encoder', 'image_encoder']
    names = [name for group in named.values() for name in group.parameters]
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())
    for group in named.values():
        for name, parameter in group.parameters.items():
            assert network.get_parameter(name) is parameter


def test_groups_of_a_policy_without_cameras():
    _, named = groups(images=False)
    assert [(g.name, g.learning_rate, g.decays) for g in named.values()] == [
        ('denoiser', 1.0, True)
    ]


def test_image_encoders_learn_at_their_own_rate():
    _, named = groups(images=True, image_learning_rate=0.1)
    assert named['image_encoder'].learning_rate == 0.1
    assert named['denoiser'].learning_rate == named['encoder'].learning_rate == 1.0


def test_heads_of_image_encoders_learn_at_the_full_rate():
    _, named = groups(images=True, image_learning_rate=0.1)
    heads = {name.split('.')[3] for name in named['encoder'].parameters}
    assert heads == {'keypoints', 'log_sharpness', 'project'}
    trunk = {name.split('.')[3] for name in named['image_encoder'].parameters}
    assert trunk == {'levels', 'wide'}


def test_frozen_image_encoders_are_in_no_group():
    network, named = groups(images=True, image_learning_rate=0.0)
    assert sorted(named) == ['denoiser', 'encoder']
    frozen = [n for n, p in network.encoder.cameras.named_parameters() if not p.requires_grad]
    assert frozen
    assert {name.split('.')[1] for name in frozen} == {'levels', 'wide'}


def test_the_transformer_has_weights_that_do_not_decay():
    network = PolicyNetwork(sample_contract(images=True), TRANSFORMER)
    named = {group.name: group for group in network.parameter_groups()}
    assert sorted(named) == ['denoiser', 'denoiser_no_decay', 'encoder', 'image_encoder']
    assert [named[n].decays for n in sorted(named)] == [True, False, True, True]
    names = [name for group in named.values() for name in group.parameters]
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())


def test_the_decay_of_the_denoiser_is_not_that_of_encoders():
    network = PolicyNetwork(sample_contract(True), TRANSFORMER)
    named = [group.name for group in network.parameter_groups()]
    options = TrainConfig(('data',), 'run', steps=1, weight_decay=0.1, encoder_weight_decay=1e-6)
    made = [group['weight_decay'] for group in optimizer_groups(network, options)]
    assert dict(zip(named, made, strict=True)) == {
        'image_encoder': 1e-6, 'encoder': 1e-6, 'denoiser': 0.1, 'denoiser_no_decay': 0.0
    }  # fmt: skip
