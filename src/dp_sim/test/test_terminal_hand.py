# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Keys and drags become taps."""

import os
import pty

from dp_sim import terminal_hand
from dp_sim.terminal_hand import TerminalHand
import numpy as np


def taps(found):
    return [each.tolist() for each in found if not isinstance(each, str)]


def test_keys_are_directions_or_commands():
    found = TerminalHand().read('w\x1b[A\x1b[CQx')
    assert taps(found) == [[1.0, 0.0], [1.0, 0.0], [0.0, -1.0]]
    assert [each for each in found if isinstance(each, str)] == ['q', 'x']
    assert TerminalHand().read('') == []


def test_other_keys_command_nothing():
    hand = TerminalHand()
    f1_to_f5 = '\x1bOP\x1bOQ\x1bOR\x1bOS\x1b[15~'
    assert hand.read(f1_to_f5 + '\x1b[1;5D\x1b[3~\x1b[Z\x1b[[A') == []
    assert taps(hand.read('\x1bOA\x1bOB\x1bOD\x1bOC')) == taps(hand.read('wsad'))
    assert hand.read('\x1b') == []  # escape
    assert hand.read('q') == ['q']


def test_a_sequence_may_come_in_two_parts():
    for sequence in ('\x1b[1;5D', '\x1b[[A', '\x1bOQ', '\x1b[<0;44;18m'):
        for cut in range(1, len(sequence)):
            hand = TerminalHand()
            assert taps(hand.read('w' + sequence[:cut])) == [[1.0, 0.0]]
            assert hand.read(sequence[cut:] + 'x') == ['x']
    hand = TerminalHand()
    assert hand.read('\x1b[') == []
    assert taps(hand.read('A')) == [[1.0, 0.0]]


def test_a_drag_moves_by_the_cells_between():
    hand = TerminalHand()
    assert hand.read('\x1b[<0;40;20M') == []  # pressed
    assert taps(hand.read('\x1b[<32;40;18M')) == [[2.0, 0.0]]  # up: away from the robot
    assert taps(hand.read('\x1b[<32;44;18M')) == [[0.0, -2.0]]  # right
    assert hand.read('\x1b[<0;44;18m') == []  # released
    assert hand.read('\x1b[<0;10;10M') == []
    assert taps(hand.read('\x1b[<32;10;11M\x1b[<32;8;11M')) == [[-1.0, 0.0], [0.0, 1.0]]


def test_the_terminal_is_left_as_it_was(monkeypatch):
    master, slave = pty.openpty()
    terminal, screen = os.fdopen(slave, 'r'), os.fdopen(os.dup(slave), 'w')
    monkeypatch.setattr(terminal_hand.sys, 'stdin', terminal)
    monkeypatch.setattr(terminal_hand.sys, 'stderr', screen)
    before = terminal_hand.termios.tcgetattr(terminal)
    with terminal_hand.raw_terminal() as has_keys:
        assert has_keys
        assert terminal_hand.termios.tcgetattr(terminal) != before
    assert terminal_hand.termios.tcgetattr(terminal) == before
    said = ''
    while not said.endswith('\x1b[?1002l'):  # it may come in parts
        said += os.read(master, 1000).decode()
    assert said == '\x1b[?1002h\x1b[?1006h\x1b[?1006l\x1b[?1002l'
    for file in (terminal, screen):
        file.close()
    os.close(master)


def test_without_a_terminal_there_are_no_keys(monkeypatch):
    with open(os.devnull, encoding='utf-8') as nothing:
        monkeypatch.setattr(terminal_hand.sys, 'stdin', nothing)
        with terminal_hand.raw_terminal() as has_keys:
            assert not has_keys
    assert np.array(terminal_hand.DIRECTIONS['w']).tolist() == [1.0, 0.0]
