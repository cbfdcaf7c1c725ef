# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The policy of one episode; what it predicts is ready when simulated time has passed."""

from __future__ import annotations

from dataclasses import dataclass

from dp_bringup.motion_bench.world import World
from dp_core.chunk import ActionChunk
from dp_core.continuation import Continuation
from dp_core.contract import Contract
from dp_core.observation import ObservationWindow
from dp_core.pipeline import Pipeline
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """A chunk under way.

    Attributes:
        chunk: what the policy wants.
        ready_ns: when it will be known [ns].
        time_s: of the prediction [s].
    """

    chunk: ActionChunk
    ready_ns: int
    time_s: float


class Thinker:
    """The real pipeline, with the noise of its episode and the time of its world."""

    def __init__(self, pipeline: Pipeline, world: World) -> None:
        """`pipeline` draws its noise from the seed of the episode."""
        self.pipeline = pipeline
        self._world = world
        self._count = 0

    @property
    def contract(self) -> Contract:
        """What the policy sees and commands."""
        return self.pipeline.contract

    def begin(
        self, window: ObservationWindow, near: Array, continuation: Continuation | None = None
    ) -> Prediction:
        """Begin a prediction now.

        Args:
            window: what it sees.
            near: (J,) joints at which inverse kinematics starts [rad].
            continuation: what it goes on from; None for nothing.
        """
        world = self._world
        time_ns = world.timing.prediction_ns(world.seed, self._count)
        self._count += 1
        chunk = self.pipeline.predict(window, near, continuation=continuation)
        return Prediction(chunk, world.now_ns + time_ns, time_ns * 1e-9)
