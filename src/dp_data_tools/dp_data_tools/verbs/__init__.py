# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One module per verb: ``EXAMPLE``, ``add_arguments(parser)`` and ``run(options) -> status``."""
