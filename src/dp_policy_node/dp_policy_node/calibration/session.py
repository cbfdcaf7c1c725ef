# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One calibration: robot and sensors are checked, then lamp and arm are used one after another."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
import threading
import time

from dp_core.calibration.delay import Signal
from dp_core.calibration.excitation import Excitation
from dp_core.calibration.findings import find_latencies
from dp_core.calibration.findings import Finding
from dp_core.calibration.recording import LampRecording
from dp_core.calibration.recording import Recording
from dp_core.contract import ActionGroup
from dp_core.contract import Contract
from dp_core.errors import CalibrationError
from dp_core.feedback import ControllerFeedback
from dp_core.feedback import from_joint_states
from dp_core.limits import MotionLimits
from dp_core.motion import CommandedMotion
from dp_core.urdf import joint_limits
from dp_core.watchdog import Verdict
from dp_policy_node.calibration.lamp import blink
from dp_policy_node.calibration.recorder import Recorder
from dp_policy_node.calibration.swing import MotionInterruptedError
from dp_policy_node.calibration.swing import Swing
from dp_policy_node.controller_check import check_controllers
from dp_policy_node.controller_check import wait_for_description
from dp_policy_node.jtc_topic import JtcTopic
from dp_policy_node.other_node import OtherNode
from dp_policy_node.safety_inputs import SafetyInputs
from dp_policy_node.settings import Settings
from dp_policy_node.trajectory_output import TrajectoryOutput
from rclpy.node import Node

POLL_S = 0.05


@dataclass(frozen=True)
class Plan:
    """What is to be measured, and how.

    Attributes:
        contract: whose devices and streams are measured.
        groups: action groups that are moved; empty for none.
        joint: name of the joint that swings; '' for the first one of each group.
        skip: streams that are left alone.
        excitation: how it swings.
        lamp_topic: of a lamp that cameras see; '' for none.
        joint_states_topic, robot_description_topic: names.
        timeout_s: longest wait for anybody [s].
    """

    contract: Contract
    groups: tuple[ActionGroup, ...]
    joint: str
    skip: tuple[str, ...]
    excitation: Excitation
    lamp_topic: str
    joint_states_topic: str
    robot_description_topic: str
    timeout_s: float

    def __post_init__(self) -> None:
        """Refuse what would move nothing and nobody."""
        names = [stream.name for stream in self.contract.observations]
        unknown = sorted(set(self.skip) - set(names))
        if unknown:
            raise CalibrationError(f'no streams {unknown} to skip; the contract has {names}')
        joints = [joint for group in self.groups for joint in group.joints]
        if self.joint and self.joint not in joints:
            raise CalibrationError(f'no joint {self.joint!r} to swing; valid: {joints}')
        if not self.groups and not self.lamp_topic:
            raise CalibrationError('neither an arm is moved nor a lamp used: nothing to measure')

    def joint_of(self, group: ActionGroup) -> str:
        """Name of the joint of a group that swings."""
        return self.joint if self.joint in group.joints else group.joints[0]


class Session:
    """Measures what a plan says; nothing moves before `run`."""

    def __init__(
        self,
        node: Node,
        plan: Plan,
        settings: Settings,
        stop: threading.Event,
        policy_node: str = 'policy_node',
    ):
        """Check controllers, sensors and the signals of the ``settings``.

        Args:
            node: owner of names, clock and log.
            plan: what is measured, and how.
            settings: parameters, those of the policy node.
            stop: ends the motion.
            policy_node: name of the node that must run no goal meanwhile, and whose stop holds.

        Raises:
            DpError: somebody does not answer, or does not fit the contract.
            MotionInterruptedError: ``stop`` was set.
        """
        self._node, self._plan, self._stop = node, plan, stop
        self._joints = tuple(joint for group in plan.groups for joint in group.joints)
        self._urdf = ''
        if plan.groups:
            self._urdf = wait_for_description(node, plan.robot_description_topic, plan.timeout_s)
            check_controllers(node, plan.groups, Settings(startup_timeout=plan.timeout_s))
        self._forbidden = ''  # by a signal, which may be short
        self._swing_now: Swing | None = None
        self._safety = SafetyInputs(node, settings, self._forbid)
        self._other = OtherNode(node, policy_node)
        streams = [s for s in plan.contract.observations if s.name not in plan.skip]
        joints = self._joints or plan.contract.actions[0].joints
        self._recorder = Recorder(node, streams, joints, plan.joint_states_topic)
        try:
            self._until(lambda: not self._silent(), lambda: f'nothing heard of {self._silent()}')
            if plan.groups:
                self._until(lambda: not self._why_not_begin(), self._why_not_begin)
            for group in plan.groups:
                self._check_room(group)
        except (CalibrationError, MotionInterruptedError):
            self.close()
            raise

    def close(self) -> None:
        """Listen no more."""
        self._safety.close()
        self._other.close()
        self._recorder.close()

    def run(self, tell: Callable[[str], None]) -> tuple[Finding, ...]:
        """Use the lamp, then move the arms; return what was found.

        Args:
            tell: is given a line for the person who waits.

        Raises:
            CalibrationError: an arm does not follow or fell silent, or a signal forbids motion; it
                has braked.
            MotionInterruptedError: ``stop`` was set; the arm has braked.
        """
        plan, lamp = self._plan, None
        if plan.lamp_topic:
            tell(f'the lamp on {plan.lamp_topic!r} blinks')
            lamp = self._blink()
        motions = []
        for group in plan.groups:
            tell(f'{plan.joint_of(group)} of {group.name!r} swings')
            motions.append(self._swing(group))
        return find_latencies(plan.contract, motions, lamp, plan.skip)

    def _forbid(self, verdict: Verdict) -> bool:
        self._forbidden = verdict.reason
        return True

    def _why_forbidden(self) -> str:
        verdict = self._safety.check()
        return self._other.why_not() if verdict is None else verdict.reason

    def _why_not_begin(self) -> str:
        return self._why_forbidden() or self._other.why_not_begin()

    def _silent(self) -> list[str]:
        silent = self._recorder.silent()
        return silent if self._plan.groups else [s for s in silent if 'joint states' not in s]

    def _blink(self) -> LampRecording:
        self._recorder.begin()
        topic = self._plan.lamp_topic
        switched, origin_ns = blink(self._node, topic, 0, self._stop)
        _, streams = self._recorder.end(origin_ns)
        images = {s.name for s in self._recorder.streams if s.kind == 'image'}
        pictures = {
            name: _within(signal, switched) for name, signal in streams.items() if name in images
        }
        return LampRecording(switched, pictures)

    def _swing(self, group: ActionGroup) -> Recording:
        plan, joint = self._plan, plan_joint(self._plan, group)
        columns = [self._joints.index(name) for name in group.joints]
        output = TrajectoryOutput(
            self._node.get_clock(),
            group.joints,
            JtcTopic(self._node, (group,)),
            partial(self._feedback, columns),
        )
        try:
            self._until(lambda: not output.why_deaf(), output.why_deaf)
            self._swing_now = swing = Swing(
                self._node,
                output,
                self._recorder,
                MotionLimits.of_robot(self._urdf, group.joints),
                plan.excitation,
                joint,
                self._stop,
                lambda: self._forbidden or self._why_forbidden(),
            )
            self._forbidden = ''
            commanded, origin_ns = swing.play(columns)
        finally:
            time.sleep(POLL_S)  # let a brake leave before its publisher goes
            self._swing_now = None
            output.close()
        positions, streams = self._recorder.end(origin_ns)
        column = columns[joint]
        moved = Signal(positions.times_s, positions.values[:, column : column + 1])
        return Recording(moved, commanded, streams, group.name)

    def _feedback(
        self, columns: list[int], motion: CommandedMotion | None, now_ns: int
    ) -> ControllerFeedback | None:
        """Return what is measured beside what was sent: no controller corrects our model here.

        Nor does an arm that follows late, as its velocities might; a brake needs them.
        """
        state = self._recorder.state
        if state is None:
            return None
        velocities = None
        if self._swing_now is not None and self._swing_now.brakes and state.velocities is not None:
            velocities = state.velocities[columns]
        told = from_joint_states(state.stamp_ns, state.positions[columns], velocities, motion)
        return replace(told, unheard_s=self._recorder.joint_silence_s)

    def _check_room(self, group: ActionGroup) -> None:
        name, state = self._plan.joint_of(group), self._recorder.state
        if state is not None:
            position = float(state.positions[self._joints.index(name)])
            self._plan.excitation.check(name, position, joint_limits(self._urdf, [name]))

    def _until(self, done: Callable[[], bool], complaint: Callable[[], str]) -> None:
        waited_s = 0.0
        while not done():
            if waited_s > self._plan.timeout_s:
                raise CalibrationError(f'{complaint()} within {self._plan.timeout_s:g} s')
            if self._stop.wait(POLL_S):
                raise MotionInterruptedError
            waited_s += POLL_S


def plan_joint(plan: Plan, group: ActionGroup) -> int:
    """Index in its group of the joint that swings."""
    return group.joints.index(plan.joint_of(group))


def groups_of(contract: Contract, names: Sequence[str]) -> tuple[ActionGroup, ...]:
    """Action groups by name; all that have joints where no name is given.

    Raises:
        CalibrationError: there is no such group.
    """
    groups = {group.name: group for group in contract.actions if group.joints}
    unknown = sorted(set(names) - set(groups))
    if unknown:
        raise CalibrationError(f'no action groups {unknown} to move; valid: {list(groups)}')
    return tuple(groups[name] for name in names or groups)


def _within(pictures: Signal, switched: Signal) -> Signal:
    """Pictures since the lamp is there."""
    keep = pictures.times_s > switched.times_s[0] + 0.6
    return Signal(pictures.times_s[keep], pictures.values[keep])
