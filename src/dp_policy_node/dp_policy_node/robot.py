# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What configure builds and cleanup frees: policies, their inputs, the output and the worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dp_core.chunk import check_timing
from dp_policy_node.controller_check import check_controllers
from dp_policy_node.controller_check import wait_for_description
from dp_policy_node.controller_input import ControllerInput
from dp_policy_node.executor import make_executor
from dp_policy_node.inference_worker import InferenceWorker
from dp_policy_node.listener import Listener
from dp_policy_node.observation_input import ObservationInput
from dp_policy_node.policies import guard_settings
from dp_policy_node.policies import load_policies
from dp_policy_node.policies import LoadedPolicy
from dp_policy_node.policies import parse_policies
from dp_policy_node.settings import Settings
from dp_policy_node.trajectory_output import TrajectoryOutput
from rclpy.node import Node


@dataclass(frozen=True)
class Robot:
    """One robot and the policies that may move it.

    Attributes:
        policies: by name; the first is the default.
        inputs: observations of each policy.
        controllers: what the controllers tell.
        output: trajectories to the controllers.
        worker: the inference thread.
        listeners: threads that receive observations, while the node is active.
    """

    policies: Mapping[str, LoadedPolicy]
    inputs: Mapping[str, ObservationInput]
    controllers: ControllerInput
    output: TrajectoryOutput
    worker: InferenceWorker
    listeners: list[Listener]

    @classmethod
    def build(cls, node: Node, settings: Settings) -> Robot:
        """Load every policy and check it against robot, controllers and clock.

        Raises:
            DpError: what does not fit; nothing is left behind.
        """
        parse_policies(settings.policies)  # tell a typing mistake before waiting for anybody
        urdf = wait_for_description(
            node, settings.robot_description_topic, settings.startup_timeout
        )
        policies = load_policies(
            settings.policies,
            urdf,
            settings.warmup_predictions,
            settings.seed,
            settings.inference_delay,
            own_process=settings.policy_process,
            device=settings.device,
            guard=guard_settings(settings),
        )
        robot = None
        try:
            robot = cls._around(node, settings, policies)
        finally:
            for policy in policies.values() if robot is None else ():
                policy.close()
        return robot

    @classmethod
    def _around(
        cls, node: Node, settings: Settings, policies: Mapping[str, LoadedPolicy]
    ) -> Robot:
        """Check controllers and timing, and make what the policies work with."""
        groups = next(iter(policies.values())).contract.actions
        from_measured = check_controllers(node, groups, settings)
        for policy in policies.values():
            check_timing(policy.contract, policy.worst_s, settings.lead_s, settings.max_blind_s)
            expected_ms = round(policy.worst_s * 1e3)
            node.get_logger().info(
                f'policy {policy.name!r}: contract {policy.contract.name!r}, tasks '
                f'{list(policy.contract.tasks)}, a prediction takes {expected_ms} ms'
            )
            for note in policy.pipeline.guard.notes:
                node.get_logger().info(f'policy {policy.name!r}: {note}')
        joint_names = tuple(joint for group in groups for joint in group.joints)
        inputs = {
            name: ObservationInput(policy.contract, joint_names, settings.joint_states_topic)
            for name, policy in policies.items()
        }
        first = next(iter(inputs.values()))  # every policy hears the same joint states
        controllers = ControllerInput(
            groups,
            joint_names,
            lambda: first.robot_state,
            settings.controller_state,
            lambda: first.unheard_s,
        )
        executor = make_executor(settings.executor, node, groups, settings.forward_rate)
        output = TrajectoryOutput(
            node.get_clock(),
            joint_names,
            executor,
            controllers.newest,
            from_measured=from_measured,
        )
        worker = InferenceWorker(node.get_clock(), output)
        return cls(policies, inputs, controllers, output, worker, [])

    def open(self, node: Node) -> None:
        """Listen to the observations: many late numbers matter, of images only the newest."""
        numbers, images = Listener(node, 'numbers', depth=100), Listener(node, 'images', depth=2)
        for item in self.inputs.values():
            item.listen(numbers, images)
        self.controllers.listen(numbers)
        self.listeners.extend([numbers, images])
        for listener in self.listeners:
            listener.start()

    def close_inputs(self) -> None:
        """Listen no more."""
        while self.listeners:
            self.listeners.pop().close()
        for item in self.inputs.values():
            item.forget()
        self.controllers.forget()

    def close(self) -> None:
        """Free the threads and the publishers."""
        self.close_inputs()
        self.output.close()
        for policy in self.policies.values():
            policy.close()  # before the worker, which may wait for a prediction
        self.worker.close()
