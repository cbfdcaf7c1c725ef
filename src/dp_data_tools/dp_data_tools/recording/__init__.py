# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Episodes -> rosbag2 folders that are whole or marked as unfinished; imports no ROS."""
