# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with recordings and datasets, in numbers, and what to do about it."""
