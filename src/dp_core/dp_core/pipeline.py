# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""START HERE: the stages between stamped observations and a timed trajectory, in order.

No ROS, no threads and no clock: ``now_ns`` is an argument, so every run can be replayed. The
slow half (`predict`) runs beside the control loop; the fast half (`connect`) runs at the moment
of hand-over. Before them `dp_core.sync` makes windows of messages decoded by `dp_core.decode`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from dp_core.action_space import ActionSpace
from dp_core.chunk import ActionChunk
from dp_core.chunk import Chunker
from dp_core.chunk import prediction_times_ns
from dp_core.continuation import Continuation
from dp_core.continuation import known_actions
from dp_core.continuation import KnownActions
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.guard import Guard
from dp_core.guard import GuardSettings
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from dp_core.observation import ObservationWindow
from dp_core.tool_plane import joint_solver
from dp_core.trajectory import connect
from dp_core.trajectory import TrajectorySettings
import numpy as np
from numpy.typing import NDArray


class Predictor(Protocol):
    """A policy, wherever it computes: a `dp_core.policy.Policy`, or one in another process."""

    @property
    def contract(self) -> Contract:
        """What it sees and commands."""

    def predict(
        self, window: ObservationWindow, seed: int | None, known: KnownActions | None
    ) -> NDArray[np.float32]:
        """Actions (horizon, action_dim) in physical units; step 0 is the oldest tick."""


class Pipeline:
    """One policy on one robot: an observation window in, a joint trajectory out."""

    def __init__(
        self,
        policy: Predictor,
        urdf: str,
        seed: int | None = None,
        guard: GuardSettings | None = None,
    ):
        """Prepare the stages.

        Args:
            policy: what predicts.
            urdf: the robot, as on ``robot_description``.
            seed: of the denoising noise; None draws one.
            guard: limits of what is sent; None for the defaults.

        Raises:
            ConfigError: the contract commands no robot, or ``guard`` does not fit the robot.
            KinematicsError: the robot lacks the contract's links or joints.
        """
        simulated = [group.name for group in policy.contract.actions if group.kind == 'vector']
        if simulated:
            raise ConfigError(
                f'policy {policy.contract.name!r} commands no robot: its action groups '
                f'{simulated} are plain vectors; choose a policy with joints'
            )
        self._policy = policy
        groups = policy.contract.actions
        self._space = ActionSpace(groups, [joint_solver(group, urdf) for group in groups])
        self._chunker = Chunker(policy.contract, self._space)
        self.guard = Guard(urdf, groups, guard or GuardSettings())
        self._seeds = np.random.default_rng(seed)

    @classmethod
    def load(
        cls,
        checkpoint: Path | str,
        urdf: str,
        seed: int | None = None,
        guard: GuardSettings | None = None,
        device: str = 'cpu',
    ) -> Pipeline:
        """Load a checkpoint folder and prepare it for the robot described by ``urdf``."""
        from dp_core.checkpoint import load_policy  # torch: only where the network is

        return cls(load_policy(Path(checkpoint), device=device), urdf, seed, guard)

    @property
    def contract(self) -> Contract:
        """What the policy sees and commands."""
        return self._policy.contract

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joints of all action groups, in the order of every joint array here."""
        return self._space.joint_names

    def predict(
        self,
        window: ObservationWindow,
        position: NDArray[np.float64],
        speed_scale: float = 1.0,
        continuation: Continuation | None = None,
    ) -> ActionChunk:
        """Slow half: what the policy wants, as joint targets with times.

        Args:
            window: newest observations.
            position: (J,) commanded joint positions, seed of the inverse kinematics [rad].
            speed_scale: in (0, 1]; below 1 the chunk is stretched in time.
            continuation: what the chunk goes on from; None for nothing.

        Raises:
            ObservationError: the window does not fit the contract or is not finite.
            TrajectoryError: the prediction is not finite.
            KinematicsError: a target is out of reach.
        """
        window.validate(self.contract)
        times_ns = prediction_times_ns(self.contract, window.t_obs_ns, speed_scale)
        known = known_actions(continuation, times_ns, self._space)
        seed = int(self._seeds.integers(2**62))
        actions = self._policy.predict(window, seed, known)  # (horizon, A)
        earlier = continuation.chunks if continuation else ()
        decay = continuation.ensemble_decay if continuation else None
        return self._chunker.chunk(
            actions.astype(np.float64), window.t_obs_ns, position, speed_scale, earlier, decay
        )

    def connect(
        self,
        chunk: ActionChunk,
        motion: CommandedMotion,
        now_ns: int,
        settings: TrajectorySettings,
    ) -> Trajectory:
        """Fast half: the chunk, cut at the clock and joined to the commanded motion.

        Raises:
            TrajectoryError: the chunk came too late or is not finite.
            LimitError: no motion keeps the limits, or the guard refuses the chunk or the motion.
        """
        commanded = motion.at(now_ns)
        self.guard.check_chunk(chunk, commanded, now_ns + round(settings.lead_s * 1e9))
        trajectory = connect(chunk, motion, now_ns, settings, self.guard.limits)
        self.guard.check_motion(trajectory, commanded)
        return trajectory
