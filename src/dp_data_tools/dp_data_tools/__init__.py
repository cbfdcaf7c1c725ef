# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""From rosbag2 recordings to training datasets."""

__version__ = '0.1.0'
