# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from dp_core.policy import PolicyNetwork
from policy_samples import sample_contract
from policy_samples import SMALL
from policy_samples import TRANSFORMER


def groups(images, **changes):
    network = PolicyNetwork(sample_contract(images), replace(SMALL, **changes))
    return network, {group.name: group for group in network.parameter_groups()}


def test_every_weight_is_in_one_group():
    network, named = groups(images=True)
    assert sorted(named) == ['denoiser', 'image_encoder']
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
    assert named['denoiser'].learning_rate == 1.0


def test_frozen_image_encoders_are_in_no_group():
    network, named = groups(images=True, image_learning_rate=0.0)
    assert sorted(named) == ['denoiser']
    assert not any(p.requires_grad for p in network.encoder.cameras.parameters())


def test_the_transformer_has_weights_that_do_not_decay():
    network = PolicyNetwork(sample_contract(images=True), TRANSFORMER)
    named = {group.name: group for group in network.parameter_groups()}
    assert sorted(named) == ['denoiser', 'denoiser_no_decay', 'image_encoder']
    assert [named[n].decays for n in sorted(named)] == [True, False, True]
    names = [name for group in named.values() for name in group.parameters]
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())
