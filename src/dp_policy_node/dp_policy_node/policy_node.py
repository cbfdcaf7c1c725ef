# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The lifecycle node: what each transition builds and frees, and what is wired to what.

observation_input -> (window) -> inference_worker -> (chunk) -> trajectory_output -> controller
^
/execute_policy -> episode_server -> supervisor: ends the episode, brakes, tells why
"""

from __future__ import annotations

import gc

from dp_core.errors import DpError
from dp_msgs.msg import ActionChunk
from dp_policy_node import parameters
from dp_policy_node.convert import chunk_message
from dp_policy_node.diagnostics import StatusPublisher
from dp_policy_node.episode import Code
from dp_policy_node.episode import Episode
from dp_policy_node.episode_server import EpisodeServer
from dp_policy_node.inference_worker import SentChunk
from dp_policy_node.robot import Robot
from dp_policy_node.safety_inputs import SafetyInputs
from dp_policy_node.start_motion import go_to_start
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn
from std_msgs.msg import Bool
from std_srvs.srv import Trigger


class PolicyNode(LifecycleNode):
    """Serves `/execute_policy` with the policies named by the parameter ``policies``."""

    def __init__(self, **kwargs: object):
        """Declare parameters; the action, ~/status, ~/stop and ~/reset exist from now on."""
        super().__init__('policy_node', **kwargs)
        parameters.declare(self)
        self._robot: Robot | None = None
        self._safety: SafetyInputs | None = None
        self._chunks = self.create_publisher(ActionChunk, '~/action_chunk', 10)
        self.status = StatusPublisher(self)
        self._server = EpisodeServer(self, self._on_chunk, self.status.publish)
        self.status.watch(self._server)
        group = MutuallyExclusiveCallbackGroup()
        self.create_service(Trigger, '~/stop', self._on_stop, callback_group=group)
        self.create_service(Trigger, '~/reset', self._on_reset, callback_group=group)
        alone = MutuallyExclusiveCallbackGroup()  # it takes as long as the motion
        self.create_service(Trigger, '~/go_to_start', self._on_go, callback_group=alone)
        success_topic = parameters.read(self).success_topic
        if success_topic:
            self.create_subscription(
                Bool,
                success_topic,
                self._on_success,
                10,
                callback_group=MutuallyExclusiveCallbackGroup(),
            )

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load policies, check contract, controllers and timing, and warm up."""
        try:
            settings = parameters.read(self)
            if self._safety is None:
                self._safety = SafetyInputs(self, settings, self._server.interrupt)
                self._server.safety = self._safety
            self._robot = Robot.build(self, settings)
        except DpError as error:
            self.get_logger().error(f'configure failed: {error}')
            self.status.failure = str(error)
            return TransitionCallbackReturn.FAILURE
        gc.collect()
        gc.freeze()  # later collections need not look through torch: that takes 0.1 s
        self.status.failure = ''
        self.status.set_robot(self._robot, self._safety)
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen to the observations and accept goals."""
        try:
            self._robot.open(self)
        except DpError as error:
            self._robot.close_inputs()
            self.get_logger().error(f'activate failed: {error}')
            self.status.failure = str(error)
            return TransitionCallbackReturn.FAILURE
        self._server.activate(self._robot)
        self.status.active = True
        moves = 'goals move the arm' if self._robot.output.moves_arm else 'nothing is sent'
        executor = self.get_parameter('executor').value
        told = f'active; policies: {list(self._robot.policies)}; executor {executor!r}: {moves}'
        self.get_logger().info(told)
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Brake, abort the running goal, and refuse new ones."""
        self.halt('the node was deactivated')
        self._robot.close_inputs()
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the policies."""
        self._free()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Brake and free everything."""
        self.halt('the node was shut down')
        self._free()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Brake and free everything after a transition that raised what nobody expected."""
        why = f'an error in the transition from {state.label!r}; rclpy does not tell which'
        self.get_logger().fatal(why)
        self.halt(why)
        self._free()
        self.status.failure = why
        return TransitionCallbackReturn.SUCCESS

    def halt(self, reason: str) -> None:
        """Brake, abort the running goal, and hear the arm until it rests."""
        self._server.deactivate(reason)
        self.status.active = False
        if self._robot is not None:
            self._robot.output.wait_rest()

    def close(self) -> None:
        """Free everything; after the executor has ended."""
        self._free()
        if self._safety is not None:
            self._safety.close()
        self._server.close()

    def _free(self) -> None:
        robot, self._robot = self._robot, None
        self._server.free()
        self.status.set_robot(None, self._safety)
        if robot is not None:
            robot.close()

    def _on_chunk(self, episode: Episode, sent: SentChunk) -> None:
        self.status.chunks += 1
        contract = episode.plan.policy.contract
        message = chunk_message(
            sent.chunk,
            [dim for group in contract.actions for dim in group.dims],
            sent.trajectory,
            episode.plan.trajectory.seam,
            sent.inference_s,
            sent.planned_ns,
        )
        message.id = episode.chunks - 1
        self._chunks.publish(message)

    def _on_success(self, message: Bool) -> None:
        if message.data:
            self._server.end_episode(Code.NONE, '')

    def _on_stop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._server.episode is None:  # else the end of the goal says it
            self.get_logger().warning('stopped by ~/stop: no goal can run until ~/reset')
        self._server.stop(Code.STOPPED, 'stopped by ~/stop')  # answered when the brake is out
        response.success, response.message = True, 'stopped until ~/reset is called'
        return response

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = self._server.reset()
        response.success = not response.message
        return response

    def _on_go(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        settings = parameters.read(self)
        response.message = go_to_start(self, self._server, self._safety, settings)
        response.success = not response.message
        return response
