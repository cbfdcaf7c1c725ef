# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The services of `dp_data_tools record`, as those who demonstrate call them."""

from __future__ import annotations

from rclpy.client import Client
from rclpy.node import Node
from std_srvs.srv import Trigger

COMMANDS = ('start', 'stop', 'discard', 'mark_success')
# What it says to a command that it has carried out before; a second mark_success is a success.
# Whether a stop whose answer was lost could keep the episode, only its own output tells.
_DONE_BEFORE = {
    'start': 'is being recorded',
    'stop': 'nothing is being recorded',
    'discard': 'there is no episode to discard',
}


def recorder_clients(node: Node, recorder: str) -> dict[str, Client]:
    """Return a client for each command of the node `recorder`; none where it has no name."""
    commands = COMMANDS if recorder else ()
    return {each: node.create_client(Trigger, f'{recorder}/{each}') for each in commands}


def is_done(command: str, reply: Trigger.Response, *, is_repeated: bool) -> bool:
    """Return whether a command was carried out; if it is repeated, the first one may have been."""
    words = _DONE_BEFORE.get(command)
    was_done = is_repeated and words is not None and words in reply.message
    return bool(reply.success) or was_done
