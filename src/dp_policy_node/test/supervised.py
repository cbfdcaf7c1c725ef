# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""An episode with its supervisor, and a healthy robot whose parts can be spoiled."""

import math
import time
from types import SimpleNamespace

from dp_core.errors import NotReadyError
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import Source
from dp_core.motion import MotionState
from dp_policy_node.convert import RobotState
from dp_policy_node.episode import Episode
from dp_policy_node.observation_input import Complaint
from dp_policy_node.settings import Settings
from dp_policy_node.supervisor import Supervisor
import numpy as np


class World:
    """A healthy robot whose parts can be spoiled."""

    def __init__(self, **settings):
        self.now_ns = time.monotonic_ns()
        self.begin_ns = self.now_ns
        plan = SimpleNamespace(settings=Settings(**settings), timeout_s=60.0)
        self.episode = Episode(plan, self.now_ns)
        self.window_ns = self.state_ns = None  # None: as fresh as can be
        self.inputs = SimpleNamespace(
            complaint=None,
            joint_complaint=None,
            joint_silence_s=0.0,
            window=self._window,
            robot_state=None,
            history_ns=0,
        )
        self.deaf = self.refused = self.lost = ''
        self.command = np.zeros(3)
        self.speed, self.measured = np.zeros(3), np.zeros(3)
        self.source, self.scaling = Source.JOINT_STATES, math.nan
        self.brakes = []
        self.output = SimpleNamespace(
            why_deaf=lambda: self.deaf,
            why_refused=lambda: self.refused,
            moves_arm=True,
            feedback=self._feedback,
            command_at=lambda t: MotionState(self.command, self.speed, 0 * self.speed),
            joint_names=('a', 'b', 'c'),
            end_ns=0,
            brake=lambda *arguments: self.brakes.append(arguments),
        )
        self.worker = SimpleNamespace(
            is_alive=True, busy_s=0.0, expired_in_row=0, wake=lambda: None
        )
        self.verdict = None
        safety = SimpleNamespace(check=lambda: self.verdict)
        controllers = SimpleNamespace(why_lost=lambda timeout_s: self.lost.format(timeout_s))
        robot = SimpleNamespace(output=self.output, worker=self.worker, controllers=controllers)
        self.supervisor = Supervisor(self.episode, self.inputs, robot, safety)

    def _feedback(self, now_ns):
        stamp_ns = self.inputs.robot_state.stamp_ns
        return ControllerFeedback(
            stamp_ns, self.source, self.command, self.speed, self.measured, None, self.scaling
        )

    def _window(self, now_ns):
        if self.window_ns is not None:
            raise NotReadyError("'front' is 0.4 s old")
        return SimpleNamespace(t_obs_ns=now_ns)

    def check(self, after_s=0.0):
        """Check once, ``after_s`` after the begin on the ROS clock."""
        self.supervisor._checked_s = max(self.supervisor._checked_s, time.monotonic() - 0.01)
        self.now_ns = self.begin_ns + round(after_s * 1e9)
        state_ns = self.state_ns or self.now_ns
        self.inputs.robot_state = RobotState(state_ns, self.measured, None)
        return self.supervisor.check(self.now_ns)

    def check_later(self, after_s):
        """Check until both clocks have advanced; the joints are heard all the while."""
        for part in (0.25, 0.5, 0.75, 1.0):
            time.sleep(after_s / 4)
            ending = self.check(part * after_s)
        return ending


def complaint(**kinds):
    values = {'invalid': False, 'future': False, **kinds}
    return Complaint('a bad message', steady_s=time.monotonic(), **values)
