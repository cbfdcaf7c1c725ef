# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which weights are trained alike: the network names its groups, the training loop uses them."""

from collections.abc import Collection
from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

_CAMERAS = 'encoder.cameras.'
# Parts of image encoders that turn maps into features.
HEAD = frozenset({'keypoints', 'log_sharpness', 'project'})


@dataclass(frozen=True)
class ParameterGroup:
    """Weights with one learning rate and one weight decay.

    Attributes:
        name: ``denoiser``, ``image_encoder`` or ``encoder`` (the heads of image encoders, and
            streams of numbers); followed by ``_no_decay`` where weights do not decay.
        parameters: name in the policy network -> weight; never empty.
        learning_rate: factor on the run's learning rate.
        decays: whether the run's weight decay applies.
    """

    name: str
    parameters: Mapping[str, nn.Parameter]
    learning_rate: float = 1.0
    decays: bool = True


def parameter_groups(
    network: nn.Module, undecayed: Collection[str], image_learning_rate: float
) -> list[ParameterGroup]:
    """Sort every weight of a policy network that is trained into one group.

    Args:
        network: with parts ``encoder`` (and in it ``cameras``) and ``denoiser``.
        undecayed: names of weights that do not decay.
        image_learning_rate: factor on the learning rate of the image encoders but their heads.

    Returns:
        the groups that are not empty; a weight that takes no gradient is in none.
    """
    sorted_in: dict[str, dict[str, nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            group = _group(name) + ('_no_decay' if name in undecayed else '')
            sorted_in.setdefault(group, {})[name] = parameter
    return [
        ParameterGroup(
            name,
            parameters,
            image_learning_rate if name.startswith('image_encoder') else 1.0,
            not name.endswith('_no_decay'),
        )
        for name, parameters in sorted_in.items()
    ]


def is_head(name: str) -> bool:
    """Whether ``<camera>.<part>...`` is behind what others have trained: it always begins anew."""
    return name.split('.')[1] in HEAD


def _group(name: str) -> str:
    if name.startswith(_CAMERAS) and not is_head(name.removeprefix(_CAMERAS)):
        return 'image_encoder'
    return name.partition('.')[0]
