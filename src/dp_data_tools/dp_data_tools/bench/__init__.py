# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Measures recording and conversion: `python -m dp_data_tools.bench`."""
