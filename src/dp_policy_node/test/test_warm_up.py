# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from dp_core.pipeline import Pipeline
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
from dp_policy_node.warm_up import warm_up
import numpy as np
import pytest
import three_joints

CAMERA = {'name': 'front', 'kind': 'image', 'topic': 'front', 'size': [24, 24]}


def contract(**changes):
    joints = three_joints.contract().to_dict()['observations']
    return three_joints.contract(observations=[*joints, CAMERA], **changes)


class Watcher:
    """Predicts rest, and keeps what it was asked."""

    def __init__(self, **changes):
        self.contract = contract(**changes)
        self.windows, self.known = [], []

    def predict(self, window, seed, known):
        self.windows.append(window)
        self.known.append(known)
        return np.zeros((self.contract.horizon, self.contract.action_dim), np.float32)


@pytest.mark.parametrize(('n_action_steps', 'new'), [(8, 2), (1, 1)])
def test_every_prediction_sees_as_many_new_pictures_as_in_use(n_action_steps, new):
    watcher = Watcher(n_action_steps=n_action_steps)
    times_s = warm_up(Pipeline(watcher, three_joints.urdf()), 4)
    assert len(times_s) == 3
    seen = [{frame.tobytes() for frame in w.images['front']} for w in watcher.windows]
    assert [len(frames) for frames in seen] == [2, 2, 2, 2]
    for before, after in zip(seen, seen[1:]):
        assert len(after - before) == new
    stamps = [w.t_obs_ns for w in watcher.windows]
    assert set(np.diff(stamps)) == {n_action_steps * watcher.contract.dt_ns}


def test_every_prediction_goes_on_from_what_was_sent_as_rtc_does():
    watcher = Watcher()
    warm_up(Pipeline(watcher, three_joints.urdf()), 3)
    for known in watcher.known:
        assert known.weights.max() == 1.0
        assert known.weights.min() == 0.0
        assert ((known.weights > 0.0) & (known.weights < 1.0)).any()


def test_the_network_encodes_pictures_in_every_prediction():
    made, terms = three_joints.policy(), contract()
    config = replace(three_joints.SMALL, image_channels=(8, 8, 8), image_features=8)
    network = PolicyNetwork(terms, config)
    encoded = []
    network.encoder.cameras['front'].register_forward_hook(lambda *_: encoded.append(1))
    policy = Policy(terms, config, made.normalizer, network)
    warm_up(Pipeline(policy, three_joints.urdf(), seed=1), 3)
    assert len(encoded) == 3 * terms.n_obs_steps
