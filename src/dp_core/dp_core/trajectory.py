# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Stage 6: chunk + commanded motion -> knots with positions and velocities, ending at rest.

A joint_trajectory_controller that replaces its trajectory starts from the state it commands at
that moment and draws cubics from knot to knot. So the motion here starts at exactly that state
(`CommandedMotion`) and consists of cubics (`dp_core.tracking`): what the controller draws is what
was planned. Every trajectory ends at rest: if nothing follows, the arm stops.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_core.chunk import ActionChunk
from dp_core.chunk import Seam
from dp_core.errors import ConfigError
from dp_core.errors import ExpiredError
from dp_core.errors import TrajectoryError
from dp_core.limits import MotionLimits
from dp_core.motion import CommandedMotion
from dp_core.motion import MotionState
from dp_core.motion import Trajectory
from dp_core.tracking import SHARE
from dp_core.tracking import track
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Array = NDArray[np.float64]
SEAMS = ('replace', 'fade', 'ensemble', 'rtc', 'warm_start')
KNOT_S = 0.05  # between knots, at full speed
# The first knot lies as many steps ahead. A message that is late by D finds the controller v D
# farther on than planned, and the first cubic, of length h, makes up for it with 6 v D / h^2.
FIRST_KNOT_STEPS = 2
# Most that the first cubic of a slowed chunk may lead astray; where it would lead farther, because
# the arm is still as fast as before, the motion begins with knots as at full speed [rad].
STRAY = 0.01
# Weight of the last target while the arm comes to rest behind it; without, noise in the last
# steps would carry it on.
REST_WEIGHT = 0.02


@dataclass(frozen=True)
class TrajectorySettings:
    """How chunks become motion.

    Attributes:
        seam: ``replace``: the motion goes over to the new chunk as fast as the limits allow.
            ``fade``: the chunk is shifted onto the commanded motion and the shift fades out.
            ``ensemble``: its actions are averaged with those of the chunks still in force.
            ``rtc``: real-time chunking; it is predicted so that it goes on from what was sent.
            ``warm_start``: it is predicted from the one before with some noise, in fewer steps.
        lead_s: steps that are meant for sooner than this after the hand-over are cut [s]; the
            first knot lies so far ahead, and at least FIRST_KNOT_STEPS knots.
        max_blind_s: most that is sent ahead, before the arm comes to rest, at full speed; a chunk
            that is stretched in time may reach as much farther [s].
        fade_s: time in which the shift of ``fade`` vanishes, at full speed [s].
        ensemble_decay: m of the weights exp(-m age) of ``ensemble``, the age in policy steps;
            above 0 newer chunks weigh more [1/step].
        warm_start: share of the denoising steps that ``warm_start`` leaves out, in (0, 1).
    """

    seam: str = 'fade'
    lead_s: float = 0.05
    max_blind_s: float = 1.0
    fade_s: float = 0.3
    ensemble_decay: float = 0.1
    warm_start: float = 0.5

    def __post_init__(self) -> None:
        if self.seam not in SEAMS:
            raise ConfigError(f'seam is {self.seam!r}, valid: {list(SEAMS)}')
        for name in ('lead_s', 'max_blind_s', 'fade_s'):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f'{name} is {getattr(self, name)}, valid: a positive number')
        if not np.isfinite(self.ensemble_decay):
            raise ConfigError(f'ensemble_decay is {self.ensemble_decay}, valid: a finite number')
        if not 0.0 < self.warm_start < 1.0:
            raise ConfigError(f'warm_start is {self.warm_start}, valid: between 0 and 1')


def connect(
    chunk: ActionChunk,
    motion: CommandedMotion,
    now_ns: int,
    settings: TrajectorySettings,
    limits: MotionLimits,
) -> Trajectory:
    """Join ``chunk`` to the commanded motion at ``now_ns``, inside ``limits``.

    Steps that lie before ``now + lead`` are cut, the rest is followed up to ``max_blind_s``, and
    then the arm comes to rest.

    Raises:
        ExpiredError: fewer than two steps of the chunk still lie ahead.
        TrajectoryError: a value is not finite, or the chunk lies in the future.
        LimitError: no motion inside the limits comes to rest behind the chunk.
    """
    start = motion.at(now_ns)
    if chunk.positions.shape[1:] != start.position.shape or not np.isfinite(chunk.positions).all():
        raise TrajectoryError(
            f'the chunk contains NaN or infinity, or is not for {len(start.position)} joints'
        )
    due_s: Array = np.asarray((chunk.due_ns() - now_ns) * 1e-9, dtype=np.float64)  # (N, J)
    cut = _cut(due_s, settings.lead_s, chunk, now_ns)
    reach_s = min(float(due_s[-1].min()), settings.max_blind_s * chunk.stretch)
    if due_s[cut].min() > reach_s:
        raise TrajectoryError(
            f'the chunk begins {due_s[cut].min():.3f} s ahead, more than {reach_s} s; '
            'its observation is stamped in the future or the clock went back'
        )
    jump, velocity_jump = _disagreement(chunk, due_s, motion, now_ns)
    curves = [
        CubicSpline(due, column, bc_type='natural')
        for due, column in zip(due_s.T, chunk.positions.T)
    ]
    ends_s = [max(0.0, float(due_s[0].max())), reach_s]
    slopes = np.array([curve(ends_s, 1) for curve in curves]).T  # (2, J) of the chunk [rad/s]
    knots_s, following = _knots(reach_s, slopes, start, chunk.stretch, settings, limits)
    meant = (knots_s >= due_s[0].max()) & (np.arange(len(knots_s)) < following)
    until_s = np.clip(knots_s, due_s[0].max(), reach_s)
    targets = np.stack([curve(until_s) for curve in curves], axis=1)  # (K, J)
    fade_s = settings.fade_s * chunk.stretch
    if settings.seam == 'fade':
        targets += np.clip(1.0 - knots_s / fade_s, 0.0, 1.0)[:, None] * jump
    weights = np.where(meant, 1.0, np.where(knots_s > reach_s, REST_WEIGHT, 0.0))
    positions, velocities = track(knots_s, targets, weights, start, limits)
    settled = meant & (knots_s > fade_s)
    return Trajectory(
        start_ns=now_ns,
        joint_names=chunk.joint_names,
        start_position=start.position,
        start_velocity=start.velocity,
        times_s=knots_s,
        positions=positions,
        velocities=velocities,
        seam=Seam(cut, float(np.abs(jump).max()), float(np.abs(velocity_jump).max())),
        deviation=float(np.abs(positions - targets)[settled].max(initial=0.0)),
    )


def _cut(due_s: Array, lead_s: float, chunk: ActionChunk, now_ns: int) -> int:
    """First step that lies more than ``lead_s`` ahead for every device; due_s (N, J) [s]."""
    ahead_s = due_s.min(axis=1)  # (N,) of the device that reacts latest
    cut = int(np.searchsorted(ahead_s, lead_s, side='right'))
    if len(ahead_s) - cut < 2:
        raise ExpiredError(
            f'the chunk has expired: of {len(ahead_s)} steps only {len(ahead_s) - cut} lie more '
            f'than {lead_s} s ahead; its observation is '
            f'{(now_ns - chunk.stamp_ns) * 1e-9:.3f} s old'
        )
    return cut


def _knots(
    reach_s: float,
    slopes: Array,
    start: MotionState,
    stretch: float,
    settings: TrajectorySettings,
    limits: MotionLimits,
) -> tuple[Array, int]:
    """Times of the knots (K,) [s], and how many of them follow the chunk; the others brake.

    Args:
        reach_s: until when the chunk is followed [s].
        slopes: (2, J) velocities of the chunk at its begin and where the arm leaves it [rad/s].
        start: commanded at time 0.
        stretch: of the chunk; knots lie as much farther apart.
        settings: the lead.
        limits: how soon the arm can come to rest.
    """
    step_s = KNOT_S * stretch
    early_s = _early(start, slopes[0], stretch, settings, limits)
    if len(early_s):
        first_s = early_s[-1] + step_s
    else:
        first_s = max(settings.lead_s, FIRST_KNOT_STEPS * step_s)
    rest_s = 2 * step_s + float(
        np.max(np.abs(slopes[1]) / limits.acceleration) + np.max(limits.acceleration / limits.jerk)
    )
    following = max(0, 1 + int(np.floor((reach_s - first_s) / step_s)))
    following = max(1, following + int((early_s <= reach_s).sum()))
    count = max(
        following - len(early_s) + int(np.ceil(rest_s / step_s)),
        1 + int(np.ceil((_stop_s(start, limits) + 2 * step_s - first_s) / step_s)),
    )
    later_s = first_s + step_s * np.arange(count, dtype=np.float64)
    return np.concatenate([early_s, later_s]), following


def _stop_s(start: MotionState, limits: MotionLimits) -> float:
    """Time in which all joints can come to rest from ``start`` [s]."""
    acceleration, jerk = SHARE * limits.acceleration, SHARE * limits.jerk
    size = np.abs(start.acceleration)
    # Velocity once the acceleration has gone, which takes as long as the jerk needs.
    coasting = np.abs(start.velocity + start.acceleration * size / (2.0 * jerk))
    return float(np.max(coasting / acceleration + acceleration / jerk + size / jerk))


def _early(
    start: MotionState,
    wanted: Array,
    stretch: float,
    settings: TrajectorySettings,
    limits: MotionLimits,
) -> Array:
    """Times of knots as at full speed, until the arm can have left the motion before [s].

    A cubic of length h that has to lose a velocity v and an acceleration a strays by up to
    4/27 h v + 2/27 h^2 a. Where that is little, as between the chunks of one goal, and its control
    points are inside the limits, there are none.

    Args:
        start: commanded at time 0.
        wanted: (J,) velocity of the chunk where it begins [rad/s].
        stretch: of the chunk.
        settings: the lead.
        limits: of the joints.
    """
    if stretch <= 1.0:
        return np.empty(0)
    position, velocity, acceleration = start
    h = FIRST_KNOT_STEPS * KNOT_S * stretch
    stray = (4 * h * np.abs(velocity - wanted) + 2 * h**2 * np.abs(acceleration)) / 27
    led = position + h * velocity * 2 / 3 + h**2 * acceleration / 6
    outside = (led < np.minimum(limits.lower, position)) | (
        led > np.maximum(limits.upper, position)
    )
    if not (outside | (stray > STRAY)).any():
        return np.empty(0)
    lead_s = max(settings.lead_s, FIRST_KNOT_STEPS * KNOT_S)
    return np.arange(lead_s, lead_s + _stop_s(start, limits), KNOT_S)


def _disagreement(
    chunk: ActionChunk, due_s: Array, motion: CommandedMotion, now_ns: int
) -> tuple[Array, Array]:
    """Commanded minus chunk at the first instant both know: positions (J,), velocities (J,)."""
    at_s = max(0.0, float(due_s[0].max()))  # before its first step a chunk says nothing
    before = motion.at(now_ns + round(at_s * 1e9))
    wanted, slope = np.empty_like(before.position), np.empty_like(before.velocity)
    for j, (due, column) in enumerate(zip(due_s.T, chunk.positions.T)):
        wanted[j] = np.interp(at_s, due, column)
        k = int(np.clip(np.searchsorted(due, at_s), 1, len(due) - 1))
        slope[j] = (column[k] - column[k - 1]) / (due[k] - due[k - 1])
    return before.position - wanted, before.velocity - slope
