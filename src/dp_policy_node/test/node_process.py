# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The policy node in a process of its own, and a client that speaks to it."""

import signal
import subprocess
import sys
import threading
import time

from dp_msgs.action import ExecutePolicy
from dp_msgs.msg import PolicyStatus
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

PATIENCE_S = 60.0  # a bound for a machine under load, not a measurement


def until(condition, what, patience_s=PATIENCE_S):
    """Wait for a condition; what it was is told when it never holds."""
    end_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end_s, f'waited in vain for {what}'
        time.sleep(0.002)


class Client(Node):
    """Everything a user can ask the node."""

    def __init__(self, context):
        super().__init__('client', context=context)
        self.status = None
        self.feedback = []
        self.create_subscription(PolicyStatus, 'policy_node/status', self._on_status, 10)
        self._action = ActionClient(self, ExecutePolicy, 'execute_policy')
        self._callers = {}
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self)
        threading.Thread(target=self._executor.spin, daemon=True).start()

    def close(self):
        """Leave the graph."""
        self._executor.shutdown()
        self.destroy_node()

    def _on_status(self, message):
        self.status = message

    def wait_for(self, state):
        """Wait until the node says it is in this state."""
        until(lambda: self.status and self.status.state == state, f'state {state}: {self.status}')

    def wait_ready(self):
        """Wait until a goal would be accepted."""
        self.status = None
        self.wait_for(PolicyStatus.READY)

    def call(self, kind, name, request):
        """Call a service of the node."""
        if name not in self._callers:
            self._callers[name] = self.create_client(kind, f'policy_node/{name}')
        client = self._callers[name]
        assert client.wait_for_service(PATIENCE_S), name
        # A service just discovered may not know yet where to send its answer.
        until(lambda: self.status, 'the status')
        time.sleep(0.2)
        return self.result(client.call_async(request), name)

    def result(self, future, what):
        """Wait for a future."""
        until(future.done, what)
        return future.result()

    def stop(self):
        """Call ~/stop."""
        return self.call(Trigger, 'stop', Trigger.Request())

    def reset(self):
        """Call ~/reset."""
        return self.call(Trigger, 'reset', Trigger.Request())

    def transition(self, number):
        """Ask for a transition of the life cycle; returns whether it succeeded."""
        request = ChangeState.Request()
        request.transition.id = number
        return self.call(ChangeState, 'change_state', request).success

    def set_parameter(self, name, value):
        """Set a parameter; returns whether it was taken."""
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()]
        )
        return self.call(SetParameters, 'set_parameters', request).results[0].successful

    def send(self, **fields):
        """Send a goal; returns its handle, accepted or not."""
        assert self._action.wait_for_server(PATIENCE_S)
        feedback = self.feedback = []  # of this goal only
        goal = ExecutePolicy.Goal(**fields)
        return self.result(
            self._action.send_goal_async(
                goal, feedback_callback=lambda m: feedback.append(m.feedback)
            ),
            'an answer to the goal',
        )

    def run(self, chunks=2, **fields):
        """Send a goal and wait until the arm follows so many chunks."""
        self.wait_ready()
        handle = self.send(**fields)
        assert handle.accepted, self.status
        until(lambda: self.feedback and self.feedback[-1].chunks >= chunks, f'{chunks} chunks')
        return handle

    def ended(self, handle):
        """Wait for the result of a goal; returns status and result."""
        answer = self.result(handle.get_result_async(), 'the result')
        return answer.status, answer.result


class NodeProcess:
    """The policy node as a process."""

    def __init__(self, *parameters):
        arguments = [word for text in parameters for word in ('-p', text)]
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'dp_policy_node.main', '--ros-args', *arguments]
        )

    def send_signal(self, number):
        """Send a signal."""
        self._process.send_signal(number)

    def end(self, number=signal.SIGINT):
        """Send a signal and return the exit code."""
        self.send_signal(number)
        return self._process.wait(PATIENCE_S)

    def wait(self):
        """Wait for the process to end by itself; returns the exit code."""
        return self._process.wait(PATIENCE_S)

    def close(self):
        """Make sure that nothing is left."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
