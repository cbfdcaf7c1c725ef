# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""On PYTHONPATH of a process under trial, this folder changes how its policy predicts."""
