# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The robot and scene models, and where they lie."""

from pathlib import Path

URDF_PATH = Path(__file__).with_name('ur5e_pusht.urdf')
MJCF_PATH = Path(__file__).with_name('ur5e_pusht.xml')
