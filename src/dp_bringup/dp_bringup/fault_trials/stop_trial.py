# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One stop at a moment when a prediction holds the interpreter, measured from outside."""

from __future__ import annotations

import dataclasses
import os
import random
import time
from typing import Any

from dp_bringup.fault_trials.act import clear
from dp_bringup.fault_trials.act import inject
from dp_bringup.fault_trials.client import Answer
from dp_bringup.fault_trials.client import Goal
from dp_bringup.fault_trials.holding import HoldFile
from dp_bringup.fault_trials.motion import judge
from dp_bringup.fault_trials.motion import Track
from dp_bringup.fault_trials.plan import KINDS
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.record import wait
from dp_bringup.fault_trials.run import EarlyEndError
from dp_bringup.fault_trials.run import MOVING
from dp_bringup.fault_trials.stack import JOINTS
from dp_bringup.fault_trials.stack import TrialStack
from dp_bringup.fault_trials.stop_plan import REQUESTS
from dp_bringup.fault_trials.stop_plan import StopPlan
from dp_core.kinematics import KinematicChain
from dp_msgs.msg import PolicyStatus
from dp_policy_node.execute import CODES
from dp_sim.assets import URDF_PATH
import numpy as np

PERIOD_S = 0.8  # from one prediction to the next: without a hold the moment is drawn from it [s]
WATCHED_S = 0.1  # an arm at rest is watched for so long [s]
PATIENCE_S = 15.0


def tool() -> KinematicChain:
    """Return the chain from the world to the tool."""
    return KinematicChain.from_urdf(
        URDF_PATH.read_text(encoding='utf-8'), 'world', 'pusher_tip', JOINTS
    )


def way_of_tool(track: Track, chain: KinematicChain) -> float:
    """Return the length of the tool's way [m]."""
    places = np.array([chain.forward(q)[:3, 3] for q in track.positions[::5]]).reshape(-1, 3)
    return float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())


class StopTrial:
    """One trial; the arm goes on from where the last one left it."""

    def __init__(
        self, stack: TrialStack, plan: StopPlan, file: HoldFile, generator: random.Random
    ) -> None:
        """Prepare."""
        self._stack, self._plan, self._file = stack, plan, file
        self._client, self._motion = stack.client, stack.client.motion
        self._generator = generator
        self._goal: Goal | None = None
        self.track: Track | None = None

    def run(self, chain: KinematicChain) -> dict[str, Any]:
        """Carry the trial out; returns its record.

        Raises:
            EarlyEndError: the goal ended before the stop; reset the scene.
            TrialError: the stack does not answer.
        """
        self._move()
        within = self._wait_moment()
        if self._goal.result is not None:
            raise EarlyEndError(f'the goal ended before the stop: {self._goal.result}')
        speed = self._motion.speed
        begin_ns, begin_s = self._motion.stamp_of_now(), time.monotonic()
        answer = self._stop()
        wait(lambda: self._goal.result is not None, 'the end of the goal', PATIENCE_S)
        halts = KINDS[self._plan.kind].halts
        self._motion.see_rest(WATCHED_S, PATIENCE_S, halts=halts)
        brake = self._motion.brake(begin_s)
        self.track = self._motion.track(begin_ns)
        reacted_s = (brake.stamp_ns - begin_ns) * 1e-9 if brake else 0.0
        figures = judge(self.track, reacted_s, self._stack.limits, halts=halts)
        way = self.track.between(0.0, np.inf if figures.rest_s is None else figures.rest_s)
        outcome = CODES[self._goal.result.error_code]
        record = {
            **dataclasses.asdict(self._plan),
            'within_hold': within,
            'outcome': outcome,
            'reason': self._goal.result.error_msg,
            'as_expected': outcome in KINDS[self._plan.kind].outcomes,
            'speed': speed,
            'answer_s': answer.answered_s - answer.sent_s if answer else None,
            'brake_s': brake.heard_s - begin_s if brake else None,
            'result_s': self._goal.ended_s - begin_s,
            'rest_s': figures.rest_s,
            'way_m': way_of_tool(way, chain),
            'velocity': figures.velocity,
            'acceleration': figures.acceleration,
            'jerk': figures.jerk,
            'violations': list(figures.violations),
            'lag_s': self._motion.lag_s(begin_ns),
            'load': os.getloadavg()[0],
        }
        self._restore()
        return {k: round(v, 5) if isinstance(v, float) else v for k, v in record.items()}

    def _move(self) -> None:
        """Let a goal move the arm."""
        self._client.wait_status(PolicyStatus.READY)
        self._motion.clear()
        self._goal = self._client.send(self._stack.speed_scale)
        if self._goal is None:
            raise EarlyEndError(f'the goal was refused: {self._client.status}')
        try:
            wait(
                lambda: self._goal.result is not None or self._motion.speed > MOVING,
                'a motion by the goal',
                5.0,
            )
        except TrialError:  # the block lies where it shall, or the policy waits
            self._client.cancel_all()
            raise EarlyEndError('the arm did not move') from None

    def _wait_moment(self) -> bool:
        """Wait for the moment of the stop; returns whether a prediction holds on then."""
        if self._plan.hold:
            return self._file.wait_within(self._generator, lambda: self._goal.result is not None)
        self._motion.simulate(self._generator.uniform(0.0, PERIOD_S))
        return False

    def _stop(self) -> Answer | None:
        if self._plan.kind not in REQUESTS:
            inject(self._stack, KINDS[self._plan.kind])
            return None
        answer = self._client.timed(self._plan.kind)
        wait(lambda: answer.answered_s, 'an answer', PATIENCE_S)
        return answer

    def _restore(self) -> None:
        if self._plan.kind == 'stop':
            self._client.trigger('reset')
        elif self._plan.kind not in REQUESTS:
            clear(self._stack, KINDS[self._plan.kind])
