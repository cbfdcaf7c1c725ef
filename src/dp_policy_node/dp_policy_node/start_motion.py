# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`~/go_to_start`: the arm goes to its start pose, slowly, watched like any other motion."""

from __future__ import annotations

from dp_policy_node.arm_motion import Arm
from dp_policy_node.arm_motion import ArmMotion
from dp_policy_node.arm_motion import STOPPED
from dp_policy_node.episode_server import EpisodeServer
from dp_policy_node.robot import Robot
from dp_policy_node.safety_inputs import SafetyInputs
from dp_policy_node.settings import Settings
import numpy as np
from rclpy.node import Node

ERRAND = 'the arm goes to its start pose'


def go_to_start(
    node: Node, server: EpisodeServer, safety: SafetyInputs, settings: Settings
) -> str:
    """Reserve the arm and take it to its start pose; returns why not, or ''."""
    why, robot, epoch = server.reserve(ERRAND)
    if robot is None:
        return why
    try:
        why = _go(node, robot, epoch, safety, settings)
    finally:
        braked = server.release()
    why = braked or (server.stopped if why == STOPPED else '') or why
    if why:
        node.get_logger().error(f'the start pose was not reached: {why}')
    return why


def _go(node: Node, robot: Robot, epoch: int, safety: SafetyInputs, settings: Settings) -> str:
    target = np.array(settings.start_positions)
    if not np.isfinite(target).all():
        return 'start_positions is not set'
    if not robot.output.moves_arm:
        return "executor is 'none': nothing is sent, so the arm goes nowhere"
    first = next(iter(robot.policies))
    arm = Arm(
        node=node,
        output=robot.output,
        controllers=robot.controllers,
        robot_state=lambda: robot.inputs[first].robot_state,
        guard=robot.policies[first].pipeline.guard,
        safety=safety,
        settings=settings,
    )
    return ArmMotion(arm, 'the start pose').go_to(epoch, target)
