# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How late devices and sensors are, measured from a small motion or a blinking lamp."""
