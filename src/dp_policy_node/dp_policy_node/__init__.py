# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The lifecycle node that serves /execute_policy: observations in, joint trajectories out."""
