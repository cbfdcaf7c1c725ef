# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a trial asks of the stack over ROS."""

from __future__ import annotations

import time
from typing import Any

from action_msgs.srv import CancelGoal
from diagnostic_msgs.msg import DiagnosticArray
from dp_bringup.fault_trials.operator import Operator
from dp_bringup.fault_trials.record import MotionRecorder
from dp_bringup.fault_trials.record import PATIENCE_S
from dp_bringup.fault_trials.record import Spinner
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.record import wait
from dp_msgs.action import ExecutePolicy
from dp_msgs.msg import PolicyStatus
from dp_msgs.msg import SceneStatus
from dp_msgs.srv import ResetScene
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

SERVICES = {
    '/sim_node/set_parameters': SetParameters,
    '/reset_scene': ResetScene,
    '/policy_node/change_state': ChangeState,
    '/policy_node/stop': Trigger,
    '/policy_node/reset': Trigger,
    '/execute_policy/_action/cancel_goal': CancelGoal,
}
REQUESTS = {
    'cancel': ('/execute_policy/_action/cancel_goal', CancelGoal.Request()),
    'stop': ('/policy_node/stop', Trigger.Request()),
}
ANSWER_S = 5.0  # then the question is asked again [s]


class Answer:
    """The moments of a request and its answer on the steady clock; 0 before it has come [s]."""

    def __init__(self, caller: Any, request: Any) -> None:
        """Send the request."""
        self.answered_s = 0.0
        self.sent_s = time.monotonic()
        caller.call_async(request).add_done_callback(self._note)

    def _note(self, future: Any) -> None:
        self.answered_s = time.monotonic()


class Goal:
    """A goal that was accepted, and its result once there is one."""

    def __init__(self, handle: Any) -> None:
        """Wait for the result from now on."""
        self.result: ExecutePolicy.Result | None = None
        self.ended_s = 0.0  # on the steady clock
        handle.get_result_async().add_done_callback(self._end)

    def _end(self, future: Any) -> None:
        self.ended_s = time.monotonic()
        self.result = future.result().result


class TrialClient:
    """A client in a ROS domain, with a record of the motion."""

    def __init__(self, domain: int, joints: tuple[str, ...]) -> None:
        """Join the domain."""
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self._node = Node('fault_trials', context=self._context, enable_rosout=False)
        self.status: PolicyStatus | None = None
        self.scene: SceneStatus | None = None
        self.diagnosis = ''
        subscribe = self._node.create_subscription
        subscribe(PolicyStatus, '/policy_node/status', self._on_status, 10)
        subscribe(SceneStatus, '/scene_status', self._on_scene, 10)
        subscribe(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)
        self._action = ActionClient(self._node, ExecutePolicy, '/execute_policy')
        self._callers = {
            name: self._node.create_client(kind, name) for name, kind in SERVICES.items()
        }
        self.operator = Operator(self._node)
        self._spinner = Spinner(self._context, self._node)
        self.motion = MotionRecorder(self._context, joints)

    def close(self) -> None:
        """Leave the graph."""
        self.motion.close()
        self._spinner.close()
        rclpy.shutdown(context=self._context)

    def play(self, fault: str, seconds: float = 0.0) -> None:
        """Let the scene play a fault for so much simulated time; 0 for until it is changed [s]."""
        values = {'fault_s': seconds, 'fault': fault}
        request = SetParameters.Request(
            parameters=[Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        )
        answers = self._call('/sim_node/set_parameters', request).results
        if not all(answer.successful for answer in answers):
            raise TrialError(f'sim_node does not play {fault!r}: {answers}')

    def reset_scene(self, seed: int) -> None:
        """Reset the scene, once the last goal is over for it too."""
        request = ResetScene.Request(seed=seed)
        wait(lambda: self._call('/reset_scene', request).success, 'a reset')

    def timed(self, what: str) -> Answer:
        """Send a request, 'cancel' or 'stop', without waiting for the answer."""
        name, request = REQUESTS[what]
        return Answer(self._callers[name], request)

    def transition(self, number: int) -> bool:
        """Ask the node for a transition of its life cycle; returns whether it succeeded."""
        request = ChangeState.Request()
        request.transition.id = number
        return self._call('/policy_node/change_state', request, PATIENCE_S).success

    def trigger(self, name: str) -> bool:
        """Call ~/stop or ~/reset of the policy node; returns whether it did so."""
        return self._call(f'/policy_node/{name}', Trigger.Request()).success

    def cancel_all(self) -> None:
        """Cancel whatever goal runs."""
        self._call('/execute_policy/_action/cancel_goal', CancelGoal.Request())

    def wait_status(self, *states: int, patience_s: float = PATIENCE_S) -> PolicyStatus:
        """Wait for a state of the policy node, by a status from now on."""
        self.status = None
        wait(
            lambda: self.status is not None and self.status.state in states,
            f'a policy node in one of the states {states}',
            patience_s,
        )
        return self.status

    def send(self, speed_scale: float, **fields: Any) -> Goal | None:
        """Send a goal with more of its fields; None when it is refused."""
        if not self._action.wait_for_server(PATIENCE_S):
            raise TrialError('there is no server of /execute_policy')
        sending = self._action.send_goal_async(
            ExecutePolicy.Goal(speed_scale=speed_scale, **fields)
        )
        wait(sending.done, 'an answer to the goal')
        handle = sending.result()
        return Goal(handle) if handle.accepted else None

    def wait_services(self) -> None:
        """Wait until all services can be called, so that no fault waits for its discovery."""
        for name, caller in self._callers.items():
            wait(caller.service_is_ready, f'the service {name}')

    def _call(self, name: str, request: Any, answer_s: float = ANSWER_S) -> Any:
        """Call a service until it answers; who was asked may have died meanwhile."""
        caller = self._callers[name]
        wait(caller.service_is_ready, f'the service {name}')
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            future = caller.call_async(request)
            try:
                return wait(future.result, f'an answer of {name}', answer_s)
            except TrialError:
                caller.remove_pending_request(future)
        raise TrialError(f'no answer of {name} in {PATIENCE_S:g} s')

    def _on_status(self, message: PolicyStatus) -> None:
        self.status = message

    def _on_scene(self, message: SceneStatus) -> None:
        self.scene = message

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self.diagnosis = message.status[0].message
