# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Everything between stamped observations and a timed joint trajectory; start at pipeline.py."""
