# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the controllers command and where the arm is, whoever told it.

Three sources, best first: ``controller_state``, where the controllers tell both; the joint
states, where only the arm is measured and the command is our own model at the same instant; and
that model alone. A controller continues a motion from its reference, so that is where the next
plan begins (`hand_over`); one that starts each message from the measured, lagging state
(``interpolate_from_desired_state: false``) is met there instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
import math
from typing import Any

from dp_core.errors import ObservationError
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Messages are begun when they come, so a reference may be so much earlier or later on our model
# [s]. What is then still this far off was not caused by the time on the way: a message was lost,
# or the robot runs slower than it was told [rad].
AT_ONCE_S, OFF_MODEL_RAD = np.linspace(-0.02, 0.02, 21), 0.005
# A measured arm follows late, by what its servos need and its driver [s]; so far off our model it
# follows something else [rad].
LATE_S, OFF_ARM_RAD = np.linspace(0.0, 0.5, 101), 0.02
# A state this near to the newest motion is on it. Farther off it is rather on an older one, if it
# is this near to that [rad], and by this factor nearer: the newest was lost [1].
ON_NEWEST_RAD, ON_OLDER_RAD, LIKELIER = 0.004, 0.007, 0.5
MOVED_RAD = 0.01  # so far from a finished command someone else has moved the arm [rad]
# Where two motions only cross, so long after it they are apart: weighs velocities [s].
AHEAD_S = 0.1
LOST = 5  # so many messages in a row, less one, may be lost and seen through
# A motion that is only known at one instant is thought to go on so long before it comes to rest,
# longer than a message needs [s].
COAST_S = 0.1


class Source(Enum):
    """Who told the reference."""

    CONTROLLER_STATE = 'controller_state'
    JOINT_STATES = 'joint_states'
    MODEL = 'model'


@dataclass(frozen=True)
class ControllerFeedback:
    """Reference and measurement of J joints at one instant.

    Attributes:
        stamp_ns: of both, on the ROS clock [ns].
        source: who told the reference.
        position: (J,) reference [rad].
        velocity: (J,) reference [rad/s]; None where it was not told.
        measured: (J,) where the arm is [rad]; None where that is unknown.
        measured_velocity: (J,) [rad/s]; None where it is not measured.
        speed_scaling: fraction of the commanded speed [1]; NaN where nobody told it.
        unheard_s: how long nothing has been heard of the robot [s], whatever its stamps say.
    """

    stamp_ns: int
    source: Source
    position: Array
    velocity: Array | None
    measured: Array | None = None
    measured_velocity: Array | None = None
    speed_scaling: float = math.nan
    unheard_s: float = 0.0

    @property
    def error(self) -> Array | None:
        """Reference less measured position (J,) [rad]; None where the arm is not measured."""
        return None if self.measured is None else self.position - self.measured


def from_model(motion: CommandedMotion, now_ns: int) -> ControllerFeedback:
    """What we believe to be commanded at ``now_ns``; the arm is unknown."""
    state = motion.at(now_ns)
    return ControllerFeedback(now_ns, Source.MODEL, state.position, state.velocity)


def from_joint_states(
    stamp_ns: int, measured: Array, measured_velocity: Array | None, motion: CommandedMotion | None
) -> ControllerFeedback:
    """A measurement (J,) beside our model of the command at its stamp.

    Before the first command (no ``motion``) an arm holds where it is.
    """
    if motion is None:
        position, velocity = measured, np.zeros_like(measured)
    else:
        position, velocity, _ = motion.at(stamp_ns)
    return ControllerFeedback(
        stamp_ns, Source.JOINT_STATES, position, velocity, measured, measured_velocity
    )


def from_controller_state(
    messages: Mapping[str, Any], joint_names: tuple[str, ...]
) -> ControllerFeedback:
    """Read what one or more controllers told.

    ``output`` is not read: it stays empty for ever once a controller has seen a NaN.

    Args:
        messages: by topic; each has the fields of control_msgs/JointTrajectoryControllerState.
        joint_names: the J joints, in the order of the result.

    Raises:
        ObservationError: a joint is told by none, or the reference is empty or not finite.
    """
    told: dict[str, tuple[float, float, float, float]] = {}
    stamps, scaling = [], []
    for topic, message in messages.items():
        stamp = message.header.stamp
        stamps.append(stamp.sec * 1_000_000_000 + stamp.nanosec)
        scaling.append(float(getattr(message, 'speed_scaling_factor', math.nan)))  # not Humble's
        count = len(message.joint_names)
        columns = (
            message.reference.positions,
            message.reference.velocities,
            message.feedback.positions,
            message.feedback.velocities,
        )
        if len(columns[0]) != count:
            raise ObservationError(
                f'{topic}: the reference has {len(columns[0])} positions for {count} joints'
            )
        unknown = [math.nan] * count
        rows = zip(*(c if len(c) == count else unknown for c in columns))
        told.update(zip(message.joint_names, rows))
    missing = [joint for joint in joint_names if joint not in told]
    if missing:
        raise ObservationError(f'{list(messages)} tell nothing of the joints {missing}')
    position, velocity, measured, measured_velocity = np.array([told[j] for j in joint_names]).T
    if not np.isfinite(position).all():
        bad = [joint for joint, value in zip(joint_names, position) if not np.isfinite(value)]
        raise ObservationError(f'{list(messages)}: the reference of {bad} is not a number')
    return ControllerFeedback(
        min(stamps),
        Source.CONTROLLER_STATE,
        position,
        _finite(velocity),
        _finite(measured),
        _finite(measured_velocity),
        float(np.fmin.reduce(scaling)),  # of those who tell it
    )


def at_rest(
    motion: CommandedMotion | None, feedback: ControllerFeedback, *, from_measured: bool
) -> CommandedMotion | None:
    """Return our model of the command of an arm that should rest, by what is told of it.

    It is the reference of its controllers where they tell it; else our last command, or where the
    arm is measured, when nothing was commanded or it rests elsewhere, as after a reset of a scene.

    Args:
        motion: what was commanded and has ended; None when nothing was.
        feedback: newest.
        from_measured: the controller starts each message from the measured state.
    """
    measured = feedback.measured
    if feedback.source is Source.CONTROLLER_STATE and not from_measured:
        return CommandedMotion(feedback.position)
    if measured is None:
        return motion
    if motion is None or from_measured or np.abs(feedback.position - measured).max() > MOVED_RAD:
        return CommandedMotion(measured)
    return motion


def hand_over(
    motion: CommandedMotion,
    feedback: ControllerFeedback | None,
    joint_names: tuple[str, ...],
    *,
    from_measured: bool,
) -> None:
    """Bring our model to where the controller will continue, when it is not there.

    A controller that lost messages, or was deaf for a while, has followed an older trajectory to
    its end: when that explains what is told or measured, and the newest does not, it is taken up
    again. Else a reference is believed as it is told. A measurement is not: an arm is late, may
    sag, and may be pushed.

    Args:
        motion: our model; changed where it is wrong.
        feedback: newest; None when there is none.
        joint_names: of the J joints.
        from_measured: the controller starts each message from the measured state.
    """
    if feedback is None:
        return
    stamp_ns, measured = feedback.stamp_ns, feedback.measured
    if from_measured:
        if measured is not None:
            _believe(motion, stamp_ns, joint_names, measured, feedback.measured_velocity)
    elif feedback.source is Source.CONTROLLER_STATE:
        position = feedback.position
        velocity = feedback.velocity
        if not take_up(motion, stamp_ns, position, velocity, AT_ONCE_S, OFF_MODEL_RAD):
            # Where the robot is slowed down the velocity is the trajectory's all the same: the
            # controller continues in the trajectory's time, which passes slower.
            _believe(motion, stamp_ns, joint_names, position, velocity)
    elif feedback.source is Source.JOINT_STATES and measured is not None:
        take_up(motion, stamp_ns, measured, feedback.measured_velocity, LATE_S, OFF_ARM_RAD)


def distance(
    motion: CommandedMotion,
    stamp_ns: int,
    position: Array,
    velocity: Array | None,
    late_s: Array,
    unheard: int = 0,
) -> float:
    """How far a state (J,) is off our model, if so many of the newest were unheard [rad]."""
    times_ns = stamp_ns - np.round(late_s * 1e9).astype(np.int64)
    off = np.abs(motion.path(times_ns, unheard) - position).max(axis=1)  # (T,)
    if velocity is not None:
        faster = np.abs(motion.path(times_ns, unheard, order=1) - velocity).max(axis=1)
        off = np.maximum(off, AHEAD_S * faster)
    return float(off.min())


def take_up(
    motion: CommandedMotion,
    stamp_ns: int,
    position: Array,
    velocity: Array | None,
    late_s: Array,
    tolerance: float,
) -> bool:
    """Go back to the newest trajectory that explains a state; False when none does."""
    newest = distance(motion, stamp_ns, position, velocity, late_s)
    if newest <= ON_NEWEST_RAD:
        return True
    lost = unheard_by(motion, stamp_ns, position, velocity, late_s, newest, tolerance)
    motion.forget(lost)
    return lost > 0 or newest <= tolerance


def unheard_by(
    motion: CommandedMotion,
    stamp_ns: int,
    position: Array,
    velocity: Array | None,
    late_s: Array,
    newest: float,
    tolerance: float,
) -> int:
    """Return how many trajectories were lost where an older one explains a state; 0 for none.

    It must do so much better than the newest, ``newest`` [rad] away: an arm may sag off them all.
    """
    near = min(LIKELIER * newest, max(ON_OLDER_RAD, min(tolerance, newest - tolerance)))
    for unheard in range(1, min(motion.remembered, LOST)):
        if distance(motion, stamp_ns, position, velocity, late_s, unheard) <= near:
            return unheard
    return 0


def _believe(
    motion: CommandedMotion,
    stamp_ns: int,
    joint_names: tuple[str, ...],
    position: Array,
    velocity: Array | None,
) -> None:
    speed = motion.at(stamp_ns).velocity if velocity is None else velocity
    motion.follow(coast(stamp_ns, joint_names, position, speed))


def coast(
    start_ns: int, joint_names: tuple[str, ...], position: Array, velocity: Array
) -> Trajectory:
    """Go on at a steady velocity (J,) [rad/s], and come to rest: known at one instant only."""
    along = position + velocity * COAST_S
    return Trajectory(
        start_ns=start_ns,
        joint_names=joint_names,
        start_position=position,
        start_velocity=velocity,
        times_s=np.array([COAST_S, 2.0 * COAST_S]),
        positions=np.array([along, along + velocity * COAST_S / 2.0]),
        velocities=np.array([velocity, np.zeros_like(velocity)]),
    )


def _finite(values: Array) -> Array | None:
    return values if np.isfinite(values).all() else None
