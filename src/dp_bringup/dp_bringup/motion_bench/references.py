# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How others join chunks that know their time on the clock, re-implemented from descriptions.

All plan anew on a fixed schedule, every n_action_steps, and replace at once what was sent before;
they differ in what they send:

- `original` (diffusion_policy, eval_real_robot.py): positions at the steps' times; steps that are
  past are dropped; a straight line leads from the commanded position to the first step; the tool
  is no faster than 0.433 m/s.
- `clock_sampling` (isaac_ros_deploy): the controller evaluates the newest chunk at its clock, by
  linear interpolation. A joint_trajectory_controller does the same with a message whose stamp is
  the time of step 0: it jumps into the middle of the chunk.
- `spline_replace`: our own before plans were limited: a cubic spline from the commanded position
  and velocity through the steps to rest, first step 50 ms ahead or more.
"""

from __future__ import annotations

from collections.abc import Callable

from dp_bringup.motion_bench.thinker import Thinker
from dp_bringup.motion_bench.waypoints import Waypoints
from dp_bringup.motion_bench.world import World
from dp_core.chunk import ActionChunk
from dp_core.kinematics import KinematicChain
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.interpolate import CubicSpline

Array = NDArray[np.float64]
Join = Callable[[ActionChunk, int], TrajectoryMessage]  # chunk and now [ns] to what is sent
MakeJoin = Callable[[Array, KinematicChain], Join]  # where the arm rests first, and to the tool
ORIGINAL_LATENCY_NS = 10_000_000  # the original drops steps that are nearer than this [ns]
LEAD_NS = 50_000_000


def drive(world: World, thinker: Thinker, make_join: MakeJoin) -> None:
    """Plan every n_action_steps from the beginning on, and send what is ready at once."""
    join = make_join(np.array(world.simulation.joint_positions), world.simulation.chain)
    period_ns = thinker.contract.n_action_steps * thinker.contract.dt_ns
    near = np.array(world.simulation.joint_positions)
    begin_ns = newest_ns = 0
    while True:
        world.advance_to(begin_ns)
        window = world.next_window(newest_ns)
        newest_ns = window.t_obs_ns
        prediction = thinker.begin(window, near)
        begin_ns = (begin_ns or world.now_ns) + period_ns
        world.advance_to(prediction.ready_ns)
        near = prediction.chunk.positions[thinker.contract.n_action_steps - 1]
        world.publish(join(prediction.chunk, world.now_ns), prediction.chunk)


def original(rest: Array, chain: KinematicChain) -> Join:
    """Drop what is past and send positions, later where the tool would be too fast.

    What its arm does with them is not modelled: servoL smooths them there, with a lookahead of
    0.1 s and a gain of 300. Here the controller follows them as they are.
    """
    path = Waypoints(rest, chain)

    def join(chunk: ActionChunk, now_ns: int) -> TrajectoryMessage:
        for time_ns, position in zip(chunk.times_ns(), chunk.positions):
            if time_ns > now_ns + ORIGINAL_LATENCY_NS:
                path.schedule(position, int(time_ns), now_ns)
        points = [
            TrajectoryPoint(int(time_ns) - now_ns, tuple(position))
            for time_ns, position in zip(path.times_ns, path.positions)
            if time_ns > now_ns
        ]
        return TrajectoryMessage(chunk.joint_names, tuple(points))

    return join


def clock_sampling(rest: Array, chain: KinematicChain) -> Join:
    """Send the whole chunk with the time of its first step; `rest`, `chain` are not needed."""
    del rest, chain

    def join(chunk: ActionChunk, now_ns: int) -> TrajectoryMessage:
        del now_ns
        times_ns = chunk.times_ns()
        points = [
            TrajectoryPoint(int(time_ns - times_ns[0]), tuple(position))
            for time_ns, position in zip(times_ns, chunk.positions)
        ]
        return TrajectoryMessage(chunk.joint_names, tuple(points), stamp_ns=int(times_ns[0]))

    return join


def spline_replace(rest: Array, chain: KinematicChain) -> Join:
    """Send a spline from what is commanded; the arm is at `rest` (J,) [rad] at first."""
    del chain
    begun_ns, curve = 0, CubicHermiteSpline([0.0, 1.0], [rest, rest], [0.0 * rest] * 2)

    def join(chunk: ActionChunk, now_ns: int) -> TrajectoryMessage:
        nonlocal begun_ns, curve
        since_s = min((now_ns - begun_ns) * 1e-9, float(curve.x[-1]))
        position, velocity = curve(since_s), curve(since_s, 1)
        ahead_ns = chunk.times_ns() - now_ns
        new = np.flatnonzero(ahead_ns > LEAD_NS)
        times_s = np.concatenate([[0.0], ahead_ns[new] * 1e-9])
        knots = np.concatenate([position[None], chunk.positions[new]])
        spline = CubicSpline(times_s, knots, bc_type=((1, velocity), (1, 0.0 * velocity)))
        velocities = spline(times_s, 1)
        velocities[-1] = 0.0
        begun_ns, curve = now_ns, CubicHermiteSpline(times_s, knots, velocities)
        points = [
            TrajectoryPoint(int(ahead_ns[k]), tuple(knots[i]), tuple(velocities[i]))
            for i, k in enumerate(new, start=1)
        ]
        return TrajectoryMessage(chunk.joint_names, tuple(points))

    return join
