# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Node hand: a person commands the tool by keys, mouse or joystick, on `/tool_target`.

It commands from the first key or move of the stick on, ten times a second, as long as it is held
(x lets go), because a recorded command must have no gaps. More keys call the recorder's services.
"""

from __future__ import annotations

from collections.abc import Callable
import os
import select
import sys
from typing import Any

from dp_msgs.srv import ResetScene
from dp_sim.hand_target import HandTarget
from dp_sim.parameters import declare
from dp_sim.recorder_client import recorder_clients
from dp_sim.scene_publisher import FRAME
from dp_sim.scripted_operator import DT_S
from dp_sim.spinning import initialize
from dp_sim.spinning import SPIN_S
from dp_sim.teleoperation_node import ASTRAY_M
from dp_sim.teleoperation_node import TARGET_TOPIC
from dp_sim.teleoperation_parameters import HAND
from dp_sim.terminal_hand import HELP
from dp_sim.terminal_hand import raw_terminal
from dp_sim.terminal_hand import RECORDER_KEYS
from dp_sim.terminal_hand import TerminalHand
from geometry_msgs.msg import PoseStamped
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Joy
from std_srvs.srv import Trigger


class HandNode(Node):
    """Keys and sticks in, targets out."""

    def __init__(self) -> None:
        """Listen."""
        super().__init__('hand')
        self._values = declare(self, HAND)
        self._hand = HandTarget()
        self._terminal = TerminalHand()
        self._tool: np.ndarray | None = None
        self._holds = False
        self._seed = self._values['seed']
        self.has_ended = False
        self._targets = self.create_publisher(PoseStamped, TARGET_TOPIC, 1)
        self.create_subscription(PoseStamped, '/tool_pose', self._on_tool, qos_profile_sensor_data)
        self.create_subscription(Joy, self._values['joy_topic'], self._on_joy, 10)
        self._resets = self.create_client(ResetScene, '/reset_scene')
        self._recorder = recorder_clients(self, self._values['recorder'])
        self.create_timer(DT_S, self._on_time)

    def press(self, keys: str) -> None:
        """Take what a terminal sent."""
        for each in self._terminal.read(keys):
            if not isinstance(each, str):
                self._hold()
                self._hand.tap(each)
            elif each == 'x':
                self._holds = False
            elif each == 'q':
                self.has_ended = True
            elif each == 'r':
                self._reset(self._seed)
            elif each in RECORDER_KEYS and self._recorder:
                client = self._recorder[RECORDER_KEYS[each]]
                self._ask(client, Trigger.Request(), lambda reply: reply.message)

    def _reset(self, seed: int) -> None:
        def answer(reply: ResetScene.Response) -> str:
            if not reply.success:
                return f'not reset to seed {seed}: {reply.message}'
            self._seed = seed + 1
            return f'reset to seed {seed}'

        self._holds = False
        self._ask(self._resets, ResetScene.Request(seed=seed), answer)

    def _ask(self, client: Any, request: Any, words: Callable[[Any], str]) -> None:
        """Call a service, and say what it answers."""
        if not client.service_is_ready():
            sys.stderr.write(f'there is no service {client.srv_name}\n')
            return
        future = client.call_async(request)
        future.add_done_callback(lambda done: sys.stderr.write(f'{words(done.result())}\n'))

    def _on_joy(self, message: Joy) -> None:
        axes = [self._values['axis_away'], self._values['axis_left']]
        if max(axes) >= len(message.axes):
            self.get_logger().warning(
                f'{self._values["joy_topic"]} has {len(message.axes)} axes, wanted {axes}',
                throttle_duration_sec=5.0,
            )
            return
        stick = np.array([message.axes[axis] for axis in axes])
        self._hand.lean(stick)
        if self._hand.is_leaning:
            self._hold()

    def _on_tool(self, message: PoseStamped) -> None:
        self._tool = np.array([message.pose.position.x, message.pose.position.y])

    def _hold(self) -> None:
        if not self._holds and self._tool is not None:
            self._hand.follow(self._tool)
            self._holds = True

    def _on_time(self) -> None:
        target = self._hand.advance(DT_S) if self._holds else None
        if target is None or self._tool is None:
            return
        if np.linalg.norm(target - self._tool) > ASTRAY_M:  # somebody else has moved the arm
            self._hand.follow(self._tool)
            target = self._tool
        message = PoseStamped()
        message.header.frame_id = FRAME
        message.header.stamp = self.get_clock().now().to_msg()
        message.pose.position.x, message.pose.position.y = map(float, target)
        message.pose.orientation.x, message.pose.orientation.w = 1.0, 0.0  # tool down
        self._targets.publish(message)


def main(args: list[str] | None = None) -> int:
    """Command until q or Ctrl-C."""
    stop = initialize(args)
    executor = SingleThreadedExecutor()
    try:
        node = HandNode()
        executor.add_node(node)
        with raw_terminal() as has_keys:
            sys.stderr.write(f'{HELP}\n' if has_keys else 'no terminal: joystick only\n')
            while not stop.is_set() and not node.has_ended:
                executor.spin_once(timeout_sec=SPIN_S)
                if has_keys and select.select([sys.stdin], [], [], 0.0)[0]:
                    keys = os.read(sys.stdin.fileno(), 256).decode('ascii', 'replace')
                    has_keys = bool(keys)
                    node.press(keys)
        node.destroy_node()
    finally:
        executor.shutdown()
        rclpy.shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
