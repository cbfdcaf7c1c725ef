# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What an image encoder can learn to see in a given time, without a policy around it."""
