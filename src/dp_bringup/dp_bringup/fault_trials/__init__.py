# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Two hundred faults at random moments, judged at the controller; `bench.py` is the command."""
