# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Drive episodes with a strategy, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dp_bringup.motion_bench.recording import Recording
from dp_bringup.motion_bench.strategies import STRATEGIES
from dp_bringup.motion_bench.thinker import Thinker
from dp_bringup.motion_bench.world import EpisodeOverError
from dp_bringup.motion_bench.world import Timing
from dp_bringup.motion_bench.world import World
from dp_core.clearance import ClearanceSettings
from dp_core.errors import DpError
from dp_core.evaluation.lockstep import run_in_lockstep
from dp_core.guard import GuardSettings
from dp_core.pipeline import Pipeline
from dp_core.policy import Policy

# As policy_node.yaml of the scene has it: where the tool is nearest to the base, links come close.
GUARD = GuardSettings(clearance=ClearanceSettings(min_distance_m=0.005))


def drive_episode(policy: Policy, strategy: str, seed: int, timing: Timing) -> Recording:
    """Drive episode `seed` to its end; the policy's noise follows from the seed.

    A strategy that fails, as a node that ends its goal with an error, leaves the arm where its
    last message leads it, and the reason in the recording.
    """
    world = World(policy.contract, seed, timing)
    thinker = Thinker(Pipeline(policy, world.simulation.urdf, seed, GUARD), world)
    try:
        STRATEGIES[strategy](world, thinker)
    except EpisodeOverError:
        pass
    except DpError as error:
        world.recording.fault = f'{type(error).__name__}: {error}'
        world.finish()
    world.simulation.close()
    return world.recording


def drive_episodes(
    policy: Policy, strategy: str, seeds: Sequence[int], timing: Timing
) -> list[Recording]:
    """Drive one episode for each seed, all at the same time."""
    return run_in_lockstep(
        policy, [partial(drive_episode, policy, strategy, seed, timing) for seed in seeds]
    )
