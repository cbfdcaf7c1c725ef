# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One outage of the network between policy and robot, with a stop in it or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import os
import random
import subprocess
import sys
import time
from typing import Any

from dp_bringup.fault_trials import outage_stopper
from dp_bringup.fault_trials.client import Goal
from dp_bringup.fault_trials.motion import judge
from dp_bringup.fault_trials.network import Network
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.record import wait
from dp_bringup.fault_trials.run import EarlyEndError
from dp_bringup.fault_trials.run import MOVING
from dp_bringup.fault_trials.stack import TrialStack
from dp_bringup.fault_trials.stop_trial import way_of_tool
from dp_core.kinematics import KinematicChain
from dp_msgs.msg import PolicyStatus
from dp_policy_node.execute import CODES
import numpy as np

STOP_WITHIN_S = 0.12  # of the begin of an outage, and in its first half [s]
# Nobody may be heard for so long after it: Fast DDS asks every 3 s what was not received [s].
AFTERWARDS_S = 4.0
PATIENCE_S = 15.0


@dataclass(frozen=True)
class OutagePlan:
    """One trial.

    Attributes:
        number: in the series, from 0.
        seconds: the network is away [s].
        stopped: whether ~/stop is called meanwhile.
    """

    number: int
    seconds: float
    stopped: bool


class Stopper:
    """Who calls ~/stop on the policy's computer."""

    def __init__(self, network: Network, environment: Mapping[str, str]) -> None:
        """Start the process that does it."""
        words = [*network.prefix('policy'), sys.executable, '-m', outage_stopper.__name__]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._commands: Any = self._process.stdin
        self._answers: Any = self._process.stdout
        self._expect(outage_stopper.READY)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=PATIENCE_S)

    def stop(self) -> None:
        """Call ~/stop and wait for its answer: the brake is out."""
        self._commands.write('\n')
        self._commands.flush()
        self._expect(outage_stopper.STOPPED)

    def _expect(self, answer: str) -> None:
        found = self._answers.readline().strip()
        if found != answer:
            raise TrialError(f'who calls ~/stop says {found!r}, not {answer!r}')


class OutageTrial:
    """One trial; the arm goes on from where the last one left it."""

    def __init__(
        self,
        stack: TrialStack,
        network: Network,
        stopper: Stopper,
        plan: OutagePlan,
        generator: random.Random,
    ) -> None:
        """Prepare."""
        self._stack, self._network, self._stopper = stack, network, stopper
        self._plan, self._generator = plan, generator
        self._client, self._motion = stack.client, stack.client.motion

    def run(self, chain: KinematicChain) -> dict[str, Any]:
        """Carry the trial out; returns its record.

        Raises:
            EarlyEndError: the goal ended before the outage, or did not move the arm.
            TrialError: the stack does not answer.
        """
        goal = self._move()
        self._motion.simulate(self._generator.uniform(0.0, 1.0))
        if goal.result is not None:
            raise EarlyEndError(f'the goal ended before the outage: {goal.result}')
        speed = self._motion.speed
        begin_ns, begin_s = self._motion.stamp_of_now(), time.monotonic()
        back_s = self._outage() - begin_s
        time.sleep(AFTERWARDS_S)
        goes_on = goal.result is None
        if goes_on:
            self._client.cancel_all()
        wait(lambda: goal.result is not None, 'the end of the goal', PATIENCE_S)
        self._motion.see_rest(0.5, PATIENCE_S, halts=False)
        record = {
            'outcome': 'GOES_ON' if goes_on else CODES[goal.result.error_code],
            'reason': '' if goes_on else goal.result.error_msg,
            'speed': speed,
            'back_s': back_s,
            **self._judge(begin_ns, begin_s + back_s, chain),
        }
        if goes_on:  # its brake, and its rest, are those of our cancel
            record |= dict.fromkeys(('brake_after_s', 'rest_s', 'way_m'))
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in record.items()}

    def _move(self) -> Goal:
        self._client.wait_status(PolicyStatus.READY)
        self._motion.clear()
        goal = self._client.send(self._stack.speed_scale)
        if goal is None:
            raise EarlyEndError(f'the goal was refused: {self._client.status}')
        try:
            wait(lambda: goal.result is not None or self._motion.speed > MOVING, 'a motion', 5.0)
        except TrialError:
            self._client.cancel_all()
            raise EarlyEndError('the arm did not move') from None
        return goal

    def _outage(self) -> float:
        """Cut the network and join it; returns when it was back, on the steady clock [s]."""
        end_s = time.monotonic() + self._plan.seconds
        self._network.cut()
        try:
            if self._plan.stopped:
                time.sleep(
                    self._generator.uniform(0.0, min(STOP_WITHIN_S, self._plan.seconds / 2))
                )
                self._stopper.stop()
            time.sleep(max(0.0, end_s - time.monotonic()))
        finally:
            self._network.join()
        return time.monotonic()

    def _judge(self, begin_ns: int, back_s: float, chain: KinematicChain) -> dict[str, Any]:
        """Judge what was commanded since the cut; the network was back at ``back_s``."""
        track, limits = self._motion.track(begin_ns), self._stack.limits
        brake, last = self._motion.brake(back_s), self._motion.sent[-1]
        figures = judge(track, max(0.0, (last.stamp_ns - begin_ns) * 1e-9), limits)
        way = track.between(0.0, np.inf if figures.rest_s is None else figures.rest_s)
        return {
            'brake_after_s': None if brake is None else brake.heard_s - back_s,
            'rest_s': figures.rest_s,
            'way_m': way_of_tool(way, chain),
            'velocity': figures.velocity,
            'acceleration': figures.acceleration,
            'jerk': figures.jerk,
            'violations': list(figures.violations),
            'load': os.getloadavg()[0],
        }
