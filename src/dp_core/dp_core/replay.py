# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
r"""A recorded episode -> one motion that drives its commands again, from rest to rest.

The commands are decoded as those of a policy are (`dp_core.action_space`), and followed by the
same planner (`dp_core.trajectory.connect`), a window after the other, each begun at a knot of the
one before::

    recorded    |---------------------------------------------|
    window 1    |======---|
    window 2          |======---|
    ...                                                  |====| and to rest

What the limits do not allow is refused, not slowed: a replay shows what was recorded, or says why
not.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace

from dp_core.action_space import ActionSpace
from dp_core.chunk import ActionChunk
from dp_core.chunk import stretched
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_core.errors import LimitError
from dp_core.guard import Guard
from dp_core.guard import SLOWED_RAD
from dp_core.limits import MotionLimits
from dp_core.motion import CommandedMotion
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
from dp_core.tool_plane import joint_solver
from dp_core.trajectory import connect
from dp_core.trajectory import TrajectorySettings
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# A window, and when the next one takes over, at full speed [s].
WINDOW_S, ADVANCE_S = 4.0, 2.0
PLANNING = TrajectorySettings(seam='replace', max_blind_s=WINDOW_S)
# From rest the arm catches up with commands that begin in motion, within this time [s].
CATCH_UP_S = 1.0
# Commands are stored with 32 bit: one at a bound may lie this far beyond.
ROUNDING = 1e-6
# Fewer commands than these are no motion.
MIN_STEPS = 4


@dataclass(frozen=True)
class ReplayPlan:
    """What a replay drives.

    Attributes:
        chunk: the commands of the episode, with the times at which they are due; it begins at 0.
        trajectory: what is sent; it begins at 0, where the arm rests.
        off_rad: (J,) largest distance of the motion from the commands, once it has caught up.
    """

    chunk: ActionChunk
    trajectory: Trajectory
    off_rad: Array

    @property
    def first(self) -> Array:
        """Positions (J,) of the first command [rad]."""
        return np.asarray(self.chunk.positions[0])


def require_robot(contract: Contract) -> None:
    """Raise ConfigError when the contract commands no robot."""
    simulated = [group.name for group in contract.actions if group.kind == 'vector']
    if simulated:
        raise ConfigError(
            f'contract {contract.name!r} commands no robot: its action groups {simulated} are '
            'plain vectors'
        )


def episode_chunk(
    contract: Contract, actions: Array, urdf: str, seed: Array, speed_scale: float = 1.0
) -> ActionChunk:
    """Decode the commands of an episode as one long chunk that begins at 0.

    Args:
        contract: of the dataset.
        actions: (N, A) commands, one every ``contract.dt_s``.
        urdf: the robot.
        seed: (J,) joint positions near the first command, for inverse kinematics [rad].
        speed_scale: in (0, 1]; below 1 the episode is stretched in time.

    Raises:
        DatasetError: commands are too few, not finite, or outside the contract's bounds.
        ConfigError: the contract commands no robot, or ``speed_scale`` is not valid.
        KinematicsError: a command cannot be reached, or the robot lacks links or joints.
    """
    require_robot(contract)
    if actions.ndim != 2 or actions.shape[1] != contract.action_dim or len(actions) < MIN_STEPS:
        raise DatasetError(
            f'the commands are {actions.shape}, valid: {MIN_STEPS} steps or more of '
            f'{contract.action_dim} numbers'
        )
    if not np.isfinite(actions).all():
        bad = int(np.argmax(~np.isfinite(actions).all(axis=1)))
        raise DatasetError(f'command {bad} is {actions[bad].tolist()}, valid: finite numbers')
    groups = contract.actions
    space = ActionSpace(groups, [joint_solver(group, urdf) for group in groups])
    clamped = space.clamp(actions)
    beyond = np.abs(clamped - actions)
    if beyond.max() > ROUNDING:
        k, a = np.unravel_index(int(np.argmax(beyond)), beyond.shape)
        name = [dim for group in groups for dim in group.dims][a]
        raise DatasetError(
            f'command {k} has {name} {actions[k, a]:.4f}, the bound of the contract is '
            f'{clamped[k, a]:.4f}'
        )
    step_ns, _ = stretched(contract, speed_scale)
    return ActionChunk(
        stamp_ns=max(space.joint_latency_ns),  # so that nothing is due before 0
        step_ns=step_ns,
        offset_ns=0,
        joint_names=space.joint_names,
        positions=space.joints(clamped, seed),
        actions=clamped,
        stretch=1.0 / speed_scale,
        latency_ns=space.joint_latency_ns,
    )


def plan_replay(chunk: ActionChunk, guard: Guard, start: Array | None = None) -> ReplayPlan:
    """Plan the motion along a whole episode, from rest to rest, and check all of it.

    Args:
        chunk: of `episode_chunk`.
        guard: limits of the robot.
        start: (J,) where the arm rests, near the first command [rad]; None for that command.

    Raises:
        LimitError: a limit of ``guard`` does not allow what was recorded; names joint, value,
            limit and time, or the steps.
    """
    position = chunk.positions[0] if start is None else start
    rest = MotionState(position, np.zeros_like(position), np.zeros_like(position))
    guard.check_chunk(chunk, rest, 0)
    trajectory = _follow(chunk, position, guard.limits)
    off_rad = _require_same(chunk, trajectory)
    guard.check_motion(trajectory, rest)
    return ReplayPlan(chunk, trajectory, off_rad)


def _follow(chunk: ActionChunk, position: Array, limits: MotionLimits) -> Trajectory:
    """Plan window after window, and keep of each what comes before the next."""
    motion, now_ns, is_last = CommandedMotion(position), 0, False
    end_ns = int(chunk.due_ns()[-1].min())
    times_s, positions, velocities = [], [], []
    while not is_last:
        window = connect(chunk, motion, now_ns, PLANNING, limits)
        is_last = end_ns - now_ns <= WINDOW_S * 1e9 * chunk.stretch
        kept = len(window.times_s)
        if not is_last:
            kept = int(np.searchsorted(window.times_s, ADVANCE_S * chunk.stretch))
        times_s.append(now_ns * 1e-9 + window.times_s[:kept])
        positions.append(window.positions[:kept])
        velocities.append(window.velocities[:kept])
        motion.follow(window)
        now_ns += round(float(window.times_s[kept - 1]) * 1e9)
    return Trajectory(
        start_ns=0,
        joint_names=chunk.joint_names,
        start_position=position,
        start_velocity=np.zeros_like(position),
        times_s=np.concatenate(times_s),
        positions=np.concatenate(positions),
        velocities=np.concatenate(velocities),
    )


def _require_same(chunk: ActionChunk, trajectory: Trajectory) -> Array:
    """Largest distance of every joint from its commands (J,) [rad], once it has caught up.

    Raises:
        LimitError: one is so large that it is another motion.
    """
    due_s = chunk.due_ns() * 1e-9  # (N, J)
    curve = trajectory.curve()
    driven = np.stack([curve(due)[:, j] for j, due in enumerate(due_s.T)], axis=1)
    off = np.where(due_s > CATCH_UP_S * chunk.stretch, np.abs(driven - chunk.positions), 0.0)
    if off.max() > SLOWED_RAD:
        k, j = np.unravel_index(int(np.argmax(off)), off.shape)
        raise LimitError(
            f'inside its limits {chunk.joint_names[j]} would be {off[k, j]:.3f} rad off command '
            f'{k}, at {due_s[k, j]:.2f} s, valid: at most {SLOWED_RAD} rad; choose a lower speed'
        )
    return np.asarray(off.max(axis=0))


def begun_at(plan: ReplayPlan, start_ns: int) -> Trajectory:
    """Return the motion to be sent for ``start_ns`` on the ROS clock [ns]."""
    return replace(plan.trajectory, start_ns=start_ns)
