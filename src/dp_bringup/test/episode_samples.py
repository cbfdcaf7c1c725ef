# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""An episode that a human can check: the T slides along x onto the goal in ten seconds."""

from types import SimpleNamespace

from dp_bringup.chunk_log import ChunkRecord
from dp_bringup.demo_client import EpisodeRecord
import numpy as np

START_NS = 1_000_000_000_000
JOINTS = tuple(f'joint_{i}' for i in range(6))
SQUARE = np.array([[-0.1, -0.1], [0.1, -0.1], [0.1, 0.1], [-0.1, 0.1]])


def write_scene_log(path, seed=0, begin_s=1.0, end_s=11.0):
    """Write a file as sim_node does: a square of 20 cm slides from x = 20 cm to 0."""
    time_s = np.arange(0.0, 12.0, 0.008)
    ticks = np.arange(0.0, 12.0, 0.1)

    def x(t):
        return np.clip(0.02 * (11.0 - t), 0.0, 0.2)

    block = np.stack([x(time_s), 0 * time_s, 0 * time_s], axis=1)
    joints = np.stack([np.sin(time_s + k) for k in range(6)], axis=1)
    upright = np.tile([0.0, 0.0, 0.0, 1.0], (len(time_s), 1))
    np.savez_compressed(
        path,
        seed=seed,
        episode=1,
        start_stamp_ns=START_NS,
        joint_names=np.array(JOINTS),
        time_s=time_s,
        measured_positions=joints + 1e-3,
        command_positions=joints,
        tool_position=np.tile([0.1, 0.0, 0.015], (len(time_s), 1)),
        block_pose=block,
        block_position=block + (0.0, 0.0, 0.02),
        block_orientation=upright,
        coverage_time_s=ticks,
        coverage=1.0 - x(ticks) / 0.2,
        goal_begin_s=np.array([begin_s]),
        goal_end_s=np.array([end_s]),
        realtime_factor=1.0,
    )
    return path


def write_log_without_goal(path, seed=0):
    """Write a file as sim_node does for a scene in which no goal was executed."""
    with np.load(write_scene_log(path, seed)) as file:
        data = dict(file)
    np.savez(path, **{**data, 'goal_begin_s': [], 'goal_end_s': []})
    return path


def chunk(number, inference_s=0.02, jump=0.001):
    """Return the record of a chunk that takes over 0.8 s after the one before."""
    begin_ns = START_NS + round((1.0 + 0.8 * number) * 1e9)
    return ChunkRecord(
        number=number,
        sent_ns=begin_ns,
        times_ns=begin_ns + np.arange(15, dtype=np.int64) * 100_000_000,
        positions=np.zeros((15, 6)),
        cut_index=1,
        inference_s=inference_s,
        observation_age_s=0.03,
        position_jump=jump,
        velocity_jump=10 * jump,
    )


def record(seed=0, chunks=(), outcome='SUCCESS', score=1.0, late=0, factor=1.0, expired=0):
    """Return what was heard in an episode."""
    scene = SimpleNamespace(
        late_ticks=late,
        rejected_messages=0,
        realtime_factor=factor,
    )
    node = SimpleNamespace(expired_chunks=expired, rss_bytes=300_000_000)
    return EpisodeRecord(seed, outcome, '', tuple(chunks), score, 0.95 * score, scene, node)
