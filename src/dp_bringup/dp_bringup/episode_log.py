# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""An episode as the scene recorded it (the file is described in dp_sim/scene_log.py)."""

from __future__ import annotations

from dataclasses import dataclass
import math
from pathlib import Path
import re

from dp_bringup.npz_file import load_arrays
from dp_core.errors import DatasetError
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EpisodeLog:
    """One goal in the scene. T rows of states, C measurements of the coverage, J joints.

    Attributes:
        seed: of the start.
        start_stamp_ns: ROS time of second 0 [ns].
        joint_names: J names.
        time_s: (T,) since the reset [s].
        measured, commanded: (T, J) joint positions [rad].
        tool_position: (T, 3) [m].
        block_pose: (T, 3) x, y [m], yaw [rad].
        block_position, block_orientation: (T, 3) [m], (T, 4) quaternion x, y, z, w.
        coverage_time_s, coverage: (C,) [s], in [0, 1].
        begin_s, end_s: of the last goal [s].
    """

    seed: int
    start_stamp_ns: int
    joint_names: tuple[str, ...]
    time_s: Array
    measured: Array
    commanded: Array
    tool_position: Array
    block_pose: Array
    block_position: Array
    block_orientation: Array
    coverage_time_s: Array
    coverage: Array
    begin_s: float
    end_s: float

    @classmethod
    def load(cls, path: Path) -> EpisodeLog:
        """Read a file of sim_node.

        Raises:
            DatasetError: the file cannot be read, or holds no goal.
        """
        data = load_arrays(path, (*_ARRAYS, *_OTHERS))
        if not len(data['goal_begin_s']):
            raise DatasetError(f'{path} holds no goal: none was executed in that episode')
        end_s = float(data['goal_end_s'][-1])
        return cls(
            seed=int(data['seed']),
            start_stamp_ns=int(data['start_stamp_ns']),
            joint_names=tuple(data['joint_names'].tolist()),
            measured=data['measured_positions'],
            commanded=data['command_positions'],
            begin_s=float(data['goal_begin_s'][-1]),
            end_s=end_s if math.isfinite(end_s) else float(data['time_s'][-1]),
            **{name: data[name] for name in _ARRAYS},
        )

    def seconds(self, stamp_ns: int) -> float:
        """Return the time since the reset of a ROS stamp [s]."""
        return (stamp_ns - self.start_stamp_ns) * 1e-9

    def index(self, time_s: float) -> int:
        """Return the newest row at a time since the reset."""
        return max(int(np.searchsorted(self.time_s, time_s, side='right')) - 1, 0)

    def scored(self) -> tuple[Array, Array, Array]:
        """Return what the score is made of: the ticks of the coverage while the goal ran.

        Returns:
            times (N,) [s], block poses (N, 3) [m, m, rad], coverage (N,) as the scene measured it.
        """
        inside = (self.coverage_time_s >= self.begin_s) & (self.coverage_time_s < self.end_s)
        times = self.coverage_time_s[inside]
        x, y, yaw = self.block_pose.T
        poses = [np.interp(times, self.time_s, row) for row in (x, y, np.unwrap(yaw))]
        return times, np.stack(poses, axis=1), self.coverage[inside]


_ARRAYS = (
    'time_s',
    'tool_position',
    'block_pose',
    'block_position',
    'block_orientation',
    'coverage_time_s',
    'coverage',
)
_OTHERS = (
    'seed',
    'start_stamp_ns',
    'joint_names',
    'measured_positions',
    'command_positions',
    'goal_begin_s',
    'goal_end_s',
)
_NAME = re.compile(r'episode_(\d+)_seed_(\d+)\.npz')


def goal_logs(folder: Path) -> dict[int, Path]:
    """Find the log of each seed's goal, in the order of the episodes.

    The scene counts its resets, and one that was asked for again counts twice: of a seed's files
    the newest that holds a goal is meant. Number 0 is the scene before the first reset.

    Raises:
        DatasetError: a file cannot be read.
    """
    names = [found for path in folder.glob('episode_*') if (found := _NAME.fullmatch(path.name))]
    logs: dict[int, Path] = {}
    for number, seed, name in sorted((int(n[1]), int(n[2]), n[0]) for n in names):
        path = folder / name
        if number and len(load_arrays(path, ['goal_begin_s'])['goal_begin_s']):
            logs.pop(seed, None)
            logs[seed] = path
    return logs
