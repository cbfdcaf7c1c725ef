# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the node tells about itself: `~/status` at 10 Hz and `/diagnostics` at 1 Hz."""

from __future__ import annotations

import math
from pathlib import Path
import resource
import time

from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from dp_core.errors import ObservationError
from dp_msgs.msg import PolicyStatus
from dp_policy_node import health
from dp_policy_node.episode_server import EpisodeServer
from dp_policy_node.observation_input import ObservationInput
from dp_policy_node.robot import Robot
from dp_policy_node.safety_inputs import SafetyInputs
import numpy as np
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node

STATUS_PERIOD_S = 0.1
DIAGNOSTICS_PERIOD_S = 1.0
# A refusal is told in the status for this long [s].
REFUSAL_TOLD_S = 1.0
NAMES = {
    PolicyStatus.UNCONFIGURED: 'unconfigured',
    PolicyStatus.INACTIVE: 'inactive',
    PolicyStatus.READY: 'ready',
    PolicyStatus.EXECUTING: 'executing',
    PolicyStatus.BRAKING: 'braking',
    PolicyStatus.STOPPED: 'stopped',
}


class StatusPublisher:
    """Publishes state and health, in every state of the life cycle."""

    def __init__(self, node: Node):
        """Begin to publish."""
        self._node = node
        self._server: EpisodeServer | None = None
        self._robot: Robot | None = None
        self._safety: SafetyInputs | None = None
        self.active = False
        self.failure = ''  # why the last configure failed
        self.chunks = 0
        self._status = node.create_publisher(PolicyStatus, '~/status', 10)
        self._diagnostics = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        group = MutuallyExclusiveCallbackGroup()
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # the ROS clock may stand, or be set back
        node.create_timer(STATUS_PERIOD_S, self.publish, group, steady)
        node.create_timer(DIAGNOSTICS_PERIOD_S, self._diagnose, group, steady)

    def watch(self, server: EpisodeServer) -> None:
        """Tell about ``server`` from now on."""
        self._server = server

    def set_robot(self, robot: Robot | None, safety: SafetyInputs | None) -> None:
        """Tell about ``robot``, None when nothing is configured, and what may forbid motion."""
        self._robot, self._safety = robot, safety
        self.chunks = 0

    def publish(self) -> None:
        """Publish the status now."""
        self._status.publish(self.message())

    def message(self) -> PolicyStatus:
        """State and health at this moment."""
        now = self._node.get_clock().now()
        state, reason = self._state(now.nanoseconds)
        message = PolicyStatus(
            state=state,
            reason=reason,
            chunks=self.chunks,
            rss_bytes=resident_bytes('self'),
            observation_age=math.nan,
            joint_state_age=math.nan,
            tracking_error=math.nan,
            speed_scaling=math.nan,
        )
        message.header.stamp = now.to_msg()
        server, robot = self._server, self._robot
        if server is not None:
            message.policy = server.policy_name
            message.error_code = server.last_ending.code if server.last_ending else 0
        if robot is not None:
            message.rss_bytes += sum(
                resident_bytes(policy.process.pid)
                for policy in robot.policies.values()
                if policy.process is not None
            )
            for name in ('expired_chunks', 'refused_chunks', 'slowed_chunks', 'clamped_steps'):
                setattr(message, name, getattr(robot.worker, name))
            latencies = robot.policies[self._policy(message, robot)].latencies
            message.inference_time_p50 = latencies.percentile(50)
            message.inference_time_p95 = latencies.percentile(95)
            message.inference_time_max = latencies.percentile(100)
            self._fill_ages(message, robot, now.nanoseconds)
            self._fill_following(message, robot, now.nanoseconds)
        return message

    def _inputs(self, message: PolicyStatus, robot: Robot) -> ObservationInput:
        return robot.inputs[self._policy(message, robot)]

    def _policy(self, message: PolicyStatus, robot: Robot) -> str:
        known = robot.policies  # the last goal may have run another, before a cleanup
        return message.policy if message.policy in known else next(iter(known))

    def _fill_following(self, message: PolicyStatus, robot: Robot, now_ns: int) -> None:
        feedback = robot.output.feedback(now_ns)
        if feedback is not None:
            message.feedback = feedback.source.value
            message.speed_scaling = feedback.speed_scaling
            if feedback.error is not None and robot.output.moves_arm:
                message.tracking_error = float(np.abs(feedback.error).max())
        if math.isnan(message.speed_scaling) and self._safety is not None:
            message.speed_scaling = self._safety.speed_scaling

    def _fill_ages(self, message: PolicyStatus, robot: Robot, now_ns: int) -> None:
        inputs = self._inputs(message, robot)
        state = inputs.robot_state
        if state is not None:
            message.joint_state_age = (now_ns - state.stamp_ns) * 1e-9
        try:
            message.observation_age = (now_ns - inputs.window(now_ns).t_obs_ns) * 1e-9
        except ObservationError:
            pass  # stays NaN: there is none

    def _state(self, now_ns: int) -> tuple[int, str]:
        server, robot = self._server, self._robot
        if server is None:
            return PolicyStatus.UNCONFIGURED, self.failure
        refusal, refused_s = server.refusal
        told = ''
        if refusal and time.monotonic() - refused_s < REFUSAL_TOLD_S:
            told = f'goal refused: {refusal}'
        if server.episode is not None:
            return PolicyStatus.EXECUTING, told
        if server.errand:
            return PolicyStatus.EXECUTING, told or server.errand
        if server.stopped:  # in every state of the life cycle: other programs heed it, too
            failed = f'; {self.failure}' if self.failure and robot is None else ''
            return PolicyStatus.STOPPED, told or f'{server.stopped}; call ~/reset{failed}'
        if robot is None:
            return PolicyStatus.UNCONFIGURED, told or self.failure
        if not self.active:
            return PolicyStatus.INACTIVE, told
        if robot.output.is_moving(now_ns):
            return PolicyStatus.BRAKING, told or _ending_reason(server)
        missing = server.why_not_ready()
        if missing:
            return PolicyStatus.INACTIVE, told or missing
        return PolicyStatus.READY, told or _ending_reason(server)

    def _diagnose(self) -> None:
        status = self.message()
        level = health.OK
        if status.state == PolicyStatus.STOPPED or (self.failure and self._robot is None):
            level = health.ERROR
        elif status.reason:
            level = health.WARN
        values = {
            'policy': status.policy,
            'last error code': status.error_code,
            'memory [MB]': f'{status.rss_bytes / 1e6:.0f}',
        }
        told = status.reason or NAMES[status.state]
        tasks = [health.diagnostic('policy', level, told, values), *self._tasks(status)]
        for task in tasks:
            task.name = f'{self._node.get_fully_qualified_name()[1:]}: {task.name}'
        array = DiagnosticArray(status=tasks)
        array.header.stamp = status.header.stamp
        self._diagnostics.publish(array)

    def _tasks(self, status: PolicyStatus) -> list[DiagnosticStatus]:
        robot, safety = self._robot, self._safety
        if robot is None or safety is None:
            return []
        inputs = self._inputs(status, robot)
        now_ns = self._node.get_clock().now().nanoseconds
        timeout_s = self._node.get_parameter('stall_timeout').value
        return [
            health.observations(inputs, now_ns, timeout_s),
            health.inference(robot, status),
            health.limits(status),
            health.controller(robot, status, timeout_s),
            health.safety(safety),
        ]


def resident_bytes(process: int | str) -> int:
    """Memory held by a process, its number or 'self' [byte]; 0 where the system does not tell."""
    try:
        statm = Path('/proc') / str(process) / 'statm'
        pages = int(statm.read_text(encoding='ascii').split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * resource.getpagesize()


def _ending_reason(server: EpisodeServer) -> str:
    ending = server.last_ending
    return f'last goal: {ending.reason}' if ending is not None and ending.reason else ''
