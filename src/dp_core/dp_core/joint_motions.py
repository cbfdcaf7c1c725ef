# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Transforms of several joints at many joint positions in a few numpy calls."""

from __future__ import annotations

from collections.abc import Sequence

from dp_core.urdf import Array
from dp_core.urdf import ChainJoint
import numpy as np


class JointMotions:
    """Joint i at value q turns its parent's frame by Rodrigues' formula.

    fixed + sin(q) sine + (1 - cos(q)) versine + q slide, (4, 4) each; fixed joints before a moving
    one are part of its ``fixed``.
    """

    def __init__(self, joints: Sequence[ChainJoint], before: Sequence[Array]):
        """Prepare n moving joints; ``before`` are the (4, 4) poses of their frames at q = 0."""
        self._fixed = np.array(before, dtype=np.float64).reshape(-1, 4, 4)
        self._sine, self._versine, self._slide = np.zeros((3, *self._fixed.shape))
        for i, joint in enumerate(joints):
            rotation = self._fixed[i, :3, :3]
            if joint.kind == 'prismatic':
                self._slide[i, :3, 3] = rotation @ joint.axis
            else:
                self._sine[i, :3, :3] = rotation @ joint.skew
                self._versine[i, :3, :3] = rotation @ joint.skew @ joint.skew

    def at(self, q: Array) -> Array:
        """Transforms (N, n, 4, 4) at values ``q`` (N, n) [rad], or [m] of sliding joints."""
        values = q[:, :, None, None]
        motions = self._fixed + np.sin(values) * self._sine
        motions += (1.0 - np.cos(values)) * self._versine + values * self._slide
        return np.asarray(motions)
