# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 5: predicted actions -> a chunk whose every step has a time on the ROS clock.

The timeline, for n_obs_steps 2, horizon 16, n_action_steps 8, dt 0.1 s and action_offset 0. The
chunk is ready, and joined to the motion, 1.7 dt after its observation, and the lead is 0.5 dt::

    prediction index      0      1      2      3      4      5   ...   7      8   ...   15
    chunk step k                 0      1      2      3      4   ...   6      7   ...   14
    meant for [dt]       -1    t_obs   +1     +2     +3     +4   ...  +6     +7   ...  +14
                                           joined ^ at +1.7
    is                   -----   cut    cut    cut   first  sent ... sent   sent  ... sent
    known to rtc         done   done   done   done   meant  meant ... meant  free ... free

    of a device that reacts 1 dt late
    commanded at [dt]    -2     -1      0     +1     +2     +3   ...  +5     +6   ...  +13
    is                   -----   cut    cut    cut    cut   first ... sent   sent ... sent
    known to rtc         done   done   done   done   done   meant ... meant  free ... free

Index 0 belongs to the older observation; index n_obs_steps - 1 is chunk step 0. A positive
``action_offset`` moves the third row later: with gym semantics ("reach this by the end of the
step") it is one dt.

A step is *cut* when it must be commanded before joined + lead = +2.2: by the clock, never by an
estimate of the delay (`dp_core.trajectory`). While the chunk was predicted the arm went on with
the one before, here one observed at -8 dt, whose last step is meant for +6. So of the prediction
something is known before it is made (`dp_core.continuation`): what was or will be *done* whatever
it says, and what the chunk before *meant* to do. Here an estimate of the delay is needed, for the
prediction begins before it is ready; when it is wrong, a step is known too well or too little, but
none is driven at a wrong time.

The chunk is in charge for n_action_steps from the moment it was joined, until +9.7, as in the
paper's section 2.3 (closed-loop action-sequence prediction), whatever the delay was. To count them
from t_obs instead would shorten the commitment by the age of the observation: at 0.4 s half of it,
and chunks that saw nothing of what the one before them began pull the arm to and fro.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

from dp_core.action_space import ActionSpace
from dp_core.blend import decide
from dp_core.blend import ensemble
from dp_core.blend import interpolate
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import TrajectoryError
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# For the age of an observation and the planning of a motion, at least [s].
AGE_S = 0.02


@dataclass(frozen=True)
class ActionChunk:
    """Steps meant for ``stamp_ns + offset_ns + k * step_ns``, k = 0 .. N-1.

    Attributes:
        stamp_ns: t_obs, the time of the newest observation [ns].
        step_ns: time between steps [ns]; dt, or longer at a speed scale below 1.
        offset_ns: time of step 0 after the stamp [ns].
        joint_names: J names over all action groups.
        positions: (N, J) joint targets [rad]; in an ensemble those of the average.
        actions: (N, A) what the policy said, in the contract's units, clamped to its bounds.
        stretch: how many times longer than the contract's dt a step is; 1 / speed_scale.
        latency_ns: of each joint's device, empty for none [ns]. A joint that reacts so much late
            is commanded so much earlier than the step is meant for.
        clamped_steps: how many of the steps had to be clamped.
    """

    stamp_ns: int
    step_ns: int
    offset_ns: int
    joint_names: tuple[str, ...]
    positions: Array
    actions: Array
    stretch: float = 1.0
    latency_ns: tuple[int, ...] = ()
    clamped_steps: int = 0

    def times_ns(self) -> NDArray[np.int64]:
        """Time of every step (N,) on the ROS clock [ns]."""
        return (
            self.stamp_ns
            + self.offset_ns
            + self.step_ns * np.arange(len(self.positions), dtype=np.int64)
        )

    def actions_at(self, times_ns: NDArray[np.int64], space: ActionSpace) -> Array:
        """Actions (M, A) at times (M,) [ns]; before the first step and after the last: these."""
        return interpolate(self.times_ns(), self.actions, times_ns, space.layout)

    def due_ns(self) -> NDArray[np.int64]:
        """Times (N, J) at which the joints are commanded, to be in time where they are meant."""
        latency_ns = self.latency_ns or (0,) * len(self.joint_names)
        return self.times_ns()[:, None] - np.array(latency_ns, dtype=np.int64)

    def takeover_ns(self, start_ns: int, n_action_steps: int) -> int:
        """Time at which the next chunk takes over from this one, in charge since start_ns [ns].

        After n_action_steps, or with the last command where this one came too late for as many.
        """
        return min(start_ns + n_action_steps * self.step_ns, int(self.due_ns()[-1].min()))


def stretched(contract: Contract, speed_scale: float) -> tuple[int, int]:
    """Time between steps, and of step 0 after t_obs, at a speed in (0, 1] [ns].

    Raises:
        ConfigError: speed_scale is outside (0, 1].
    """
    if not 0.0 < speed_scale <= 1.0:
        raise ConfigError(f'speed_scale is {speed_scale}, valid: (0, 1]')
    return round(contract.dt_ns / speed_scale), round(contract.offset_ns / speed_scale)


def prediction_times_ns(
    contract: Contract, t_obs_ns: int, speed_scale: float = 1.0
) -> NDArray[np.int64]:
    """Time of every prediction index (horizon,): chunk step 0 is index n_obs_steps - 1 [ns]."""
    step_ns, offset_ns = stretched(contract, speed_scale)
    steps = np.arange(contract.horizon, dtype=np.int64) - (contract.n_obs_steps - 1)
    return t_obs_ns + offset_ns + step_ns * steps


class Chunker:
    """Turns one prediction into an ActionChunk of joint targets."""

    def __init__(self, contract: Contract, space: ActionSpace):
        """Where the joints of the contract's actions are found."""
        self._contract = contract
        self._space = space

    def chunk(
        self,
        prediction: Array,
        t_obs_ns: int,
        seed: Array,
        speed_scale: float = 1.0,
        earlier: Sequence[ActionChunk] = (),
        decay_per_step: float | None = None,
    ) -> ActionChunk:
        """Drop what belongs to older observations, clamp to the bounds, and solve for joints.

        Args:
            prediction: (horizon, A) in the contract's units.
            t_obs_ns: time of the newest observation [ns].
            seed: (J,) joint positions near the first step [rad].
            speed_scale: in (0, 1]; stretches the steps in time.
            earlier: chunks of the run that are still in force, oldest first.
            decay_per_step: average with them, see `dp_core.blend.ensemble`; None does not.

        Raises:
            ConfigError: speed_scale is outside (0, 1].
            TrajectoryError: the prediction is not finite.
            KinematicsError: a step cannot be reached.
        """
        step_ns, offset_ns = stretched(self._contract, speed_scale)
        if not np.isfinite(prediction).all():
            raise TrajectoryError('the policy predicted NaN or infinity')
        space = self._space
        wanted = prediction[self._contract.n_obs_steps - 1 :]
        actions = space.clamp(wanted)
        said = ActionChunk(
            stamp_ns=t_obs_ns,
            step_ns=step_ns,
            offset_ns=offset_ns,
            joint_names=space.joint_names,
            positions=np.empty((len(actions), len(space.joint_names))),
            actions=actions,
            stretch=1.0 / speed_scale,
            latency_ns=space.joint_latency_ns,
            clamped_steps=int((actions != wanted).any(axis=1).sum()),
        )
        in_force = earlier[-1].actions_at(said.times_ns()[:1], space)[0] if earlier else None
        said = replace(said, actions=decide(actions, space.layout, in_force))
        targets = said.actions
        if decay_per_step is not None:
            targets = ensemble(said, earlier, space.layout, decay_per_step)
        return replace(said, positions=space.joints(targets, seed))


@dataclass(frozen=True)
class Seam:
    """How far a new chunk was from the motion it took over.

    Attributes:
        cut_index: first chunk step that was sent; the steps before it were past.
        position_jump: largest joint distance at the hand-over [rad], bridged by the spline.
        velocity_jump: largest joint velocity difference there [rad/s].
    """

    cut_index: int
    position_jump: float
    velocity_jump: float


def check_timing(contract: Contract, latency_s: float, lead_s: float, max_blind_s: float) -> None:
    """Refuse settings under which a chunk can run out before the next one arrives.

    Args:
        contract: horizon, n_action_steps, dt, offset and latencies of the devices.
        latency_s: 95th percentile of inference time [s].
        lead_s: smallest time from publication to the first knot [s].
        max_blind_s: most that is ever sent ahead [s].

    Raises:
        ConfigError: with the numbers that do not fit.
    """
    steps_after = contract.horizon - contract.n_obs_steps
    latency = max((group.latency_s for group in contract.actions), default=0.0)
    reach_s = contract.action_offset_s + steps_after * contract.dt_s - latency
    needed_s = contract.n_action_steps * contract.dt_s + latency_s + lead_s
    if reach_s < needed_s:
        raise ConfigError(
            f'a chunk reaches {reach_s:.3f} s past its observation, but the next one is ready '
            f'after {needed_s:.3f} s (n_action_steps {contract.n_action_steps} x '
            f'{contract.dt_s} s + latency {latency_s:.3f} s + lead {lead_s} s); lower '
            f'n_action_steps or the number of denoising steps'
        )
    joined_s = latency_s + AGE_S + lead_s
    if reach_s < joined_s + contract.dt_s:
        raise ConfigError(
            f'a chunk reaches {reach_s:.3f} s past its observation, and is joined to the motion '
            f'{joined_s:.3f} s past it (latency {latency_s:.3f} s + age and planning {AGE_S} s + '
            f'lead {lead_s} s): its last two steps, {contract.dt_s} s apart, do not both lie '
            'ahead; a longer horizon or fewer denoising steps are needed'
        )
    if max_blind_s < contract.n_action_steps * contract.dt_s + lead_s:
        raise ConfigError(
            f'max_blind_s {max_blind_s} is shorter than n_action_steps x dt + lead = '
            f'{contract.n_action_steps * contract.dt_s + lead_s:.3f} s: the arm would stop '
            'between chunks'
        )
