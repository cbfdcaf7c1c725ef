# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Imports torchvision where it is wanted, and bears a build made for another PyTorch."""

from __future__ import annotations

import importlib
from types import ModuleType

from dp_core.errors import ConfigError
import torch

_MODELS = 'torchvision.models'
# Kept for as long as the program runs: with it go the operators it declares.
_declared: list[torch.library.Library] = []


def torchvision_models() -> ModuleType:
    """Import `torchvision.models`, and only when called: it takes a second.

    The wheel of a package index is built for CUDA. Beside a PyTorch for CPUs its library of
    compiled operators cannot be loaded, and the import ends at the first use of one of them.
    Networks need none; once their names are declared it works.

    Raises:
        ConfigError: torchvision is not installed.
    """
    try:
        return importlib.import_module(_MODELS)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"image_encoder 'resnet18' needs torchvision ({error}): install the version that "
            'belongs to your PyTorch, as in requirements/torch.txt, or choose another encoder'
        ) from error
    except RuntimeError as error:
        if 'torchvision::' not in str(error):
            raise
    library = torch.library.Library('torchvision', 'DEF')  # type: ignore[no-untyped-call]
    for name in ('nms', 'qnms'):
        schema = f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor'
        library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
    return importlib.import_module(_MODELS)
