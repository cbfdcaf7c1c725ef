# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A stack without processes, for trials: an arm that moves at 0.4 rad/s until it is braked.

Needs ROS messages, but no ROS graph. Time stands still, except where a trial lets time pass.
"""

import time
from types import SimpleNamespace

from dp_bringup.fault_trials.motion import Track
from dp_bringup.fault_trials.record import Sent
from dp_core.limits import MotionLimits
from dp_msgs.action import ExecutePolicy
from dp_msgs.msg import PolicyStatus
import numpy as np

SPEED, RAMP_S = 0.4, 0.1
Result = ExecutePolicy.Result


class World:
    """Stack, client and record of the motion in one; `code` ends the goal when a fault comes.

    Attributes:
        code: of the goal's result after a fault; None: the goal goes on.
        refuses: whether goals are refused while a fault lasts.
        solves: whether the goal succeeds before the fault.
        calls: what the trial asked for.
    """

    def __init__(self, code=None, *, refuses=True, solves=False):
        self.code, self.refuses, self.solves = code, refuses, solves
        self.calls = []
        self.client = self.motion = self.operator = self
        self.speed_scale = 1.0
        values = (-9.0, 9.0, 3.0, 5.0, 100.0)
        self.limits = MotionLimits(('a',), *(np.full(1, value) for value in values))
        self.status = PolicyStatus(state=PolicyStatus.READY, reason='why')
        self.scene = SimpleNamespace(late_ticks=2, rejected_messages=0, realtime_factor=1.0)
        self.diagnosis = 'ready'
        self.alive = True
        self.fault = False
        self.goal = None
        self.sent = []
        self.speed = 0.0
        self.fault_ns = 10**18
        self.brake_s = None  # from the fault [s]

    # What a stack does.

    def restore(self):
        self.calls.append('restore')
        self.alive, self.fault = True, False

    def is_running(self, name):
        return self.alive

    def signal(self, name, number):
        self.calls.append(f'{name} {number.name}')
        self.fault, self.alive = True, False
        self._brake()

    def start_user(self):
        self.calls.append('dp_execute')
        self.send(1.0)

    # What a client does.

    def play(self, fault, seconds=0.0):
        self.calls.append(fault)
        self.fault = True
        self._end(self.code)

    act = play  # of the operator

    def trigger(self, name):
        self.calls.append(name)
        self.fault = True
        self._end(self.code)

    def transition(self, number):
        self.calls.append(number)
        return True

    def cancel_all(self):
        self.calls.append('cancel')
        self._end(Result.CANCELED)

    def wait_status(self, *states, **_):
        return self.status

    def wait_services(self):
        self.calls.append('services')

    def reset_scene(self, seed):
        self.calls.append(seed)

    def send(self, speed_scale):
        if self.fault and self.refuses:
            return None
        self.goal = SimpleNamespace(result=None, ended_s=0.0)
        self.speed = SPEED
        self.sent.append(Sent(time.monotonic(), self.fault_ns, (0.1, 0.18, 0.2), True))
        if self.solves:
            self.goal.result = Result()
        return self.goal

    # What a record of the motion tells.

    def clear(self):
        self.sent = []

    def see_rest(self, watched_s, patience_s=1.0, *, halts):
        assert self.speed == 0.0

    def simulate(self, seconds):
        pass

    def stamp_of_now(self):
        return self.fault_ns

    def chunks(self, since_s=0.0):
        return 9

    def brake(self, since_s):
        return next((x for x in self.sent if x.is_brake and x.heard_s > since_s), None)

    def lag_s(self, begin_ns):
        return 0.003

    def track(self, begin_ns):
        """Return a second at 500 Hz: constant speed, and the ramp where it was braked."""
        times = np.arange(500) * 0.002
        late = np.zeros(500)
        if self.brake_s is not None:
            late = np.clip((times - self.brake_s) / RAMP_S, 0.0, 1.0)
        velocity = np.round(SPEED * (1.0 - late), 12)
        steps = 0.001 * (velocity[1:] + velocity[:-1])
        position = np.concatenate([[0.0], np.cumsum(steps)])
        return Track(times, position[:, None], velocity[:, None])

    def _end(self, code):
        if code is None or self.goal is None or self.goal.result is not None:
            return
        self._brake()
        self.goal.ended_s = time.monotonic()
        self.goal.result = Result(error_code=code, error_msg='because')
        self.status.error_code = code

    def _brake(self):
        if self.brake_s is None:
            self.brake_s = 0.02
        self.speed = 0.0
        stamp_ns = self.fault_ns + round(self.brake_s * 1e9)
        self.sent.append(Sent(time.monotonic(), stamp_ns, (0.08, 0.1), True))
