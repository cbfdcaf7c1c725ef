# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""episodes.npz: the block's way in every episode, from which anyone can compute the scores.

It needs nothing of this suite: the outline of the T and the goal pose lie in the file.

| key | shape | meaning |
|---|---|---|
| seeds | (E,) | seed of each episode's start |
| episode_ends | (E,) | end of each episode's rows; the first begins at 0 |
| time_s | (N,) | since the start of the episode's scene, 10 Hz [s] |
| block_pose | (N, 3) | x, y [m], yaw [rad] of the T in the frame of the goal pose |
| coverage | (N,) | part of the goal that is covered, as the scene measured it |
| goal_pose | (3,) | x, y [m], yaw [rad] |
| block_corners | (8, 2) | outline of the T, fixed to it [m] |
| full_coverage | () | coverage that counts as solved |
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dp_bringup.episode_log import EpisodeLog
from dp_bringup.npz_file import load_arrays
from dp_core.errors import DatasetError
import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Polygon

Array = NDArray[np.float64]
NEEDED = ('seeds', 'episode_ends', 'block_pose', 'goal_pose', 'block_corners', 'full_coverage')


def write_episodes(
    path: Path, logs: Sequence[EpisodeLog], goal_pose: Array, corners: Array, full_coverage: float
) -> None:
    """Write the file for the goals of these logs."""
    rows = [log.scored() for log in logs]
    np.savez_compressed(
        path,
        seeds=np.array([log.seed for log in logs]),
        episode_ends=np.cumsum([len(times) for times, _, _ in rows]),
        time_s=np.concatenate([times for times, _, _ in rows]),
        block_pose=np.concatenate([poses for _, poses, _ in rows]),
        coverage=np.concatenate([coverage for _, _, coverage in rows]),
        goal_pose=np.asarray(goal_pose, dtype=np.float64),
        block_corners=np.asarray(corners, dtype=np.float64),
        full_coverage=np.float64(full_coverage),
    )


def rescore(path: Path) -> dict[int, float]:
    """Compute each episode's score, max over time of clip(coverage / full, 0, 1), by its seed.

    Raises:
        DatasetError: the file cannot be read, or is another one.
    """
    data = load_arrays(path, NEEDED)
    goal = outline(data['goal_pose'], data['block_corners'])
    scores, begin = {}, 0
    for seed, end in zip(data['seeds'].tolist(), data['episode_ends'].tolist()):
        best = max(covered(goal, pose, data['block_corners']) for pose in _rows(data, begin, end))
        scores[seed] = min(best / float(data['full_coverage']), 1.0)
        begin = end
    return scores


def outline(pose: Array, corners: Array) -> Polygon:
    """Return the T (8, 2) at a pose (x, y, yaw)."""
    x, y, yaw = pose
    cos, sin = np.cos(yaw), np.sin(yaw)
    return Polygon(corners @ np.array([[cos, sin], [-sin, cos]]) + (x, y))


def covered(goal: Polygon, pose: Array, corners: Array) -> float:
    """Return the part of the goal that the T at a pose covers, in [0, 1]."""
    return float(outline(pose, corners).intersection(goal).area / goal.area)


def _rows(data: dict[str, Array], begin: int, end: int) -> Array:
    if end <= begin:
        raise DatasetError(f'an episode of episodes.npz is empty: rows {begin} to {end}')
    return data['block_pose'][begin:end]
