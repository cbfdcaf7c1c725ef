# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What happened in one episode, as a file: for videos, plots, and to recompute scores.

An episode lasts from one reset to the next. sim_node writes it to `log_dir` when a goal of the
policy ends, and again, with what followed, at the next reset and at shutdown; the name
`episode_<number, 3 digits>_seed_<seed>.npz` stays the same. A file is replaced in one step:
readers see the old or the new one, never half. Arrays (numpy.load without pickle; J joints, frame
`world`):

| key | shape | meaning |
|---|---|---|
| seed, episode | () int64 | seed of the start; number of the reset since the node began |
| start_stamp_ns | () int64 | ROS time of `time_s` 0 [ns] |
| joint_names | (J,) str | order of the joint columns |
| time_s | (T,) | simulated time since the reset, 125 Hz by default [s] |
| measured_positions, measured_velocities | (T, J) | of the simulated arm [rad], [rad/s] |
| command_positions, command_velocities | (T, J) | sent to the servos in that tick [rad], [rad/s] |
| tool_position, tool_orientation | (T, 3), (T, 4) | pusher tip [m], quaternion x, y, z, w |
| block_pose | (T, 3) | block x, y, yaw [m], [rad] |
| block_position, block_orientation | (T, 3), (T, 4) | the same in space [m], x, y, z, w |
| coverage_time_s, coverage | (C,) | part of the target that is covered, 10 Hz [s], [1] |
| message_time_s, message_accepted | (M,) | trajectory messages: when and whether taken [s], bool |
| goal_begin_s, goal_end_s | (G,) | goals of the policy; an end of NaN is still open [s] |
| late_time_s | (L,) | controller ticks counted as late [s] |
| realtime_factor | () | simulated over wall time since the goal began, when written |

The score is clip(max(coverage) / 0.95, 0, 1).
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from dp_sim.scene_state import SceneState
import numpy as np

# Recording stops after this much simulated time, so an idle node does not fill the memory [s].
LIMIT_S = 1800.0


class SceneLog:
    """Collects one episode in memory. Not locked: only one thread may call it."""

    def __init__(self, episode: int, seed: int, start_ns: int, joints: tuple[str, ...]) -> None:
        """Begin an empty episode at simulated time `start_ns`."""
        self._constants = {
            'seed': np.int64(seed),
            'episode': np.int64(episode),
            'start_stamp_ns': np.int64(start_ns),
            'joint_names': np.array(joints),
        }
        self._start_ns = start_ns
        self._rows: dict[str, list[Any]] = {
            'time_s': [],
            'measured_positions': [],
            'measured_velocities': [],
            'command_positions': [],
            'command_velocities': [],
            'tool_position': [],
            'tool_orientation': [],
            'block_pose': [],
            'block_position': [],
            'block_orientation': [],
            'coverage_time_s': [],
            'coverage': [],
            'message_time_s': [],
            'message_accepted': [],
            'goal_begin_s': [],
            'goal_end_s': [],
            'late_time_s': [],
        }

    @property
    def name(self) -> str:
        """File name of the episode."""
        return f'episode_{self._constants["episode"]:03d}_seed_{self._constants["seed"]}.npz'

    def seconds(self, stamp_ns: int) -> float:
        """Return the time since the reset [s]."""
        return (stamp_ns - self._start_ns) * 1e-9

    def add_state(self, state: SceneState) -> None:
        """Append the state of one published tick."""
        rows, seconds = self._rows, self.seconds(state.stamp_ns)
        if seconds > LIMIT_S:
            return
        rows['time_s'].append(seconds)
        rows['measured_positions'].append(state.positions)
        rows['measured_velocities'].append(state.velocities)
        rows['command_positions'].append(state.command[0])
        rows['command_velocities'].append(state.command[1])
        rows['tool_position'].append(state.tool_position)
        rows['tool_orientation'].append(state.tool_orientation)
        rows['block_pose'].append(state.block_pose)
        rows['block_position'].append(state.block_position)
        rows['block_orientation'].append(state.block_orientation)

    def add_coverage(self, stamp_ns: int, coverage: float) -> None:
        """Append one measurement of the coverage."""
        if self.seconds(stamp_ns) <= LIMIT_S:
            self._rows['coverage_time_s'].append(self.seconds(stamp_ns))
            self._rows['coverage'].append(coverage)

    def add_message(self, stamp_ns: int, accepted: bool) -> None:
        """Append the arrival of a trajectory message."""
        self._rows['message_time_s'].append(self.seconds(stamp_ns))
        self._rows['message_accepted'].append(accepted)

    def add_late_tick(self, stamp_ns: int) -> None:
        """Append a controller tick that had nothing left to follow."""
        if self.seconds(stamp_ns) <= LIMIT_S:
            self._rows['late_time_s'].append(self.seconds(stamp_ns))

    def begin_goal(self, stamp_ns: int) -> None:
        """Note that a goal has begun."""
        self._rows['goal_begin_s'].append(self.seconds(stamp_ns))
        self._rows['goal_end_s'].append(math.nan)

    def end_goal(self, stamp_ns: int) -> None:
        """Note that the goal has ended."""
        if self._rows['goal_end_s']:
            self._rows['goal_end_s'][-1] = self.seconds(stamp_ns)

    def snapshot(self, realtime_factor: float) -> dict[str, Any]:
        """Return what the file holds, as lists that nobody appends to any more."""
        rows = {key: list(values) for key, values in self._rows.items()}
        return {**self._constants, **rows, 'realtime_factor': np.float64(realtime_factor)}


def write_log(folder: Path, name: str, snapshot: dict[str, Any]) -> Path:
    """Write an episode in one step and return its path; make the folder where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    partial = folder / f'.{name}.{os.getpid()}.part'
    try:
        with partial.open('wb') as file:
            np.savez_compressed(file, **{k: np.array(v) for k, v in snapshot.items()})
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
