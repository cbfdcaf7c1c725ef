# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The package control_msgs, which not every installation has: the one place that imports it."""

from __future__ import annotations

import importlib
from typing import Any

from dp_core.errors import ConfigError


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
