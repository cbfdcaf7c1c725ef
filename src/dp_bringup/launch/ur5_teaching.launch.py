# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""UR5e Push-T, demonstrated and recorded; `--show-args` lists the arguments."""

from dp_bringup.launch_actions import launch_description
from dp_bringup.teaching_stack import Ur5Teaching


def generate_launch_description():
    """Return the stack as launch actions."""
    return launch_description(Ur5Teaching)
