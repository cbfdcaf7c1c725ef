# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that somebody else trained, read from a file without running what may be in it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
import pickle

from dp_core.errors import CheckpointError
from safetensors import SafetensorError
from safetensors.torch import load_file
import torch
from torch import nn
from torch import Tensor

# Training programs put the weights beside other things, under one of these names.
_INSIDE = ('state_dict', 'model_state_dict', 'model')


# What readers of weights raise over bytes that are none.
_DAMAGED = (SafetensorError, OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError)


def read_weights(path: Path | str) -> dict[str, Tensor]:
    """Read a file of weights: safetensors, or what `torch.save` wrote of tensors alone.

    Raises:
        CheckpointError: the file is absent, damaged, or a pickle of anything but tensors. Such a
            pickle can run any program when it is opened, so it is not.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f'no file of weights at {path}')
    try:
        if path.suffix == '.safetensors':
            return dict(load_file(path))
        content = torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f'{path} is not opened, for it is a pickle of more than tensors and could run any '
            f'program: {_first_line(error)}. Have its author save the weights as safetensors'
        ) from error
    except _DAMAGED as error:
        if 'TorchScript' in str(error):
            raise CheckpointError(
                f'{path} is a program (TorchScript, as OpenAI publishes CLIP), which is not run '
                'to get at its weights; take them as safetensors, as Hugging Face has them '
                '(openai/clip-vit-base-patch16)'
            ) from error
        raise CheckpointError(f'cannot read weights from {path}: {_first_line(error)}') from error
    for name in _INSIDE:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict) or not content:
        raise CheckpointError(f'{path} holds {type(content).__name__}, valid: named tensors')
    strange = [name for name, value in content.items() if not isinstance(value, Tensor)]
    if strange:
        raise CheckpointError(f'{path} holds more than named tensors: {strange[:3]}')
    return dict(content)


def fill(
    module: nn.Module,
    weights: Mapping[str, Tensor],
    source: Path | str,
    wanted: Callable[[str], bool] = lambda _: True,
) -> None:
    """Copy ``weights`` into ``module``; what the file has beyond that is left.

    Args:
        module: to fill.
        weights: by the module's own names.
        source: file they come from, for the message.
        wanted: whether to fill the weight of a name; the others stay as they are.

    Raises:
        CheckpointError: a weight is missing, has another shape, or is not finite. Nothing has
            been copied then.
    """
    own = {name: value for name, value in module.state_dict().items() if wanted(name)}
    missing = [name for name in own if name not in weights]
    if missing:
        raise CheckpointError(
            f'{source} is of another network: it lacks {len(missing)} of {len(own)} weights, '
            f'such as {missing[:3]}; it has {sorted(weights)[:3]} ...'
        )
    for name, value in own.items():
        if weights[name].shape != value.shape:
            raise CheckpointError(
                f'{source} is of another network: {name} has shape '
                f'{tuple(weights[name].shape)}, valid: {tuple(value.shape)}'
            )
        if not torch.isfinite(weights[name]).all():
            raise CheckpointError(f'{source}: {name} contains NaN or infinity')
    module.load_state_dict({name: weights[name] for name in own}, strict=False)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition('\n')[0].rstrip('.')
