# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""However the watch of a goal ends, the arm is braked first, and others may move it after that."""

from types import SimpleNamespace

import pytest

pytest.importorskip('dp_msgs.msg')

from doubles import SteadyClock
from dp_msgs.action import ExecutePolicy
from dp_policy_node.episode import Code
from dp_policy_node.episode import Ending
from dp_policy_node.episode import Episode
from dp_policy_node.episode_run import EpisodeRun


@pytest.mark.parametrize('found', [True, False])  # by the watch; else somebody asks for the end
@pytest.mark.parametrize(
    ('code', 'order'),
    [
        (Code.NONE, ['brake', Code.NONE, 'feedback', 'succeeded']),
        (Code.TIMEOUT, ['brake', Code.TIMEOUT, 'feedback', 'aborted']),
        (Code.CANCELED, ['brake', Code.CANCELED, 'feedback', 'canceled']),
        (Code.LIMIT, ['brake', Code.LIMIT, 'feedback', 'aborted']),
        (Code.PREEMPTED, [Code.PREEMPTED, 'feedback', 'aborted']),  # the newer goal moves on
    ],
)
def test_the_arm_is_braked_before_anybody_is_told(code, order, found):
    done = []

    def tell(word):
        return lambda *_: done.append(word)

    log = SimpleNamespace(info=lambda text: None, error=lambda text: None)
    node = SimpleNamespace(get_clock=SteadyClock, get_logger=lambda: log)
    supervisor = SimpleNamespace(
        check=lambda now_ns: Ending(code, 'why') if found else None, brake=tell('brake'),
    )  # fmt: skip
    handle = SimpleNamespace(
        publish_feedback=tell('feedback'), is_cancel_requested=True,
        succeed=tell('succeeded'), canceled=tell('canceled'), abort=tell('aborted'),
    )  # fmt: skip
    episode = Episode(None, 0)
    if not found:
        episode.end(code, 'why')
    run = EpisodeRun(node, episode, supervisor, lambda _, ending: done.append(ending.code))
    result = run.execute(handle)
    assert done == order
    assert (result.error_code, result.error_msg) == (code, 'why')


@pytest.mark.parametrize('broken', ['check', 'publish_feedback'])
def test_a_watch_that_fails_ends_the_goal_with_a_brake(broken):
    done = []

    def fail(*_):
        raise RuntimeError('out of memory')

    node = SimpleNamespace(
        get_clock=SteadyClock,
        get_logger=lambda: None,
    )
    supervisor = SimpleNamespace(
        check=lambda now_ns: None, brake=lambda code: done.append('brake'), stalled=False
    )
    handle = SimpleNamespace(
        publish_feedback=lambda feedback: None, abort=lambda: done.append('abort')
    )
    setattr(supervisor if broken == 'check' else handle, broken, fail)
    episode = Episode(None, 0)
    run = EpisodeRun(node, episode, supervisor, lambda _, ending: done.append(ending.code))
    with pytest.raises(RuntimeError, match='out of memory'):  # rclpy tells it, and aborts the goal
        run.execute(handle)
    assert done[:2] == ['brake', Code.INTERNAL]
    assert episode.wait(0.0).code == Code.INTERNAL
    assert ExecutePolicy.Result().error_code == Code.INTERNAL  # which is what rclpy sends then
