# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Our stream into the real joint_trajectory_controller; `bench.py` is the command."""
