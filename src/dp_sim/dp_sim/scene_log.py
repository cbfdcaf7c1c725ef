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
| start_stamp_ns | () int64 | ROS time of `time_s` 0 [ns], by the clock as it was set last |
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

from array import array
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

    def __init__(
        self,
        episode: int,
        seed: int,
        start_ns: int,
        joints: tuple[str, ...],
        *,
        is_kept: bool = True,
    ) -> None:
        """Begin an empty episode at simulated time `start_ns`; it stays so unless it is kept."""
        self._constants = {
            'seed': np.int64(seed),
            'episode': np.int64(episode),
            'joint_names': np.array(joints),
        }
        self._start_ns = start_ns
        self._is_kept = is_kept
        of_joints = (len(joints),)
        self._shapes: dict[str, tuple[int, ...]] = {
            'time_s': (),
            'measured_positions': of_joints,
            'measured_velocities': of_joints,
            'command_positions': of_joints,
            'command_velocities': of_joints,
            'tool_position': (3,),
            'tool_orientation': (4,),
            'block_pose': (3,),
            'block_position': (3,),
            'block_orientation': (4,),
            'coverage_time_s': (),
            'coverage': (),
            'message_time_s': (),
            'message_accepted': (),
            'goal_begin_s': (),
            'goal_end_s': (),
            'late_time_s': (),
        }
        self._rows = {key: array('d') for key in self._shapes}

    @property
    def name(self) -> str:
        """File name of the episode."""
        return f'episode_{self._constants["episode"]:03d}_seed_{self._constants["seed"]}.npz'

    def seconds(self, stamp_ns: int) -> float:
        """Return the time since the reset [s]."""
        return (stamp_ns - self._start_ns) * 1e-9

    def shift(self, offset_ns: int) -> None:
        """Take note that simulated time is set to so much more than it was."""
        self._start_ns += offset_ns

    def add_state(self, state: SceneState) -> None:
        """Append the state of one published tick."""
        rows, seconds = self._rows, self.seconds(state.stamp_ns)
        if not self._takes(seconds):
            return
        rows['time_s'].append(seconds)
        rows['measured_positions'].extend(state.positions)
        rows['measured_velocities'].extend(state.velocities)
        rows['command_positions'].extend(state.command[0])
        rows['command_velocities'].extend(state.command[1])
        rows['tool_position'].extend(state.tool_position)
        rows['tool_orientation'].extend(state.tool_orientation)
        rows['block_pose'].extend(state.block_pose)
        rows['block_position'].extend(state.block_position)
        rows['block_orientation'].extend(state.block_orientation)

    def add_coverage(self, stamp_ns: int, coverage: float) -> None:
        """Append one measurement of the coverage."""
        seconds = self.seconds(stamp_ns)
        if self._takes(seconds):
            self._rows['coverage_time_s'].append(seconds)
            self._rows['coverage'].append(coverage)

    def add_message(self, stamp_ns: int, accepted: bool) -> None:
        """Append the arrival of a trajectory message."""
        seconds = self.seconds(stamp_ns)
        if self._takes(seconds):
            self._rows['message_time_s'].append(seconds)
            self._rows['message_accepted'].append(accepted)

    def add_late_tick(self, stamp_ns: int) -> None:
        """Append a controller tick that had nothing left to follow."""
        seconds = self.seconds(stamp_ns)
        if self._takes(seconds):
            self._rows['late_time_s'].append(seconds)

    def begin_goal(self, stamp_ns: int) -> None:
        """Note that a goal has begun."""
        if self._is_kept:
            self._rows['goal_begin_s'].append(self.seconds(stamp_ns))
            self._rows['goal_end_s'].append(math.nan)

    def end_goal(self, stamp_ns: int) -> None:
        """Note that the goal has ended."""
        if self._rows['goal_end_s']:
            self._rows['goal_end_s'][-1] = self.seconds(stamp_ns)

    def snapshot(self, realtime_factor: float) -> dict[str, Any]:
        """Return what the file holds, as arrays that nobody appends to any more."""
        rows: dict[str, Any] = {
            key: np.array(self._rows[key]).reshape(-1, *shape)
            for key, shape in self._shapes.items()
        }
        rows['message_accepted'] = rows['message_accepted'].astype(bool)
        start, factor = np.int64(self._start_ns), np.float64(realtime_factor)
        return {**self._constants, 'start_stamp_ns': start, **rows, 'realtime_factor': factor}

    def _takes(self, seconds: float) -> bool:
        return self._is_kept and seconds <= LIMIT_S


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
