# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the node costs and how late it is, with a synthetic robot; part of `make bench`."""
