# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Rows of the paper's tables that can be measured here, and our own beside them.

Chi et al., 2303.04137: table 1 (state), table 2 (images); each entry is the best checkpoint and
the mean of the last ten, over three training seeds and 50 environment seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PUSHT, UR5E = 'gym_pusht/PushT-v0', 'dp_sim/UR5ePushT-v0'
STEP_LIMITS = {PUSHT: 300, UR5E: 600}  # of an episode [policy step]
N_ACTION_STEPS = 8
_SMALL = ('dilated', 'conv')  # image encoders for a CPU


@dataclass(frozen=True)
class Row:
    """One line of the report.

    Attributes:
        task: what is done and what is seen.
        network: what denoises, and what encodes images.
        match: keys of a result and their valid values; a result that has one of each is this
            row's, whatever the order of its streams and disturbances.
        paper: best and mean of the last ten there; None where the paper has no such row.
    """

    task: str
    network: str
    match: Mapping[str, tuple[Any, ...]]
    paper: tuple[float, float] | None = None

    def fits(self, result: Mapping[str, Any]) -> bool:
        """Say whether a result belongs to this row."""
        return all(_plain(result.get(key)) in valid for key, valid in self.match.items())


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def _row(
    task: str,
    env: str,
    streams: tuple[str, ...],
    denoiser: str,
    encoder: str = '',
    paper: tuple[float, float] | None = None,
    disturbances: tuple[str, ...] = (),
    is_frozen: bool = False,
) -> Row:
    names = {'unet': 'U-Net', 'transformer': 'transformer'}
    names |= {'small': 'small encoder', 'resnet18': 'ResNet-18'}
    match = {
        'env': (env,),
        'streams': (sorted(streams),),
        'denoiser': (denoiser,),
        'image_encoder': _SMALL if encoder == 'small' else (encoder,),
        'disturbances': (sorted(disturbances),),
        'frozen_encoder': (True,) if is_frozen else (False, None),  # older results do not say
    }
    network = ', '.join(names[part] for part in (denoiser, encoder) if part)
    network += ' (frozen)' if is_frozen else ''
    return Row(task, network, match, paper)


_KEYPOINTS, _IMAGE = 'Push-T, corners of the T', 'Push-T, 96 px image'
_STATE, _CAMERAS = 'UR5e Push-T, corners of the T', 'UR5e Push-T, two cameras'
_SEEN = {
    _KEYPOINTS: ('environment_state', 'agent_pos'),
    _IMAGE: ('pixels', 'agent_pos'),
    _STATE: ('block', 'tool'),
    _CAMERAS: ('front', 'wrist', 'tool'),
}
_TOLD = {
    'shove': 'the T is shoved',
    'cover': 'cameras covered for 3 s',
    'distractor': 'a distractor on the table',
    'light': 'half the light',
}
ROWS = (
    _row(_KEYPOINTS, PUSHT, _SEEN[_KEYPOINTS], 'unet', paper=(0.95, 0.91)),
    _row(_KEYPOINTS, PUSHT, _SEEN[_KEYPOINTS], 'transformer', paper=(0.95, 0.79)),
    _row(_IMAGE, PUSHT, _SEEN[_IMAGE], 'unet', 'resnet18', paper=(0.91, 0.84)),
    _row(_IMAGE, PUSHT, _SEEN[_IMAGE], 'transformer', 'resnet18', paper=(0.78, 0.66)),
    _row(_IMAGE, PUSHT, _SEEN[_IMAGE], 'unet', 'small'),
    _row(_IMAGE, PUSHT, _SEEN[_IMAGE], 'unet', 'small', is_frozen=True),
    _row(_STATE, UR5E, _SEEN[_STATE], 'unet'),
    _row(f'{_STATE}; {_TOLD["shove"]}', UR5E, _SEEN[_STATE], 'unet', disturbances=('shove',)),
    _row(_CAMERAS, UR5E, _SEEN[_CAMERAS], 'unet', 'small'),
    _row(_CAMERAS, UR5E, _SEEN[_CAMERAS], 'unet', 'small', is_frozen=True),
    *(
        _row(f'{_CAMERAS}; {told}', UR5E, _SEEN[_CAMERAS], 'unet', 'small', disturbances=(name,))
        for name, told in _TOLD.items()
    ),
    _row(_CAMERAS, UR5E, _SEEN[_CAMERAS], 'unet', 'resnet18'),
)
