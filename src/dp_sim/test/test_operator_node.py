# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the scripted operator makes of answers that are lost, late or never given."""

import threading
from types import SimpleNamespace

from dp_core.errors import RecordingError
import pytest

rclpy = pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')
recording = pytest.importorskip('dp_data_tools.recording.episodes')

from dp_sim import operator_node  # noqa: E402
from dp_sim.operator_node import RosWorld  # noqa: E402
from dp_sim.recorder_client import COMMANDS  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(operator_node, 'ASK_AGAIN_S', 0.05)
    rclpy.init()
    made = RosWorld(threading.Event())
    yield made
    made.destroy_node()
    rclpy.shutdown()


class Service:
    """Does at once what it is asked for; the answers to the first requests come never."""

    srv_name = '/service'

    def __init__(self, act, lost=0, is_there=True):
        self._act, self.lost, self._is_there = act, lost, is_there
        self.asked = 0

    def service_is_ready(self):
        return self._is_there

    def call_async(self, request):
        self.asked += 1
        answer, number = self._act(request), self.asked
        return SimpleNamespace(done=lambda: number > self.lost, result=lambda: answer)


class Store:
    """Keeps the names of whole episodes."""

    def __init__(self):
        self.begun, self.kept = 0, []

    def begin(self):
        self.begun += 1
        return f'episode {self.begun}'

    def note(self, outcome):
        pass

    def keep(self, outcome):
        self.kept.append((f'episode {self.begun}', outcome))
        return ''

    def drop(self):
        pass


def recorder(store, **options):
    """Return the clients of a recorder that decides as the real one does."""
    episodes = recording.Episodes(store)
    return {c: Service(lambda _, c=c: episodes.command(c), **options) for c in COMMANDS}


def test_what_was_done_before_its_answer_was_lost_is_done(world):
    store = Store()
    world._recorder = recorder(store)
    for command in ('start', 'mark_success', 'stop', 'start', 'discard'):
        service = world._recorder[command]
        before = service.asked
        service.lost = before + 1
        world.record(command)
        assert service.asked == before + 2
    assert store.begun == 2
    assert store.kept == [('episode 1', 'success')]


def test_a_refusal_of_the_first_request_is_one(world):
    world._recorder = recorder(Store())
    for command, words in (('stop', 'nothing is being recorded'), ('discard', 'no episode')):
        with pytest.raises(RecordingError, match=words):
            world.record(command)


def test_a_reset_that_is_asked_for_again_has_ended_before_the_operator_begins(world):
    looks, resets = [], []

    def done(number):
        """The first answer comes when there is a second request, that to the second one later."""
        looks.append(number)
        return len(resets) > 1 if number == 1 else looks.count(number) > 1

    def call_async(request):
        resets.append(request)
        number = len(resets)
        return SimpleNamespace(done=lambda: done(number), result=lambda: number)

    client = Service(None)
    client.call_async = call_async
    answer, is_repeated = world._call(client, 'reset', is_newest_meant=True)
    assert is_repeated
    assert answer == len(resets) > 1
    resets.clear()
    assert world._call(client, 'stop') == (1, True)


def test_a_recorder_that_has_ended_is_not_waited_for(world, monkeypatch):
    said = []
    monkeypatch.setattr(operator_node, 'END_S', 0.05)
    monkeypatch.setattr(world, 'get_logger', lambda: SimpleNamespace(warning=said.append))
    world._recorder = recorder(Store())
    world.record('start')
    world._recorder = recorder(Store(), is_there=False)
    world.close()
    assert len(said) == 1
    assert 'could not discard the interrupted episode' in said[0]


def test_an_interrupted_episode_is_discarded_and_an_interrupted_stop_is_not(world):
    store = Store()
    world._recorder = recorder(store)
    world.record('start')
    world.record('mark_success')
    world._recorder['stop'].lost = 1
    world._stop.set()
    with pytest.raises(InterruptedError):
        world.record('stop')
    world.close()
    assert world._recorder['discard'].asked == 0
    world.record('start')
    world.close()
    assert world._recorder['discard'].asked == 1
    assert store.kept == [('episode 1', 'success')]
