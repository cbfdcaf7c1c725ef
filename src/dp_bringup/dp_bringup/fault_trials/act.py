# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How each kind of fault is brought about, and undone."""

from __future__ import annotations

import signal
import time

from dp_bringup.fault_trials.plan import FaultKind
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.stack import TrialStack
from dp_core.errors import ConfigError
from lifecycle_msgs.msg import Transition

# A starved process runs for the second of each of these spans, and stands still in the first [s].
FROZEN_S, THAWED_S = 0.11, 0.01
# What makes the node work again, by what was done.
AGAIN = {
    'deactivate': (Transition.TRANSITION_ACTIVATE,),
    'policies SIGKILL': (
        Transition.TRANSITION_DEACTIVATE,
        Transition.TRANSITION_CLEANUP,
        Transition.TRANSITION_CONFIGURE,
        Transition.TRANSITION_ACTIVATE,
    ),
}


def inject(stack: TrialStack, kind: FaultKind) -> None:
    """Bring a fault about; returns when one that ends by itself outside the scene has ended."""
    if kind.verb == 'scene':
        stack.client.play(kind.argument, kind.seconds)
    elif kind.verb == 'call':
        _call(stack, kind.argument)
    elif kind.verb == 'operator':
        stack.client.operator.act(kind.argument)
    elif kind.verb == 'signal':
        name, _, number = kind.argument.partition(' ')
        stack.signal(name, signal.Signals[number])
    elif kind.verb == 'client':
        stack.signal('dp_execute', signal.Signals[kind.argument])
    elif kind.verb == 'pause':
        _freeze(stack, kind.argument, kind.seconds)
    elif kind.verb == 'starve':
        end_s = time.monotonic() + kind.seconds
        while time.monotonic() < end_s:
            _freeze(stack, kind.argument, FROZEN_S)
            time.sleep(THAWED_S)
    else:
        raise ConfigError(f'fault {kind.name!r} has verb {kind.verb!r}, which nobody knows')


def clear(stack: TrialStack, kind: FaultKind) -> None:
    """Undo what does not end by itself; processes that died are started anew."""
    stack.restore()
    for number in AGAIN.get(kind.argument, ()):
        if not stack.client.transition(number):
            raise TrialError(f'transition {number} failed after {kind.name}')


def _call(stack: TrialStack, what: str) -> None:
    client = stack.client
    if what == 'cancel':
        client.cancel_all()
    elif what == 'stop':
        client.trigger('stop')
    elif what == 'deactivate':
        client.transition(Transition.TRANSITION_DEACTIVATE)
    elif client.send(stack.speed_scale) is not None:
        raise TrialError('a second goal was accepted while the first one ran')


def _freeze(stack: TrialStack, name: str, seconds: float) -> None:
    stack.signal(name, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        stack.signal(name, signal.SIGCONT)
