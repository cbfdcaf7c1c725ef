# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How others join chunks in a queue of single targets, re-implemented from descriptions.

- `drive_blend` (LeRobot's asynchronous client): targets are numbered; one is sent every dt. Where
  the chunk at hand and the new one both have a target of a number, 0.3 old + 0.7 new is sent.
- `drive_fade` (axol): the new chunk is shifted onto the target sent last, the shift fades out in
  1 s, the chunks known are averaged, and a filter limits velocity and acceleration.

Both ask for a chunk when half of the last one is left: after n_action_steps, as everybody here.
Both send single positions, to be reached when the next is due.
"""

from __future__ import annotations

from dataclasses import dataclass

from dp_bringup.motion_bench.thinker import Prediction
from dp_bringup.motion_bench.thinker import Thinker
from dp_bringup.motion_bench.world import World
from dp_core.chunk import ActionChunk
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
REFILL = 0.5  # part of a chunk that is left when the next is asked for: LeRobot's default
OLD, NEW = 0.3, 0.7  # weights of LeRobot's default blend
FADE_S = 1.0  # axol's alignment
ENSEMBLE_COEFFICIENT = 0.01  # axol's weight of chunk i, oldest first: exp(-coefficient i)
TAPER_S = 0.2  # axol: in the last part of its horizon the weight of a chunk goes to 0
TOP_SPEED, TOP_ACCELERATION = 2.0 * np.pi, 7.0 * np.pi  # axol's filter [rad/s], [rad/s^2]
FILTER_NS = 20_000_000  # between its targets; 50 Hz
SLACK_NS = 5_000_000  # a target is to be reached this much later, or journeys would halt the arm


def single(world: World, target: Array, reach_ns: int) -> TrajectoryMessage:
    """Build a message of one position (J,) [rad] to be reached in `reach_ns`."""
    return TrajectoryMessage(world.joint_names, (TrajectoryPoint(reach_ns, tuple(target)),))


def drive_blend(world: World, thinker: Thinker) -> None:
    """Send numbered targets, one every dt; chunks are matched by number, not by time."""
    dt_ns = thinker.contract.dt_ns
    queue: dict[int, Array] = {}
    latest, size, newest_ns = -1, 0, 0
    pending: tuple[Prediction, int] | None = None
    begins: ActionChunk | None = None
    sent = np.array(world.simulation.joint_positions)
    world.next_window()
    loop_ns = world.now_ns
    while True:
        world.advance_to(loop_ns)
        if pending and pending[0].ready_ns <= loop_ns:
            (prediction, number), pending = pending, None
            begins = prediction.chunk
            queue = blended(queue, begins.positions, number, latest)
            size = max(size, len(begins.positions))
        if queue:
            latest = min(queue)
            sent = queue.pop(latest)
            world.publish(single(world, sent, dt_ns + SLACK_NS), begins)
            begins = None
        if pending is None and len(queue) <= REFILL * size:
            window = world.next_window(newest_ns)
            newest_ns = window.t_obs_ns
            pending = thinker.begin(window, sent), max(latest, 0)
        loop_ns += dt_ns


def blended(queue: dict[int, Array], chunk: Array, number: int, latest: int) -> dict[int, Array]:
    """Return the queue after a chunk (N, J) whose step 0 has `number` has come in."""
    fresh = {number + k: row for k, row in enumerate(chunk) if number + k > latest}
    return {
        n: OLD * queue[n] + NEW * target if n in queue else target for n, target in fresh.items()
    }


@dataclass(frozen=True)
class Shifted:
    """A chunk whose distance to what was sent fades out."""

    chunk: ActionChunk
    arrival_ns: int
    shift: Array

    def at(self, time_ns: int) -> Array:
        """Target (J,) [rad] at a time [ns]."""
        faded = max(0.0, 1.0 - (time_ns - self.arrival_ns) * 1e-9 / FADE_S)
        return between(self.chunk, time_ns) + faded * self.shift

    def weight(self, time_ns: int) -> float:
        """Part with which it counts at a time [ns]: 1, and 0 past its end."""
        left_s = (int(self.chunk.times_ns()[-1]) - time_ns) * 1e-9
        return float(np.clip(left_s / TAPER_S, 0.0, 1.0))


def between(chunk: ActionChunk, time_ns: int) -> Array:
    """Linear interpolation of a chunk (J,) [rad]; its ends are held."""
    step = (time_ns - chunk.stamp_ns - chunk.offset_ns) / chunk.step_ns
    step = float(np.clip(step, 0.0, len(chunk.positions) - 1))
    k = min(int(step), len(chunk.positions) - 2)
    return chunk.positions[k] + (step - k) * (chunk.positions[k + 1] - chunk.positions[k])


def averaged(chunks: list[Shifted], time_ns: int) -> Array:
    """Weighted mean (J,) [rad] of the chunks, oldest first; the newest where none counts."""
    weights = [
        np.exp(-ENSEMBLE_COEFFICIENT * i) * each.weight(time_ns) for i, each in enumerate(chunks)
    ]
    if not sum(weights):
        return chunks[-1].at(time_ns)
    return np.asarray(np.average([c.at(time_ns) for c in chunks], axis=0, weights=weights))


def limited(position: Array, velocity: Array, target: Array, dt_s: float) -> tuple[Array, Array]:
    """Move towards `target` for one tick, so that the arm can still stop there."""
    way = target - position
    # The speed from which it can stop over the way left, when it brakes once a tick.
    stop = TOP_ACCELERATION * dt_s
    can_stop = np.sqrt((0.5 * stop) ** 2 + 2.0 * TOP_ACCELERATION * np.abs(way)) - 0.5 * stop
    speed = np.minimum(np.minimum(can_stop, np.abs(way) / dt_s), TOP_SPEED)
    velocity = velocity + np.clip(np.sign(way) * speed - velocity, -stop, stop)
    return position + velocity * dt_s, velocity


def drive_fade(world: World, thinker: Thinker) -> None:
    """Send filtered targets at 50 Hz."""
    half_ns = thinker.contract.n_action_steps * thinker.contract.dt_ns
    chunks: list[Shifted] = []
    pending: Prediction | None = None
    sent = np.array(world.simulation.joint_positions)
    velocity = np.zeros_like(sent)
    ask_ns = newest_ns = 0
    world.next_window()
    loop_ns = world.now_ns
    while True:
        world.advance_to(loop_ns)
        reach_ns = loop_ns + FILTER_NS
        begins = None
        if pending and pending.ready_ns <= loop_ns:
            begins, pending = pending.chunk, None
            old = averaged(chunks, reach_ns) if chunks else between(begins, reach_ns)
            chunks = [c for c in chunks if c.weight(reach_ns)]
            chunks.append(Shifted(begins, reach_ns, old - between(begins, reach_ns)))
        if chunks:
            target = averaged(chunks, reach_ns)
            sent, velocity = limited(sent, velocity, target, FILTER_NS * 1e-9)
            world.publish(single(world, sent, FILTER_NS + SLACK_NS), begins)
        if pending is None and loop_ns >= ask_ns:
            window = world.next_window(newest_ns)
            newest_ns = window.t_obs_ns
            pending = thinker.begin(window, sent)
            ask_ns = window.t_obs_ns + half_ns
        loop_ns += FILTER_NS
