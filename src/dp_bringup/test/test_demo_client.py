# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How the demo asks for a reset, on a clock that only waiting moves."""

from types import SimpleNamespace

import pytest

pytest.importorskip('dp_msgs.msg')

from dp_bringup.demo_client import DemoClient
from dp_bringup.demo_client import DemoError

LONGEST_MOVE_S = 3.6  # of the arm to a start, with controller:=ros2_control


class SlowScene:
    """Answers a request so long after it has come; the first answers are lost."""

    def __init__(self, takes_s, lost=0):
        self.now_s, self.asked = 0.0, 0
        self._takes_s, self._lost = takes_s, lost

    def call_async(self, request):
        self.asked += 1
        done_s = self.now_s + self._takes_s if self.asked > self._lost else float('inf')
        answer = SimpleNamespace(success=True, seed=request.seed)
        return SimpleNamespace(done=lambda: self.now_s >= done_s, result=lambda: answer)

    def remove_pending_request(self, future):
        pass


class Client(DemoClient):
    def __init__(self, scene):
        self._reset = scene

    def _spin(self, done, timeout_s, check=None):
        end_s = self._reset.now_s + timeout_s
        while not done() and self._reset.now_s < end_s:
            self._reset.now_s += 0.05
        return done()


def test_an_arm_on_its_way_is_not_sent_again():
    scene = SlowScene(LONGEST_MOVE_S)
    assert Client(scene)._ask_for_reset(7).seed == 7
    assert scene.asked == 1


def test_after_a_lost_answer_it_asks_again_and_not_for_ever():
    scene = SlowScene(LONGEST_MOVE_S, lost=1)
    assert Client(scene)._ask_for_reset(7).success
    assert scene.asked == 2
    with pytest.raises(DemoError, match='reset in vain'):
        Client(SlowScene(0.0, lost=9))._ask_for_reset(7)
