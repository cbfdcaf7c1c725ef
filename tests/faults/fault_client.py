# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Everything a test asks of the stack over ROS."""

import threading
import time

from action_msgs.srv import CancelGoal
from dp_msgs.action import ExecutePolicy
from dp_msgs.msg import PolicyStatus
from dp_msgs.msg import SceneStatus
from dp_msgs.srv import ResetScene
from lifecycle_msgs.srv import ChangeState
from motion_record import MotionRecord
from motion_record import PATIENCE_S
from motion_record import until
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

ANSWER_S = 5.0  # then the question is asked again [s]


class FaultClient:
    """A client in a ROS domain, with a record of the motion."""

    def __init__(self, domain):
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self._node = Node('fault_client', context=self._context, enable_rosout=False)
        self.status = self.scene = None
        self.feedback = []
        self._node.create_subscription(PolicyStatus, '/policy_node/status', self._on_status, 10)
        self._node.create_subscription(SceneStatus, '/scene_status', self._on_scene, 10)
        self._action = ActionClient(self._node, ExecutePolicy, '/execute_policy')
        self._callers = {}
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()
        self.motion = MotionRecord(self._context)

    def close(self):
        """Leave the graph."""
        self.motion.close()
        self._executor.shutdown()
        self._thread.join(5.0)
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def _spin(self):
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass

    def _on_status(self, message):
        self.status = message

    def _on_scene(self, message):
        self.scene = message

    def result(self, future, what):
        """Wait for a future."""
        until(future.done, what)
        return future.result()

    def call(self, kind, name, request, answer_s=ANSWER_S):
        """Call a service until it answers: one just discovered may not know yet whom to answer."""
        if name not in self._callers:
            self._callers[name] = self._node.create_client(kind, name)
        caller = self._callers[name]
        assert caller.wait_for_service(PATIENCE_S), f'no service {name}'
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            future = caller.call_async(request)
            asked_s = time.monotonic()
            while time.monotonic() < min(asked_s + answer_s, end_s):
                if future.done():
                    return future.result()
                time.sleep(0.005)
            caller.remove_pending_request(future)
        raise AssertionError(f'waited in vain for {name}')

    def play(self, fault, seconds=0.0):
        """Let the scene play a fault for so much simulated time; 0 for until it is changed [s]."""
        values = {'fault_s': float(seconds), 'fault': fault}
        request = SetParameters.Request(
            parameters=[Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        )
        answers = self.call(SetParameters, '/sim_node/set_parameters', request).results
        assert all(answer.successful for answer in answers), answers

    def reset_scene(self, seed):
        """Reset the scene, once the last goal is over for it too."""

        def is_reset():
            request = ResetScene.Request(seed=seed)
            return self.call(ResetScene, '/reset_scene', request).success

        until(is_reset, 'a reset of the scene')

    def transition(self, number):
        """Ask the node for a transition of its life cycle; returns whether it succeeded."""
        request = ChangeState.Request()
        request.transition.id = number
        return self.call(ChangeState, '/policy_node/change_state', request, PATIENCE_S).success

    def wait_ready(self):
        """Wait until a goal would be accepted, by a status from now on."""
        self.status = None
        until(
            lambda: self.status and self.status.state == PolicyStatus.READY,
            lambda: f'a node that accepts goals; its status: {self.status}',
        )

    def send(self, **fields):
        """Send a goal; returns its handle, accepted or not."""
        assert self._action.wait_for_server(PATIENCE_S)
        feedback = self.feedback = []  # of this goal only
        goal = ExecutePolicy.Goal(**fields)
        sending = self._action.send_goal_async(goal, lambda said: feedback.append(said.feedback))
        return self.result(sending, 'an answer to the goal')

    def cancel_all(self):
        """Cancel whatever goal runs."""
        self.call(CancelGoal, '/execute_policy/_action/cancel_goal', CancelGoal.Request())

    def wait_chunks(self, count):
        """Wait until the goal has sent so many chunks."""
        until(lambda: self.feedback and self.feedback[-1].chunks >= count, f'{count} chunks')

    def refusal(self, **fields):
        """Send a goal that must be refused; returns the reason that the node tells.

        As in `call`, a server just discovered may not know yet whom to answer: it is asked again.
        """
        assert self._action.wait_for_server(PATIENCE_S)
        end_s = time.monotonic() + PATIENCE_S
        sending = None
        while sending is None or not sending.done():
            assert time.monotonic() < end_s, 'waited in vain for an answer to the goal'
            sending = self._action.send_goal_async(ExecutePolicy.Goal(**fields))
            asked_s = time.monotonic()
            while not sending.done() and time.monotonic() < asked_s + ANSWER_S:
                time.sleep(0.005)
        assert not sending.result().accepted
        return until(
            lambda: self.status and 'goal refused' in self.status.reason and self.status.reason,
            lambda: f'a reason for the refusal; the status: {self.status}',
        )
