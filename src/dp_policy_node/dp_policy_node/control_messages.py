# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The package control_msgs, which not every installation has: the one place that imports it."""

from __future__ import annotations

import importlib
from typing import Any

from dp_core.errors import ConfigError

# Error codes of FollowJointTrajectory, in words.
SUCCESSFUL = 0
ERRORS = {
    SUCCESSFUL: 'SUCCESSFUL: the goal was reached',
    -1: 'INVALID_GOAL: replaced by another one, or the controller became inactive',
    -2: 'INVALID_JOINTS: the joints are not those of the controller',
    -3: 'OLD_HEADER_TIMESTAMP: the goal came too late',
    -4: 'PATH_TOLERANCE_VIOLATED: a joint was too far from its reference on the way',
    -5: 'GOAL_TOLERANCE_VIOLATED: the end was not reached in time',
}


def error_words(code: int, said: str) -> str:
    """Return an error code in words, and what the controller said."""
    words = ERRORS.get(code, 'unknown')
    return f'{words} ({code}){f": {said}" if said else ""}'


def is_installed() -> bool:
    """Whether messages of controllers can be sent and heard."""
    try:
        importlib.import_module('control_msgs.msg')
    except ImportError:
        return False
    return True


def controller_state_type() -> Any:
    """Return JointTrajectoryControllerState; raises ConfigError naming the package."""
    return _load('control_msgs.msg', 'to hear controller_state').JointTrajectoryControllerState


def follow_joint_trajectory() -> Any:
    """Return the action FollowJointTrajectory; raises ConfigError naming the package."""
    return _load('control_msgs.action', 'for the executor jtc_action').FollowJointTrajectory


def _load(module: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f'the package control_msgs is needed {purpose}, but it is not installed; '
            'install ros-<distribution>-control-msgs'
        ) from error
