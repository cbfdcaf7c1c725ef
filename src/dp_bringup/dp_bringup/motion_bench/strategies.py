# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The strategies that are compared, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dp_bringup.motion_bench import ours
from dp_bringup.motion_bench import queues
from dp_bringup.motion_bench import references
from dp_bringup.motion_bench.thinker import Thinker
from dp_bringup.motion_bench.world import World
from dp_core.trajectory import SEAMS
from dp_core.trajectory import TrajectorySettings

Drive = Callable[[World, Thinker], None]

OURS: dict[str, Drive] = {
    seam: partial(ours.drive, settings=TrajectorySettings(seam=seam)) for seam in SEAMS
}
REFERENCES: dict[str, Drive] = {
    'original': partial(references.drive, make_join=references.original),
    'lerobot': queues.drive_blend,
    'axol': queues.drive_fade,
    'clock_sampling': partial(references.drive, make_join=references.clock_sampling),
    'spline_replace': partial(references.drive, make_join=references.spline_replace),
}
STRATEGIES = OURS | REFERENCES
