# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What must hold in every schedule, and how near to the limits the controller came.

Of what is planned: no point before the commit time, the motion goes on from where it was, without
a step of the velocity, and accelerates by no more than the limit. Of what the controller does with
it: it refuses nothing, its reference makes no step of the position beyond the period that it adds
itself at a take-over, and its velocity changes over the 20 ms around a take-over by no more than
the limit allows in this time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from dp_bringup.motion_bench.schedule_run import LIMITS
from dp_bringup.motion_bench.schedule_run import Outcome
from dp_bringup.motion_bench.schedule_run import Sent
from dp_bringup.motion_bench.schedule_run import TICK_NS
from dp_core.limits import RELATIVE_TOLERANCE
from dp_core.trajectory import TrajectorySettings
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LEAD_S = TrajectorySettings().lead_s
AROUND_TICKS = 5  # 10 ms before and after a take-over
STEP_RAD = 1e-4  # a step of the reference that counts [rad]
ROUNDING = 1e-9  # of sums of nanoseconds and floats

KINDS = {
    'early_point': 'a point before the commit time',
    'position_step': 'a planned motion that does not begin at the commanded position',
    'velocity_step': 'one that does not begin at the commanded velocity',
    'acceleration': 'one that accelerates beyond the limit',
    'refused': 'a message that the real controller would refuse',
    'reference_position': "a step of the controller's reference beyond one period of motion",
    'reference_velocity': 'a change of its velocity over 20 ms around a take-over beyond the '
    'acceleration limit and what the times on the way and the controller add',
}


@dataclass(frozen=True)
class Findings:
    """Violations by kind, and the largest of what is measured at the controller.

    Attributes:
        violations: kind -> how many.
        position_steps: of the reference at take-overs beyond a period of motion [rad].
        velocity_changes: over the 20 ms around them, as a part of limit times 20 ms.
    """

    violations: Counter[str]
    position_steps: tuple[float, ...]
    velocity_changes: tuple[float, ...]


def examine(outcome: Outcome) -> Findings:
    """Check one outcome."""
    violations = Counter(kind for sent in outcome.sent for kind in planned(sent))
    violations['refused'] += len(outcome.refusals)
    steps, changes = [], []
    for before, sent in zip([None, *outcome.sent], outcome.sent):
        if not AROUND_TICKS < sent.tick < len(outcome.references) - AROUND_TICKS:
            continue
        steps.append(position_step(outcome.references, sent.tick))
        changes.append(velocity_change(outcome.references, sent.tick))
        late_s = sent.travel_s - (before.travel_s if before else 0.0)
        speed = float(np.abs(outcome.references[sent.tick - 1, 1]).max())
        violations['reference_position'] += steps[-1] > STEP_RAD
        violations['reference_velocity'] += changes[-1] > allowed(sent, late_s, speed)
    return Findings(+violations, tuple(steps), tuple(changes))


def allowed(sent: Sent, late_s: float, speed: float) -> float:
    """Change of velocity at a take-over that a plan may cause, as a part of the limit in 20 ms.

    A message that takes `late_s` longer than the one before finds the controller so much farther
    on, and the controller adds a period of motion itself. Its first piece, of length L, makes up
    for that distance g, by an acceleration of up to 6 g / L^2.
    """
    gap = speed * (abs(late_s) + TICK_NS * 1e-9)
    extra = 6.0 * gap / float(sent.trajectory.times_s[0]) ** 2
    return 1.0 + extra / float(LIMITS.acceleration.min())


def planned(sent: Sent) -> Iterator[str]:
    """Yield the kinds of violations in one planned motion."""
    trajectory = sent.trajectory
    if not sent.is_brake and trajectory.times_s[0] < LEAD_S - ROUNDING:
        yield 'early_point'
    if not np.allclose(trajectory.start_position, sent.before[0], rtol=0.0, atol=ROUNDING):
        yield 'position_step'
    if not np.allclose(trajectory.start_velocity, sent.before[1], rtol=0.0, atol=ROUNDING):
        yield 'velocity_step'
    if acceleration_share(sent) > 1.0 + RELATIVE_TOLERANCE:
        yield 'acceleration'


def acceleration_share(sent: Sent) -> float:
    """Largest acceleration of what the controller draws, as a part of the limit."""
    curve = sent.trajectory.curve()
    ends = np.concatenate([curve(curve.x[:-1], 2), curve(np.nextafter(curve.x[1:], 0.0), 2)])
    return float(np.abs(ends / LIMITS.acceleration).max())


def position_step(references: Array, tick: int) -> float:
    """Step of the reference (T, 2, J) in a tick, beyond its velocity and a period more [rad]."""
    period_s = TICK_NS * 1e-9
    (before, speed_before), (after, speed_after) = references[tick - 1], references[tick]
    beyond = after - before - 0.5 * (speed_before + speed_after) * period_s
    # The controller counts the tick of a hand-over twice.
    return float(np.abs(beyond - speed_before * period_s).max())


def velocity_change(references: Array, tick: int) -> float:
    """Change over 20 ms around a tick, as a part of what the acceleration limit allows."""
    around = references[[tick - 1 - AROUND_TICKS, tick - 1 + AROUND_TICKS], 1]
    allowed = LIMITS.acceleration * 2 * AROUND_TICKS * TICK_NS * 1e-9
    return float(np.abs((around[1] - around[0]) / allowed).max())
