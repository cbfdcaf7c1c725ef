# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The ROS side of measuring latencies: what moves, blinks and listens for `calibrate_latency`."""
