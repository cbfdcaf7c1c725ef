# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Node episode_recorder: subscriptions, services, keys and buttons of the recorder.

One thread runs all callbacks; what it takes is written by another (`episode_writer`).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
import time
from typing import Any

from dp_core.errors import RecordingError
from dp_data_tools.recording.audit import table
from dp_data_tools.recording.bag_metadata import RecordedTopic
from dp_data_tools.recording.episodes import COMMANDS
from dp_data_tools.recording.episodes import Episodes
from dp_data_tools.recording.episodes import Reply
from dp_data_tools.recording.inputs import Buttons
from dp_data_tools.recording.inputs import HELP
from dp_data_tools.recording.inputs import Keyboard
from dp_data_tools.recording.recorder import Recorder
from dp_data_tools.recording.wanted import WantedTopic
from dp_data_tools.ros import endpoints
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.event_handler import UnsupportedEventTypeError
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Joy
from std_srvs.srv import Trigger

LOOK_S = 0.5  # between looks for publishers, the disk's room and silent topics
LOST = (
    '! messages were lost before they reached the recorder; for images of more than half a '
    'megabyte Fast DDS needs more shared memory: config/fastdds.xml of dp_bringup'
)
KEYS_S = 0.05  # between looks at the keyboard


class EpisodeRecorder(Node):
    """Records episodes when it is told to."""

    def __init__(
        self,
        make_recorder: Callable[[Callable[[], int]], Recorder],
        wanted: Sequence[WantedTopic],
        keyboard: Keyboard,
        joy_topic: str = '',
        buttons: Mapping[str, int] | None = None,
    ) -> None:
        """Offer services ~/start, ~/stop, ~/discard and ~/mark_success, and look for topics.

        Args:
            make_recorder: makes the recorder, given the clock of reception [ns].
            wanted: topics.
            keyboard: keys, and the screen.
            joy_topic: of a joystick; empty for none.
            buttons: command -> number of its button.
        """
        super().__init__('episode_recorder')
        self._is_simulated = bool(self.get_parameter('use_sim_time').value)
        recorder = make_recorder(self._now_ns)
        self.has_ended = False
        self._recorder = recorder
        self._episodes = Episodes(recorder)
        self._keyboard = keyboard
        self._waiting = [topic.name for topic in wanted]
        # topic -> subscription, its quality, most publishers
        self._heard: dict[str, tuple[Any, QoSProfile, int]] = {}
        self._told: dict[str, str] = {}  # topic -> the last complaint about it
        for command in COMMANDS:
            self.create_service(Trigger, f'~/{command}', partial(self._on_service, command))
        if joy_topic:
            self._buttons = Buttons(buttons or {})
            self.create_subscription(Joy, joy_topic, self._on_joy, 10)
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # simulated time may not have begun
        self.create_timer(LOOK_S, self._look, clock=steady)
        self.create_timer(KEYS_S, self._on_keys, clock=steady)
        self._look()
        keyboard.say(HELP)

    def close(self, command: str = 'stop') -> None:
        """Stop or discard what is being recorded; after the executor has ended."""
        if self._episodes.recording:
            self._do(command)

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds) if self._is_simulated else time.time_ns()

    def _on_service(
        self, command: str, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        del request
        reply = self._do(command)
        response.success, response.message = reply.success, reply.message
        return response

    def _on_joy(self, message: Joy) -> None:
        for command in self._buttons.commands(message.buttons):
            self._do(command)

    def _on_keys(self) -> None:
        for command in self._keyboard.commands():
            if command == 'quit':
                self.has_ended = True
            else:
                self._do(command)
        self._keyboard.status(self._status())

    def _do(self, command: str) -> Reply:
        """Carry out a command, and say what came of it."""
        kept = self._episodes.kept
        if not self._episodes.recording:
            self._find()  # a publisher may have gone or come since the last look
        reply = self._episodes.command(command)
        self._keyboard.say(reply.message)
        if command != 'start' and self._episodes.kept > kept:
            self._keyboard.say(table(self._recorder.audits))
            if any(each.lost for each in self._recorder.audits):
                self._keyboard.say(LOST)
        if self._episodes.recording is None or command == 'start':
            self._told = {k: v for k, v in self._told.items() if k not in self._heard}
        return reply

    def _status(self) -> str:
        name, missing = self._episodes.recording, self._recorder.missing
        if name:
            return f'REC {name}: {self._recorder.progress()}'
        words = f'idle, {self._episodes.kept} kept'
        return f'{words}; waiting for {" ".join(missing)}' if missing else words

    def _find(self) -> None:
        """See who publishes the topics now."""
        for name in self._waiting:
            self._look_at(name)

    def _look(self) -> None:
        self._find()
        if not self._episodes.recording:
            return
        if self._recorder.error:
            self._keyboard.say(self._episodes.fail(self._recorder.error).message)
        elif self._recorder.is_nearly_full:
            self._keyboard.say('the disk is nearly full: the episode ends here')
            self._do('stop')
        else:
            for name, seconds in self._recorder.silent().items():
                self._complain(name, f'{name} is silent', f' for {seconds:.1f} s')

    def _look_at(self, name: str) -> None:
        """Subscribe to a topic that has publishers, or again where one cannot be heard.

        Of more publishers of a latched topic the recorder is told: each has its own messages.
        """
        publishers = self.get_publishers_info_by_topic(name)
        self._recorder.present(name, bool(publishers))
        if not publishers:
            return
        quality = endpoints.matching_qos(publishers, publishers[0].topic_type)
        latched = quality.durability == DurabilityPolicy.TRANSIENT_LOCAL
        subscription, mine, most = self._heard.get(name, (None, quality, 0))
        is_deaf = endpoints.is_deaf(mine, quality)
        is_more = latched and len(publishers) > most
        if subscription is not None and not is_deaf and not is_more:
            return
        try:
            topic = endpoints.describe(name, publishers)
            kind = endpoints.message_class(topic.msgtype)
            self._recorder.know(topic, is_latched=latched)
        except RecordingError as error:
            self._recorder.present(name, False)  # what is published cannot be recorded
            self._complain(name, str(error))
            return
        if subscription is not None and is_deaf:
            self.destroy_subscription(subscription)
        if subscription is None or is_deaf:
            subscription, mine = self._subscribe(topic, kind, quality), quality
        self._heard[name] = subscription, mine, len(publishers)

    def _subscribe(self, topic: RecordedTopic, kind: Any, quality: QoSProfile) -> Any:
        def on_message(data: bytes, info: Mapping[str, Any]) -> None:
            received_ns = published_ns = self._now_ns()
            if not self._is_simulated:  # the middleware's times are those of the system clock
                received_ns = max(0, int(info['received_timestamp'] or 0)) or received_ns
                published_ns = max(0, int(info['source_timestamp'] or 0)) or received_ns
            self._recorder.take(topic.name, received_ns, published_ns, data)

        def on_loss(event: Any) -> None:
            self._recorder.lose(topic.name, event.total_count_change)

        def subscribe(**options: Any) -> Any:
            return self.create_subscription(
                kind, topic.name, on_message, quality, raw=True, **options
            )

        try:
            return subscribe(event_callbacks=SubscriptionEventCallbacks(message_lost=on_loss))
        except UnsupportedEventTypeError:
            return subscribe()

    def _complain(self, topic: str, reason: str, detail: str = '') -> None:
        """Say what is wrong with a topic, once."""
        if self._told.get(topic) != reason:
            self._told[topic] = reason
            self._keyboard.say(f'! {reason}{detail}')
