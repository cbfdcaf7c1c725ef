# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the recorder's node until Ctrl-C, SIGTERM or the key q; then ends what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
import signal

from dp_data_tools.recording.inputs import Keyboard
from dp_data_tools.recording.recorder import Recorder
from dp_data_tools.recording.recorder import RecorderSettings
from dp_data_tools.recording.wanted import WantedTopic
from dp_data_tools.ros.episode_recorder import EpisodeRecorder
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions


def record(
    settings: RecorderSettings,
    wanted: Sequence[WantedTopic],
    facts: Mapping[str, str],
    joy_topic: str,
    buttons: Mapping[str, int],
    at_end: str,
    ros_arguments: Sequence[str],
) -> int:
    """Record; return the exit status.

    Args:
        settings: where and how.
        wanted: topics.
        facts: what every episode keeps beside its messages.
        joy_topic: of a joystick; empty for none.
        buttons: command -> number of its button.
        at_end: what an episode gets that is still being recorded then: stop or discard.
        ros_arguments: what follows ``--ros-args``.
    """
    stopped = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.append(True))
    arguments = ['--ros-args', *ros_arguments] if ros_arguments else []
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    executor = SingleThreadedExecutor()
    try:
        with Keyboard() as keyboard:
            make = partial(Recorder, settings, wanted, facts)
            node = EpisodeRecorder(make, wanted, keyboard, joy_topic, buttons)
            executor.add_node(node)
            try:
                while not stopped and not node.has_ended:
                    executor.spin_once(timeout_sec=0.1)
            finally:
                node.close(at_end)
                executor.remove_node(node)
                node.destroy_node()
    finally:
        executor.shutdown()
        rclpy.shutdown()
    return 0
