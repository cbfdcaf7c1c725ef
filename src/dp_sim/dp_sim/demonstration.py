# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One demonstration: the operator at work in the scene, disturbed so that it shows recoveries.

A policy errs by millimetres and then sees what no clean demonstration shows. So noise is added
to what is executed while the clean action is recorded, episodes start far from the goal, and now
and then the tool is driven against the T; the operator's answer is recorded, the disturbance not.
An episode ends with the tool at rest in the end zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from dp_core.errors import ConfigError
from dp_sim import scene
from dp_sim.scripted_operator import DT_S
from dp_sim.scripted_operator import Operator
from dp_sim.simulation import Simulation
from dp_sim.tool_motion import ToolMotion
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NOISE_MEMORY = 0.8  # correlation of the noise from one step to the next
_WIDE = (0.23, 0.23)  # half range of wide starts of the T [m]
_NEAR = (0.03, 0.4)  # largest standard deviation of starts near the goal [m], [rad]
_NEAR_IN_ZONE = 0.3  # part of the starts near the goal with the tool in the end zone
_REST_STEPS = 5  # recorded in the end zone


@dataclass(frozen=True)
class Style:
    """How demonstrations are disturbed.

    Attributes:
        noise_m: standard deviation of the noise on the executed action [m].
        wide: part of the episodes that start anywhere within reach.
        near: part that start near the goal, some of them with the tool in the end zone.
        burst_every_s: mean time between drives against the T [s]; 0 for none.
        time_limit_s: episodes that take longer are failures [s].
    """

    noise_m: float = 0.003
    wide: float = 0.6
    near: float = 0.15
    burst_every_s: float = 6.0
    time_limit_s: float = 90.0

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        if min(self.wide, self.near) < 0 or self.wide + self.near > 1:
            raise ConfigError(f'wide {self.wide} and near {self.near} must be shares of one whole')
        if self.noise_m < 0 or self.burst_every_s < 0:
            raise ConfigError('noise_m and burst_every_s must not be negative')


PLAIN = Style(wide=0.0, near=0.0, burst_every_s=0.0, time_limit_s=scene.TIME_LIMIT_S)


@dataclass
class Segment:
    """Consecutive frames at 10 Hz: what was seen, and what the operator did then.

    Attributes:
        cut: the segment was ended by something that the operator did not do.
        corners: block corners, (16,) each [m].
        tool: (2,) each [m].
        action: (2,) each [m].
        joints: (6,) each [rad], for pictures.
        block: (7,) each: position [m] and quaternion x, y, z, w, for pictures.
    """

    cut: bool = False
    corners: list[Array] = field(default_factory=list)
    tool: list[Array] = field(default_factory=list)
    action: list[Array] = field(default_factory=list)
    joints: list[Array] = field(default_factory=list)
    block: list[Array] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.action)

    def add(self, simulation: Simulation, action: Array) -> None:
        """Append the present state and the action that answers it."""
        self.corners.append(scene.block_corners(simulation.block_pose).ravel())
        self.tool.append(simulation.tool_pose[0][:2])
        self.action.append(np.array(action))
        self.joints.append(simulation.joint_positions)
        self.block.append(np.concatenate(simulation.block_pose_3d))


class Disturbance:
    """Noise on executed actions, correlated in time."""

    def __init__(self, rng: np.random.Generator, size_m: float) -> None:
        """Draw with `rng`; standard deviation `size_m` [m] in x and y."""
        self._rng = rng
        self._size_m = size_m
        self._value = np.zeros(2)

    def __call__(self, action: Array) -> Array:
        """Return the action (2,) [m] that is executed instead of `action`."""
        fresh = np.sqrt(1 - _NOISE_MEMORY**2) * self._size_m * self._rng.standard_normal(2)
        self._value = _NOISE_MEMORY * self._value + fresh
        return action + self._value


def draw_start(rng: np.random.Generator, style: Style) -> scene.Start:
    """Draw where a demonstration begins: as an evaluation does, wide, or near the goal."""
    kind = rng.random()
    if kind >= style.wide + style.near:
        return scene.draw_start(int(rng.integers(2**31, 2**32)))  # never a seed of an evaluation
    while True:
        if kind < style.wide:
            x, y = rng.uniform(-1, 1, 2) * _WIDE
            block = (float(x), float(y), float(rng.uniform(-np.pi, np.pi)))
        else:
            size = rng.uniform(0.1, 1.0) * np.array([_NEAR[0], _NEAR[0], _NEAR[1]])
            x, y, yaw = np.asarray(scene.GOAL_POSE) + rng.standard_normal(3) * size
            block = (float(x), float(y), float(yaw))
        tool = rng.uniform(np.add(scene.TOOL_LOW, 0.02), np.subtract(scene.TOOL_HIGH, 0.02))
        if kind >= style.wide and rng.random() < _NEAR_IN_ZONE:
            tool = np.asarray(scene.END_ZONE) + 0.01 * rng.standard_normal(2)
        if scene.clearance(block, tool) > 0.003:
            return scene.Start(block, (float(tool[0]), float(tool[1])))


def demonstration_start(seed: int) -> scene.Start:
    """Draw where the demonstration of a seed begins."""
    return draw_start(np.random.default_rng([seed, 1]), Style())


def demonstrate(
    simulation: Simulation, operator: Operator, rng: np.random.Generator, style: Style
) -> list[Segment] | None:
    """Record one episode; None where the operator failed."""
    start = draw_start(rng, style)
    simulation.place(start.block, start.tool)
    motion = ToolMotion(simulation)
    operator.reset()
    disturb = Disturbance(rng, style.noise_m)
    segments = [Segment()]
    burst_s = next_burst(rng, style, 0.0)
    rested = 0
    while rested < _REST_STEPS:
        if simulation.time_s > style.time_limit_s:
            return None
        if simulation.time_s > burst_s:
            segments[-1].cut = True
            for target in burst(simulation.block_pose, motion.target, rng):
                motion.move(target, DT_S)
            operator.reset()
            segments.append(Segment())
            burst_s = next_burst(rng, style, simulation.time_s)
        action = operator.act(simulation.block_pose, simulation.tool_pose[0][:2])
        if operator.is_lost:
            return None
        segments[-1].add(simulation, action)
        motion.move(disturb(action), DT_S)
        is_done = operator.is_done(simulation.block_pose, simulation.tool_pose[0][:2])
        rested = rested + 1 if is_done else 0
    return segments


def next_burst(rng: np.random.Generator, style: Style, now_s: float) -> float:
    """When the tool is driven against the T next, after `now_s` [s]."""
    if not style.burst_every_s:
        return np.inf
    return now_s + float(rng.uniform(0.5, 1.5)) * style.burst_every_s


def burst(
    block_pose: tuple[float, float, float], tool_xy: Array, rng: np.random.Generator
) -> list[Array]:
    """Targets that drive the tool roughly at the T for 0.4 to 1.2 s at 5 to 16 cm/s."""
    aim = np.asarray(block_pose[:2]) + 0.04 * rng.standard_normal(2) - tool_xy
    velocity = aim / max(float(np.linalg.norm(aim)), 1e-6) * rng.uniform(0.05, 0.16)
    return [tool_xy + velocity * DT_S * (k + 1) for k in range(int(rng.integers(4, 13)))]


def usable(segments: Sequence[Segment], horizon: int) -> list[Segment]:
    """Drop the segments that are shorter than one training sequence."""
    return [segment for segment in segments if len(segment) >= horizon]
