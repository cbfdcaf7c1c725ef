# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 6: chunk + commanded motion -> knots with positions and velocities, ending at rest.

A joint_trajectory_controller that replaces its trajectory starts from the state it commands at
that moment and draws a cubic to the first knot. So the spline here starts at exactly that state
(`CommandedMotion`), and what the controller draws is this spline. Every trajectory ends with a
braking tail whose last velocity is 0: if nothing follows, the arm comes to rest.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.chunk import ActionChunk
from dp_core.chunk import Seam
from dp_core.errors import ConfigError
from dp_core.errors import ExpiredError
from dp_core.errors import TrajectoryError
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.interpolate import CubicSpline

Array = NDArray[np.float64]
SEAMS = ('replace', 'fade', 'ensemble')
MIN_BRAKE_S = 0.1
# Where in the braking ramp its middle knot lies. Late, because the controller has moved on by the
# time a brake arrives, and the piece before the first knot must make up for that: by 1 / length^2.
RAMP_KNOT = 0.8
# A brake that reaches the controller this late still keeps the acceleration limit [s].
BRAKE_DELAY_S = 0.01


@dataclass(frozen=True)
class TrajectorySettings:
    """How chunks become motion.

    Attributes:
        seam: ``replace``: the spline bends to the new chunk at once, as the original does.
            ``fade``: the chunk is shifted onto the commanded motion and the shift fades out.
            ``ensemble``: its actions are averaged with those of the chunks still in force.
        lead_s: smallest time from hand-over to the first knot [s].
        max_blind_s: most that is sent ahead, before the braking tail, at full speed; a chunk that
            is stretched in time may reach as much farther [s].
        fade_s: time in which the shift of ``fade`` vanishes [s].
        ensemble_decay: m of the weights exp(-m age) of ``ensemble``, the age in policy steps;
            above 0 newer chunks weigh more [1/step].
        max_acceleration: of every joint while braking [rad/s^2].
    """

    seam: str = 'fade'
    lead_s: float = 0.05
    max_blind_s: float = 1.0
    fade_s: float = 0.3
    ensemble_decay: float = 0.1
    max_acceleration: float = 5.0

    def __post_init__(self) -> None:
        if self.seam not in SEAMS:
            raise ConfigError(f'seam is {self.seam!r}, valid: {list(SEAMS)}')
        for name in ('lead_s', 'max_blind_s', 'fade_s', 'max_acceleration'):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f'{name} is {getattr(self, name)}, valid: a positive number')
        if not np.isfinite(self.ensemble_decay):
            raise ConfigError(f'ensemble_decay is {self.ensemble_decay}, valid: a finite number')


@dataclass(frozen=True)
class Trajectory:
    """Knots after ``start_ns``; the controller joins them by cubics, from rest or from motion.

    Attributes:
        start_ns: hand-over on the ROS clock [ns].
        joint_names: J names.
        start_position, start_velocity: (J,) commanded there [rad], [rad/s]; not sent.
        times_s: (N,) after start, increasing, all > 0 [s].
        positions, velocities: (N, J) [rad], [rad/s]; the last velocity is exactly 0.
        seam: how far the chunk was from the motion before; None for braking.
    """

    start_ns: int
    joint_names: tuple[str, ...]
    start_position: Array
    start_velocity: Array
    times_s: Array
    positions: Array
    velocities: Array
    seam: Seam | None = None

    def __post_init__(self) -> None:
        """Refuse what a controller would obey to the arm's harm, or die of."""
        shape = (len(self.times_s), len(self.joint_names))
        for name in ('positions', 'velocities'):
            if getattr(self, name).shape != shape:
                raise TrajectoryError(f'{name} are {getattr(self, name).shape}, valid: {shape}')
        for name in ('start_position', 'start_velocity'):
            if getattr(self, name).shape != shape[1:]:
                raise TrajectoryError(f'{name} is {getattr(self, name).shape}, valid: {shape[1:]}')
        if len(set(self.joint_names)) != len(self.joint_names):
            raise TrajectoryError(f'joints {list(self.joint_names)} are not unique')
        numbers = (self.start_position, self.start_velocity, self.positions, self.velocities)
        if not all(np.isfinite(values).all() for values in (*numbers, self.times_s)):
            raise TrajectoryError('the motion contains NaN or infinity')
        if shape[0] < 2 or not (np.diff(self.times_s, prepend=0.0) > 0).all():
            raise TrajectoryError(f'times {self.times_s.tolist()} do not rise from 0 in two knots')
        if self.velocities[-1].any():
            raise TrajectoryError(f'the last velocity is {self.velocities[-1].tolist()}, valid: 0')

    @property
    def end_ns(self) -> int:
        """Time at which the motion has come to rest [ns]."""
        return self.start_ns + round(float(self.times_s[-1]) * 1e9)

    def curve(self) -> CubicHermiteSpline:
        """Positions over seconds since ``start_ns``, as the controller interpolates them."""
        return CubicHermiteSpline(
            np.concatenate([[0.0], self.times_s]),
            np.concatenate([self.start_position[None], self.positions]),
            np.concatenate([self.start_velocity[None], self.velocities]),
        )


class CommandedMotion:
    """Our model of what the controller commands now: the last trajectory that was sent."""

    def __init__(self, position: Array):
        """The arm holds ``position`` (J,) [rad]."""
        self._hold = np.array(position, dtype=np.float64)
        self._trajectory: Trajectory | None = None
        self._curve: CubicHermiteSpline | None = None

    def follow(self, trajectory: Trajectory) -> None:
        """Replace the motion, as the controller does when the message arrives."""
        self._trajectory, self._curve = trajectory, trajectory.curve()
        self._hold = trajectory.positions[-1]

    @property
    def end_ns(self) -> int:
        """Time at which the motion comes to rest; 0 when nothing was ever sent [ns]."""
        return self._trajectory.end_ns if self._trajectory else 0

    def at(self, now_ns: int) -> tuple[Array, Array]:
        """Commanded positions (J,) [rad] and velocities (J,) [rad/s] at ``now_ns``."""
        if self._trajectory is None or self._curve is None or now_ns >= self._trajectory.end_ns:
            return self._hold.copy(), np.zeros_like(self._hold)
        t = max(0.0, (now_ns - self._trajectory.start_ns) * 1e-9)
        return np.asarray(self._curve(t)), np.asarray(self._curve(t, 1))


def connect(
    chunk: ActionChunk, motion: CommandedMotion, now_ns: int, settings: TrajectorySettings
) -> Trajectory:
    """Join ``chunk`` to the commanded motion at ``now_ns``.

    Steps that lie before ``now + lead`` are cut, the rest is kept up to ``max_blind_s``, and a
    braking tail ends it.

    Raises:
        ExpiredError: fewer than two steps of the chunk still lie ahead.
        TrajectoryError: a value is not finite, or the chunk lies in the future.
    """
    max_blind_s = settings.max_blind_s * chunk.stretch
    position, velocity = motion.at(now_ns)
    ahead_s: Array = np.asarray((chunk.times_ns() - now_ns) * 1e-9, dtype=np.float64)  # (N,)
    cut = int(np.searchsorted(ahead_s, settings.lead_s, side='right'))
    if len(ahead_s) - cut < 2:
        raise ExpiredError(
            f'the chunk has expired: of {len(ahead_s)} steps only {len(ahead_s) - cut} lie more '
            f'than {settings.lead_s} s ahead; its observation is '
            f'{(now_ns - chunk.stamp_ns) * 1e-9:.3f} s old'
        )
    if ahead_s[cut] > max_blind_s:
        raise TrajectoryError(
            f'the chunk begins {ahead_s[cut]:.3f} s ahead, more than {max_blind_s} s; '
            'its observation is stamped in the future or the clock went back'
        )
    if chunk.positions.shape[1:] != position.shape or not np.isfinite(chunk.positions).all():
        raise TrajectoryError(
            f'the chunk contains NaN or infinity, or is not for {len(position)} joints'
        )
    jump, velocity_jump = _disagreement(chunk, ahead_s, motion, now_ns)
    knots_s, knots = ahead_s[cut:], chunk.positions[cut:]
    if settings.seam == 'fade':
        remaining = np.clip(1.0 - knots_s / settings.fade_s, 0.0, 1.0)
        knots = np.asarray(knots + remaining[:, None] * jump)
    spline = CubicSpline(
        np.concatenate([[0.0], knots_s]),
        np.concatenate([position[None], knots]),
        bc_type=((1, velocity), (2, np.zeros_like(position))),
    )
    kept = int(np.searchsorted(knots_s, max_blind_s, side='right'))
    velocities = spline(knots_s[:kept], 1)
    return _ending_at_rest(
        now_ns,
        chunk.joint_names,
        position,
        velocity,
        knots_s[:kept],
        knots[:kept],
        velocities,
        float(np.abs(velocities[-1]).max()) / settings.max_acceleration,
        Seam(cut, float(np.abs(jump).max()), float(np.abs(velocity_jump).max())),
    )


def brake(
    motion: CommandedMotion,
    joint_names: tuple[str, ...],
    now_ns: int,
    max_acceleration: float,
    last_seen: Array | None = None,
) -> Trajectory:
    """Come to rest from the commanded state, every joint inside ``max_acceleration`` [rad/s^2].

    The controller moves on at velocity v until the brake arrives, d late. A cubic of length L, the
    first piece of the ramp, that lacks the distance g = v d accelerates by 6 g / L^2 more. So the
    ramp lasts T, where v / T + 6 g / (RAMP_KNOT T)^2 is the limit.

    Args:
        motion: what is commanded.
        joint_names: J names.
        now_ns: where the ramp begins [ns].
        max_acceleration: limit [rad/s^2].
        last_seen: (J,) where the arm was seen last, when it has fallen silent [rad]. It may hang
            there and follow the brake much later: then g is that distance, and half of it more,
            because it may also have had another velocity.
    """
    position, velocity = motion.at(now_ns)
    speed = float(np.abs(velocity).max())
    gap = speed * BRAKE_DELAY_S
    if last_seen is not None:
        gap = max(gap, 1.5 * float(np.abs(position - last_seen).max()))
    late = 24.0 * max_acceleration * gap / RAMP_KNOT**2
    ramp_s = (speed + float(np.sqrt(speed**2 + late))) / (2.0 * max_acceleration)
    none = np.empty((0, len(position)))
    return _ending_at_rest(
        now_ns, joint_names, position, velocity, np.empty(0), none, none, ramp_s, None
    )


def _disagreement(
    chunk: ActionChunk, ahead_s: Array, motion: CommandedMotion, now_ns: int
) -> tuple[Array, Array]:
    """Commanded minus chunk at the first instant both know: positions (J,), velocities (J,)."""
    at_s = max(0.0, float(ahead_s[0]))  # before its first step a chunk says nothing
    position, velocity = motion.at(now_ns + round(at_s * 1e9))
    wanted = np.array([np.interp(at_s, ahead_s, column) for column in chunk.positions.T])
    k = int(np.clip(np.searchsorted(ahead_s, at_s), 1, len(ahead_s) - 1))
    slope = (chunk.positions[k] - chunk.positions[k - 1]) / (ahead_s[k] - ahead_s[k - 1])
    return position - wanted, velocity - slope


def _ending_at_rest(
    start_ns: int,
    joint_names: tuple[str, ...],
    position: Array,
    velocity: Array,
    times_s: Array,
    positions: Array,
    velocities: Array,
    ramp_s: float,
    seam: Seam | None,
) -> Trajectory:
    """Append a tail of constant deceleration, two knots in ``ramp_s``, to the given knots."""
    at_s = float(times_s[-1]) if len(times_s) else 0.0
    last, speed = (positions[-1], velocities[-1]) if len(times_s) else (position, velocity)
    duration = max(ramp_s, MIN_BRAKE_S)
    middle = last + speed * duration * (RAMP_KNOT - 0.5 * RAMP_KNOT**2)
    rest = last + speed * duration * 0.5
    return Trajectory(
        start_ns=start_ns,
        joint_names=joint_names,
        start_position=position,
        start_velocity=velocity,
        times_s=np.concatenate([times_s, [at_s + RAMP_KNOT * duration, at_s + duration]]),
        positions=np.concatenate([positions, [middle, rest]]),
        velocities=np.concatenate([velocities, [(1.0 - RAMP_KNOT) * speed, np.zeros_like(speed)]]),
        seam=seam,
    )
