# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""LeRobotDataset v3.0, read and written: parquet for numbers, video for pictures, JSON beside."""
