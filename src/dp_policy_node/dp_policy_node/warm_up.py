# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The first predictions, before any goal: what loads late is loaded, and the time is known."""

from __future__ import annotations

import time

from dp_core.chunk import ActionChunk
from dp_core.continuation import Continuation
from dp_core.contract import Contract
from dp_core.errors import KinematicsError
from dp_core.observation import ObservationWindow
from dp_core.pipeline import Pipeline
from dp_core.trajectory import TrajectorySettings
import numpy as np


def warm_up(pipeline: Pipeline, count: int) -> tuple[float, ...]:
    """Predict ``count`` times in an empty scene; returns all times but the first [s].

    As much is computed as in use. A policy remembers the pictures that it has encoded, so each
    window comes n_action_steps after the one before and its new ticks have new pictures. And each
    prediction goes on from a chunk by the seam ``rtc``, which computes most: a goal may choose it.
    """
    times: list[float] = []
    for prediction in range(count):
        window = _window(pipeline.contract, prediction * pipeline.contract.n_action_steps)
        at_rest = np.zeros(len(pipeline.joint_names))
        continuation = _at_rest(pipeline, window.t_obs_ns)
        begin_s = time.monotonic()
        try:
            pipeline.predict(window, at_rest, continuation=continuation)
        except KinematicsError:
            pass  # an empty scene may lead anywhere; only the time matters here
        times.append(time.monotonic() - begin_s)
    return tuple(times[1:])


def _window(contract: Contract, first: int) -> ObservationWindow:
    """Return what is seen at n_obs_steps ticks from ``first`` on; each tick has its own grey."""
    ticks = range(first, first + contract.n_obs_steps)
    return ObservationWindow(
        t_obs_ns=ticks[-1] * contract.dt_ns,
        low_dim={s.name: np.zeros((len(ticks), s.dim), np.float32) for s in contract.low_dim},
        images={
            s.name: np.stack([np.full((*s.size, 3), tick % 256, np.uint8) for tick in ticks])
            for s in contract.images
        },
    )


def _at_rest(pipeline: Pipeline, t_obs_ns: int) -> Continuation:
    """Return what goes on from a chunk observed n_action_steps before, all joints at 0."""
    contract = pipeline.contract
    n_steps, n_joints = contract.horizon - contract.n_obs_steps + 1, len(pipeline.joint_names)
    before = ActionChunk(
        stamp_ns=t_obs_ns - contract.n_action_steps * contract.dt_ns,
        step_ns=contract.dt_ns,
        offset_ns=contract.offset_ns,
        joint_names=pipeline.joint_names,
        positions=np.zeros((n_steps, n_joints)),
        actions=np.zeros((n_steps, contract.action_dim)),
    )
    settings = TrajectorySettings(seam='rtc')
    return Continuation(
        settings, (before,), lambda times_ns: np.zeros((len(times_ns), n_joints)), t_obs_ns
    )
