# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How strategies join chunks, compared on a simulated clock without ROS: `make bench-motion`."""
