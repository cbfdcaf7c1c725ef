# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the policy node does, with the node's own pieces: `dp_policy_node.inference_worker`.

The order of its steps is repeated here because the worker's are spread over threads and a real
clock: when to begin, when to take over and what to send are the same functions.
"""

from __future__ import annotations

from dp_bringup.motion_bench.thinker import Thinker
from dp_bringup.motion_bench.world import World
from dp_core.continuation import ChunkHistory
from dp_core.continuation import Continuation
from dp_core.errors import ExpiredError
from dp_core.motion import CommandedMotion
from dp_core.motion import Trajectory
from dp_core.trajectory import TrajectorySettings
from dp_policy_node.latency import LatencyRecord
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
import numpy as np
from numpy.typing import NDArray

# Copied from trajectory_output and jtc_topic of dp_policy_node, which need rclpy: a chunk is
# planned for so much later, goes out then, and begins when the controller has it [ns].
PLANNING_NS, ARRIVAL_NS = 10_000_000, 1_000_000
WARM_UP = 3  # predictions whose times are known before the first goal


def message(trajectory: Trajectory) -> TrajectoryMessage:
    """Build what the node publishes: positions and velocities, stamp 0."""
    points = tuple(
        TrajectoryPoint(round(float(time_s) * 1e9), tuple(positions), tuple(velocities))
        for time_s, positions, velocities in zip(
            trajectory.times_s, trajectory.positions.tolist(), trajectory.velocities.tolist()
        )
    )
    return TrajectoryMessage(trajectory.joint_names, points)


def drive(world: World, thinker: Thinker, settings: TrajectorySettings) -> None:
    """Send chunk after chunk until the episode is over."""
    steps, dt_ns = thinker.contract.n_action_steps, thinker.contract.dt_ns
    motion = CommandedMotion(np.array(world.simulation.joint_positions))
    timing = world.timing
    latencies = LatencyRecord([timing.inference_s + timing.delay_s] * WARM_UP)
    history = ChunkHistory()

    def commanded(times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([motion.at(int(time_ns)).position for time_ns in times_ns])

    takeover_ns, newest_ns = 0, 0
    while True:
        expected_ns = round(latencies.expected_s() * 1e9) + PLANNING_NS
        world.advance_to(takeover_ns - min(expected_ns, steps * dt_ns))
        window = world.next_window(newest_ns)
        newest_ns = window.t_obs_ns
        joined_ns = max(world.now_ns + expected_ns, takeover_ns)
        sent_until_ns = joined_ns + round(settings.lead_s * 1e9)
        continuation = Continuation(settings, history.chunks, commanded, sent_until_ns)
        prediction = thinker.begin(window, motion.at(joined_ns).position, continuation)
        world.advance_to(max(prediction.ready_ns, takeover_ns - PLANNING_NS))
        latencies.add(prediction.time_s)
        sent_ns = world.now_ns + PLANNING_NS
        try:
            trajectory = thinker.pipeline.connect(
                prediction.chunk, motion, sent_ns + ARRIVAL_NS, settings
            )
        except ExpiredError:
            world.recording.expired += 1
            continue
        world.advance_to(sent_ns)
        world.publish(message(trajectory), prediction.chunk)
        motion.follow(trajectory)
        history.add(prediction.chunk)
        takeover_ns = prediction.chunk.takeover_ns(trajectory.start_ns, steps)
