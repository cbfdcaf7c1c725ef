# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One trial: a goal runs, a fault comes, the reaction is heard at the controller, and it ends."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import Any

from dp_bringup.fault_trials.act import clear
from dp_bringup.fault_trials.act import inject
from dp_bringup.fault_trials.client import Goal
from dp_bringup.fault_trials.motion import judge
from dp_bringup.fault_trials.motion import MotionFigures
from dp_bringup.fault_trials.motion import Track
from dp_bringup.fault_trials.plan import BLIND_S
from dp_bringup.fault_trials.plan import DIED
from dp_bringup.fault_trials.plan import GOES_ON
from dp_bringup.fault_trials.plan import KINDS
from dp_bringup.fault_trials.plan import TrialPlan
from dp_bringup.fault_trials.record import Sent
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.record import wait
from dp_bringup.fault_trials.stack import TrialStack
from dp_msgs.msg import PolicyStatus
from dp_policy_node.execute import CODES

# An arm that moves by a goal is faster than this [rad/s].
MOVING = 0.1
# Chunks that must follow a fault which the goal survives.
MORE_CHUNKS = 3
REACTION_S = 12.0  # longest wait for a reaction [s]
WATCHED_S = 0.7  # an arm at rest is watched for so long while the fault lasts [s]
REST_SLACK_S = 0.15  # of the bound on the time to rest, up to 1.5 rad/s; see `brake` [s]
UNNOTICED = 'UNNOTICED'
ENDED = (PolicyStatus.INACTIVE, PolicyStatus.READY, PolicyStatus.BRAKING, PolicyStatus.STOPPED)


class EarlyEndError(TrialError):
    """The goal had ended before its fault came."""


class Trial:
    """One trial on a stack that is shared with the others."""

    def __init__(self, stack: TrialStack, plan: TrialPlan) -> None:
        """Prepare."""
        self._stack, self._plan = stack, plan
        self._client, self._motion = stack.client, stack.client.motion
        self._kind = KINDS[plan.kind]
        self._goal: Goal | None = None
        self.track: Track | None = None  # of the reference, from the fault on
        self._fault_ns, self._fault_s = 0, 0.0  # by the reference's stamps; on the steady clock
        self._reference_dies = self._kind.argument == 'sim_node SIGKILL'

    def run(self, scene_seed: int) -> dict[str, Any]:
        """Carry the trial out; returns its record.

        Raises:
            EarlyEndError: the goal ended before the fault; try another start.
            TrialError: the stack does not answer.
        """
        begin_s = time.monotonic()
        self._begin(scene_seed)
        speed = self._motion.speed
        self._fault_ns, self._fault_s = self._motion.stamp_of_now(), time.monotonic()
        inject(self._stack, self._kind)
        outcome, reason = self._reaction()
        result_s = self._ended_s()
        brake = self._rest(outcome)
        reacted = brake is not None and outcome not in (GOES_ON, UNNOTICED)
        record = {
            **dataclasses.asdict(self._plan),
            'scene_seed': scene_seed,
            'outcome': outcome,
            'reason': reason,
            'diagnosis': self._client.diagnosis,
            'speed_at_fault': round(speed, 3),
            'detection_s': _rounded(brake.heard_s - self._fault_s if reacted else None),
            'result_s': _rounded(result_s),
            **self._refusal(),
        }
        last = self._motion.sent[-1]
        clear(self._stack, self._kind)
        ready = self._wait_ready()
        figures = self._judge(brake, last, result_s)
        record |= self._record(figures, record, outcome) | ready | self._recover(ready)
        record['as_expected'] = (
            outcome in self._kind.outcomes
            and record['refused'] is not False
            and record['recovered']
        )
        record['load'] = round(os.getloadavg()[0], 2)
        record['wall_s'] = round(time.monotonic() - begin_s, 1)
        return record

    def _begin(self, scene_seed: int) -> None:
        stack, client, motion = self._stack, self._client, self._motion
        stack.restore()
        client.wait_status(PolicyStatus.READY)
        client.wait_services()
        client.reset_scene(scene_seed)
        motion.simulate(0.3)  # no observation of the time before the reset is left
        client.wait_status(PolicyStatus.READY)
        motion.clear()
        if self._kind.verb == 'client':
            stack.start_user()
        else:
            self._goal = client.send(stack.speed_scale)
            if self._goal is None:
                raise TrialError(f'the goal was refused: {client.status}')
        wait(lambda: self._is_over() or self._moves(), 'a motion by the goal')
        motion.simulate(self._plan.delay_s)
        if self._is_over():
            raise EarlyEndError(f'the goal ended before the fault: {self._goal.result}')

    def _is_over(self) -> bool:
        return self._goal is not None and self._goal.result is not None

    def _moves(self) -> bool:
        return self._motion.chunks() > 0 and self._motion.speed > MOVING

    def _reaction(self) -> tuple[str, str]:
        """Wait for the outcome; returns it, and the reason that was told."""
        if DIED in self._kind.outcomes:
            wait(lambda: not self._stack.is_running('policy_node'), 'the death of the node')
            return DIED, ''
        after_s = time.monotonic()
        enough = MORE_CHUNKS if GOES_ON in self._kind.outcomes else 10**6
        end_s = after_s + REACTION_S
        while time.monotonic() < end_s:
            ending = self._ending()
            if ending is not None:
                return ending
            if self._motion.chunks(after_s + self._kind.seconds) >= enough:
                return GOES_ON, ''
            time.sleep(0.005)
        return UNNOTICED, ''

    def _ending(self) -> tuple[str, str] | None:
        """Return code and reason of the goal's end; None while it runs."""
        if self._goal is not None:
            result = self._goal.result
            return None if result is None else (CODES[result.error_code], result.error_msg)
        status = self._client.status
        if status is None or status.state not in ENDED:
            return None
        return CODES[status.error_code], status.reason

    def _ended_s(self) -> float | None:
        return self._goal.ended_s - self._fault_s if self._is_over() else None

    def _rest(self, outcome: str) -> Sent | None:
        """Wait until the arm rests, and watch it; returns the brake that was heard."""
        motion = self._motion
        since_s = self._fault_s
        if outcome in (GOES_ON, UNNOTICED):
            since_s = time.monotonic()
            self._client.cancel_all()
            wait(lambda: self._ending() is not None, 'the end of a cancelled goal')
        if self._reference_dies:
            time.sleep(WATCHED_S)
        else:
            motion.see_rest(WATCHED_S, halts=self._kind.halts)
        return motion.brake(since_s)

    def _refusal(self) -> dict[str, Any]:
        """Send a goal that must be refused while the fault lasts."""
        if not self._kind.refuses:
            return {'refused': None, 'refusal': ''}
        refused = self._client.send(self._stack.speed_scale) is None
        status = self._client.wait_status(*ENDED, PolicyStatus.EXECUTING)
        return {'refused': refused, 'refusal': status.reason}

    def _wait_ready(self) -> dict[str, Any]:
        begin_s = time.monotonic()
        try:
            self._client.wait_status(PolicyStatus.READY)
        except TrialError:
            return {'ready_s': None}
        return {'ready_s': round(time.monotonic() - begin_s, 3)}

    def _judge(self, brake: Sent | None, last: Sent, result_s: float | None) -> MotionFigures:
        """Judge the motion from the fault until now, before the next goal."""
        reacted_s = result_s or 0.0
        if brake is not None:
            reacted_s = (brake.stamp_ns - self._fault_ns) * 1e-9
        self.track = self._motion.track(self._fault_ns)
        figures = judge(self.track, reacted_s, self._stack.limits, halts=self._kind.halts)
        if self._reference_dies:  # what is left to judge is the last message
            broken = () if last.ends_at_rest else ('the last message moves',)
            figures = dataclasses.replace(figures, rest_s=None, violations=broken)
        return figures

    def _record(
        self, figures: MotionFigures, record: dict[str, Any], outcome: str
    ) -> dict[str, Any]:
        late = []
        if outcome not in (GOES_ON, UNNOTICED):
            detection_s, bound_s = record['detection_s'], self._kind.react_s
            if detection_s is not None and detection_s > bound_s:
                late.append('reaction')
            if outcome == 'JOINT_STATE_STALL':  # its brake may last as long as what it replaces
                bound_s = max(bound_s, BLIND_S)
            slowest = float(self._stack.limits.acceleration.min())
            bound_s += figures.velocity / slowest + REST_SLACK_S
            rest_s = None if self._kind.halts else figures.rest_s  # as soon as the robot wants
            if rest_s is not None and rest_s > bound_s:
                late.append('rest')
        scene, status = self._client.scene, self._client.status
        return {
            'rest_s': None if outcome == GOES_ON else _rounded(figures.rest_s),
            'velocity': round(figures.velocity, 4),
            'acceleration': round(figures.acceleration, 3),
            'jerk': round(figures.jerk, 1),
            'violations': list(figures.violations),
            'late': late,
            'lag_s': _rounded(self._motion.lag_s(self._fault_ns)),
            'late_ticks': scene.late_ticks if scene else 0,
            'rejected_messages': scene.rejected_messages if scene else 0,
            'expired_chunks': status.expired_chunks if status else 0,
            'realtime_factor': round(scene.realtime_factor, 4) if scene else None,
        }

    def _recover(self, ready: dict[str, Any]) -> dict[str, Any]:
        """Show that the next goal moves the arm again."""
        if ready['ready_s'] is None:
            return self._not_recovered()
        motion = self._motion
        motion.clear()
        goal = self._client.send(self._stack.speed_scale)
        if goal is None:
            return self._not_recovered()
        try:
            wait(self._moves, 'a motion', REACTION_S)
        except TrialError:
            return self._not_recovered()
        self._client.cancel_all()
        wait(lambda: goal.result is not None, 'the end of the last goal')
        wait(lambda: motion.speed == 0.0, 'the reference at rest')
        if CODES[goal.result.error_code] != 'CANCELED':
            return self._not_recovered()
        return {'recovered': True}

    def _not_recovered(self) -> dict[str, Any]:
        status = self._client.status
        return {'recovered': False, 'recovery': status.reason if status else 'silence'}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
