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


@dataclass(frozen=True)
class Row:
    """One line of the report.

    Attributes:
        task: what is done and what is seen.
        network: what denoises, and what encodes images.
        match: keys of a result and their values; a result that has them all is this row's.
        paper: best and mean of the last ten there; None where the paper has no such row.
    """

    task: str
    network: str
    match: Mapping[str, Any]
    paper: tuple[float, float] | None = None

    def fits(self, result: Mapping[str, Any]) -> bool:
        """Say whether a result belongs to this row."""
        return all(result.get(key) == value for key, value in self.match.items())


def _row(
    task: str,
    env: str,
    images: bool,
    denoiser: str,
    encoder: str = '',
    paper: tuple[float, float] | None = None,
    disturbances: tuple[str, ...] = (),
) -> Row:
    names = {'unet': 'U-Net', 'transformer': 'transformer', 'conv': 'small encoder'}
    names |= {'resnet18': 'ResNet-18', 'clip_vit_b_16': 'CLIP ViT-B/16'}
    match = {'env': env, 'images': images, 'denoiser': denoiser}
    match |= {'image_encoder': encoder, 'disturbances': list(disturbances)}
    network = ', '.join(names[part] for part in (denoiser, encoder) if part)
    return Row(task, network, match, paper)


_KEYPOINTS, _IMAGE = 'Push-T, corners of the T', 'Push-T, 96 px image'
_STATE, _CAMERAS = 'UR5e Push-T, corners of the T', 'UR5e Push-T, two cameras'
_TOLD = {
    'shove': 'the T is shoved',
    'cover': 'cameras covered for 3 s',
    'distractor': 'a distractor on the table',
    'light': 'half the light',
}
ROWS = (
    _row(_KEYPOINTS, PUSHT, False, 'unet', paper=(0.95, 0.91)),
    _row(_KEYPOINTS, PUSHT, False, 'transformer', paper=(0.95, 0.79)),
    _row(_IMAGE, PUSHT, True, 'unet', 'resnet18', paper=(0.91, 0.84)),
    _row(_IMAGE, PUSHT, True, 'transformer', 'resnet18', paper=(0.78, 0.66)),
    _row(_IMAGE, PUSHT, True, 'unet', 'conv'),
    _row(_STATE, UR5E, False, 'unet'),
    _row(f'{_STATE}; {_TOLD["shove"]}', UR5E, False, 'unet', disturbances=('shove',)),
    _row(_CAMERAS, UR5E, True, 'unet', 'conv'),
    *(
        _row(f'{_CAMERAS}; {told}', UR5E, True, 'unet', 'conv', disturbances=(name,))
        for name, told in _TOLD.items()
    ),
    _row(_CAMERAS, UR5E, True, 'unet', 'resnet18'),
)
