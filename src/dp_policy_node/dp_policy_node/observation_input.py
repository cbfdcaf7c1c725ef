# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Messages -> dp_core.decode -> dp_core.sync, for one policy; and the measured joints.

What cannot be used is counted and told, never replaced by something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
import threading
import time
from typing import Any

from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.decode import decode
from dp_core.decode import is_other_device
from dp_core.errors import ConfigError
from dp_core.errors import ObservationError
from dp_core.observation import ObservationWindow
from dp_core.sync import FUTURE_TOLERANCE_NS
from dp_core.sync import Synchronizer
from dp_policy_node.convert import robot_state
from dp_policy_node.convert import RobotState
from dp_policy_node.listener import Listener
from dp_policy_node.picture_bridge import rare_decoder
from geometry_msgs.msg import PoseStamped
from geometry_msgs.msg import WrenchStamped
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState


@dataclass(frozen=True)
class Complaint:
    """Why a message could not be used.

    Attributes:
        reason: in words.
        invalid: it can never be right (NaN, a missing joint), as against a lost picture.
        future: its stamp lies in the future: two clocks disagree.
        steady_s: when, on the steady clock [s].
    """

    reason: str
    invalid: bool
    future: bool
    steady_s: float


class ObservationInput:
    """The newest observations of one contract and the newest state of its joints."""

    def __init__(self, contract: Contract, joint_names: tuple[str, ...], joint_states_topic: str):
        """Prepare; nothing arrives before `listen`."""
        self._contract = contract
        self._joint_names = joint_names
        self._joint_states_topic = joint_states_topic
        self._lock = threading.Lock()
        self._sync = Synchronizer(contract)
        self._rare = rare_decoder()
        self._robot_state: RobotState | None = None
        self._robot_state_steady_s = self._heard_s = 0.0
        self._complaint: Complaint | None = None
        self._joint_complaint: Complaint | None = None
        self.refused_messages = 0

    def listen(self, numbers: Listener, images: Listener) -> None:
        """Register with the listeners of numbers and of images."""
        self.listen_to_joints(numbers)
        for stream in self._contract.observations:
            listener = images if stream.kind == 'image' else numbers
            listener.add(stream.topic, message_type(stream), partial(self._on_sample, stream))

    def listen_to_joints(self, numbers: Listener) -> None:
        """Register with the listener of numbers for the joint states only."""
        numbers.add(self._joint_states_topic, JointState, self._on_joint_state)

    def forget(self) -> None:
        """Forget everything, the robot's state included: nothing arrives any more."""
        self.clear()
        self._robot_state = None

    def clear(self) -> None:
        """Forget observations and complaints: nothing older belongs to the next episode."""
        with self._lock:
            self._sync.clear()
        self.excuse()

    def excuse(self) -> None:
        """Forget complaints: the next episode is not to blame for what was refused before it."""
        self._complaint = self._joint_complaint = None

    def window(self, now_ns: int) -> ObservationWindow:
        """Return the newest window; raises NotReadyError naming what is missing."""
        with self._lock:
            return self._sync.window(now_ns)

    def ages_s(self, now_ns: int) -> dict[str, float]:
        """Age of the newest sample of every stream of which there is one [s]."""
        with self._lock:
            stamps = {s.name: self._sync.newest_ns(s.name) for s in self._contract.observations}
        return {name: (now_ns - ns) * 1e-9 for name, ns in stamps.items() if ns is not None}

    @property
    def history_ns(self) -> int:
        """How long observations must have been heard before there is a first window [ns]."""
        return self._contract.history_ns

    @property
    def robot_state(self) -> RobotState | None:
        """The newest measured joints."""
        return self._robot_state

    @property
    def complaint(self) -> Complaint | None:
        """Why the last refused message was refused."""
        return self._complaint

    @property
    def joint_complaint(self) -> Complaint | None:
        """Why the last refused joint state was refused: the robot speaks all the same."""
        return self._joint_complaint

    @property
    def unheard_s(self) -> float:
        """Time since a joint state arrived that could be used or not, on the steady clock [s]."""
        return time.monotonic() - self._heard_s

    @property
    def joint_silence_s(self) -> float:
        """Time since a joint state arrived, on the steady clock [s]."""
        return time.monotonic() - self._robot_state_steady_s

    def why_missing(self, now_ns: int, max_age_s: float) -> str:
        """Return what keeps a goal from starting; '' when nothing does."""
        complaint = self._complaint
        told = complaint is not None and time.monotonic() - complaint.steady_s < 1.0
        state = self._robot_state
        if state is None or (now_ns - state.stamp_ns) * 1e-9 > max_age_s:
            missing = f'no new joint states on {self._joint_states_topic!r}'
        else:
            try:
                self.window(now_ns)
                return ''
            except ObservationError as error:
                missing = str(error)
        return f'{missing}: {complaint.reason}' if told and complaint else missing

    def _on_sample(self, stream: Stream, message: Any, now_ns: int) -> None:
        try:
            if is_other_device(stream, message):
                return
            event_ns, value = decode(stream, message, self._rare)
        except ObservationError as error:
            self._refuse(str(error), stream.topic, invalid=stream.kind != 'image')
            return
        try:
            with self._lock:
                self._sync.push(stream.name, event_ns, value, now_ns)
        except ObservationError as error:
            self._refuse(str(error), stream.topic, future=True)

    def _on_joint_state(self, message: JointState, now_ns: int) -> None:
        if set(self._joint_names).isdisjoint(message.name):
            return  # another device on the same topic
        self._heard_s = time.monotonic()
        try:
            state = robot_state(message, self._joint_names, self._joint_states_topic)
        except ObservationError as error:
            self._refuse(str(error), self._joint_states_topic, invalid=True)
            return
        if state.stamp_ns > now_ns + FUTURE_TOLERANCE_NS:
            self._refuse(
                f'{self._joint_states_topic} is stamped {(state.stamp_ns - now_ns) * 1e-9:.3f} s '
                'in the future; synchronise the clocks of the two computers',
                self._joint_states_topic,
                future=True,
            )
            return
        self._robot_state = state
        self._robot_state_steady_s = time.monotonic()

    def _refuse(
        self, reason: str, topic: str, *, invalid: bool = False, future: bool = False
    ) -> None:
        self.refused_messages += 1
        self._complaint = Complaint(reason, invalid, future, time.monotonic())
        if topic == self._joint_states_topic:
            self._joint_complaint = self._complaint


def message_type(stream: Stream) -> type:
    """Return the type of the messages that feed a stream.

    Raises:
        ConfigError: none do; the stream is one of a simulation.
    """
    if stream.kind == 'image':
        return CompressedImage if stream.topic.endswith('/compressed') else Image
    types = {'joint_state': JointState, 'pose': PoseStamped, 'wrench': WrenchStamped}
    if stream.kind not in types:
        raise ConfigError(
            f'stream {stream.name!r} is of kind {stream.kind!r}, which no topic carries; valid '
            f'on a robot: {["image", *types]}'
        )
    return types[stream.kind]
