# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The waypoints that the original Diffusion Policy's controller process follows, at bounded speed.

Re-implemented from its real_env.py, rtde_interpolation_controller.py and
pose_trajectory_interpolator.py.
"""

from __future__ import annotations

import math

from dp_core.kinematics import KinematicChain
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
# The original's limits of each axis, times the diagonal of a cube [m/s], [rad/s].
MAX_TOOL_SPEED, MAX_TOOL_TURN = 0.25 * math.sqrt(3.0), 0.6 * math.sqrt(3.0)


class Waypoints:
    """A path of straight lines, of which a new waypoint replaces what is due at its time or later.

    A waypoint too far away for its time is reached later, at the limit of speed or of turning. But
    the next one continues from where the arm is when the waypoint before was asked for, not
    reached, as the original does: so only the last of a chunk is reached late, the others are cut.

    The original draws its lines in poses of the tool, these are of joints: centimetres apart, both
    are nearly the same.
    """

    def __init__(self, rest: Array, chain: KinematicChain) -> None:
        """Rest at joint positions `rest` (J,) [rad]; `chain` leads to the tool."""
        self._chain = chain
        self._asked_ns = 0  # time that was asked for last
        self.times_ns = np.zeros(1, dtype=np.int64)
        self.positions = np.array(rest)[None]

    def schedule(self, position: Array, time_ns: int, now_ns: int) -> None:
        """Add a waypoint.

        Args:
            position: (J,) [rad].
            time_ns: when it is to be reached, in the future [ns].
            now_ns: what the path was until now stays as it is [ns].
        """
        end_ns = now_ns if time_ns <= self._asked_ns else max(self._asked_ns, now_ns)
        kept = self.times_ns[(now_ns < self.times_ns) & (self.times_ns < end_ns)]
        times_ns = np.unique([now_ns, *kept, end_ns])
        positions = self.at(times_ns)
        least_ns = round(self._least_s(positions[-1], position) * 1e9)
        reached_ns = end_ns + max(time_ns - end_ns, least_ns)
        self.times_ns = np.append(times_ns, reached_ns)
        self.positions = np.concatenate([positions, position[None]])
        self._asked_ns = time_ns

    def at(self, times_ns: NDArray[np.int64]) -> Array:
        """Joint positions (N, J) [rad] at times [ns]; the ends of the path are held."""
        begin_ns = self.times_ns[0]
        since_ns, knots_ns = times_ns - begin_ns, self.times_ns - begin_ns
        columns = [np.interp(since_ns, knots_ns, column) for column in self.positions.T]
        return np.stack(columns, axis=1)

    def _least_s(self, begin: Array, end: Array) -> float:
        """Least time from one joint position (J,) [rad] to another [s]."""
        start, goal = self._chain.forward(begin), self._chain.forward(end)
        way_m = float(np.linalg.norm(goal[:3, 3] - start[:3, 3]))
        turn_rad = float(Rotation.from_matrix(goal[:3, :3] @ start[:3, :3].T).magnitude())
        return max(way_m / MAX_TOOL_SPEED, turn_rad / MAX_TOOL_TURN)
