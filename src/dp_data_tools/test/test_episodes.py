# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The state machine of episodes, with a store that writes down what it is asked for."""

from dp_core.errors import RecordingError
from dp_data_tools.recording.episodes import COMMANDS
from dp_data_tools.recording.episodes import Episodes
from hypothesis import given
from hypothesis import strategies as st


class Store:
    def __init__(self, failing=''):
        self.calls, self.number, self.failing = [], -1, failing

    def _call(self, *call):
        self.calls.append(call)
        if call[0] == self.failing:
            raise RecordingError('the disk is full')

    def begin(self):
        self._call('begin')
        self.number += 1
        return f'e{self.number}'

    def keep(self, outcome):
        self._call('keep', outcome)
        return '9 messages'

    def drop(self):
        self._call('drop')

    def abandon(self):
        self._call('abandon')

    def note(self, outcome):
        self._call('note', outcome)

    def mark(self, name, outcome):
        self._call('mark', name, outcome)

    def delete(self, name):
        self._call('delete', name)


def test_an_episode_is_started_marked_and_kept():
    store = Store()
    episodes = Episodes(store)
    assert episodes.start().message == 'recording e0'
    assert episodes.mark_success().success
    assert episodes.stop().message == 'kept e0: 9 messages'
    assert store.calls == [('begin',), ('note', 'success'), ('keep', 'success')]
    assert (episodes.recording, episodes.last, episodes.kept) == (None, 'e0', 1)


def test_a_success_is_that_of_one_episode():
    store = Store()
    episodes = Episodes(store)
    for command in ('start', 'mark_success', 'discard', 'start', 'stop'):
        assert episodes.command(command).success
    assert store.calls[-1] == ('keep', 'unmarked')


def test_after_the_end_the_last_episode_is_meant():
    store = Store()
    episodes = Episodes(store)
    for command in ('start', 'stop', 'mark_success', 'discard'):
        assert episodes.command(command).success
    assert store.calls[2:] == [('mark', 'e0', 'success'), ('delete', 'e0')]
    assert not episodes.discard().success
    assert not episodes.mark_success().success
    assert episodes.kept == 0


def test_a_success_that_cannot_be_written_is_refused():
    store = Store('note')
    episodes = Episodes(store)
    episodes.start()
    reply = episodes.mark_success()
    assert (reply.success, reply.message) == (False, 'the disk is full')
    assert episodes.stop().success
    assert store.calls[-1] == ('keep', 'unmarked')


def test_once_the_next_one_has_begun_the_last_one_is_safe():
    store = Store()
    episodes = Episodes(store)
    for command in ('start', 'stop', 'start', 'discard'):
        assert episodes.command(command).success
    assert not episodes.discard().success
    assert ('delete', 'e0') not in store.calls
    assert episodes.kept == 1


def test_commands_out_of_place_are_refused_with_words():
    episodes = Episodes(Store())
    assert episodes.stop().message == 'nothing is being recorded'
    assert episodes.fail('no reason').message == 'nothing is being recorded'
    episodes.start()
    assert episodes.start().message == 'e0 is being recorded; stop or discard it first'


def test_what_cannot_be_kept_is_told_and_recording_ends():
    episodes = Episodes(Store('keep'))
    episodes.start()
    reply = episodes.stop()
    assert (reply.success, reply.message) == (False, 'e0 is NOT kept: the disk is full')
    assert (episodes.recording, episodes.last, episodes.kept) == (None, None, 0)
    assert Episodes(Store('begin')).start().message == 'the disk is full'
    store = Store()
    episodes = Episodes(store)
    episodes.start()
    assert episodes.fail('the disk is full').message == 'e0 is NOT kept: the disk is full'
    assert store.calls == [('begin',), ('abandon',)]


FAILING = ['', 'begin', 'keep', 'drop', 'note', 'mark']


@given(st.lists(st.sampled_from(COMMANDS)), st.sampled_from(FAILING))
def test_whatever_is_asked_every_begin_ends_once(commands, failing):
    store = Store(failing)
    episodes = Episodes(store)
    for command in commands:
        episodes.command(command)
    begun = store.number + 1
    ended = sum(call[0] in ('keep', 'drop') for call in store.calls)
    assert begun - ended == (episodes.recording is not None)
    assert 0 <= episodes.kept <= begun
