# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""MuJoCo scenes, and a node that stands where robot, cameras and ros2_control stand."""
