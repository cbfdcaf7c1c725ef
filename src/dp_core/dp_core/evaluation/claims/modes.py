# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Not filled in.

§. Refuted if
"""

from typing import Any

from dp_core.evaluation.claims.catalogue import Options


def run(options: Options) -> dict[str, Any]:
    """Run."""
    return {'verdicts': []}


def plot(result: dict[str, Any], figure: Any) -> None:
    """Draw."""
