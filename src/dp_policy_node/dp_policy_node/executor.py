# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""How trajectories reach the controllers: the interface of the four executors, and the choice.

`TrajectoryOutput` decides what may be sent and holds one lock while it is; an executor only
carries it to the controllers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dp_core.contract import ActionGroup
from dp_core.motion import Trajectory
from rclpy.node import Node


class Executor(Protocol):
    """Carries trajectories to controllers.

    Attributes:
        arrival_ns: what is sent is in effect this much later [ns].
        moves_arm: whether anything reaches a controller at all.
        is_once: each trajectory is sent once, and may be lost.
    """

    arrival_ns: int
    moves_arm: bool
    is_once: bool

    def begin(self) -> None:
        """Forget what was refused: a new run begins."""

    def prepare(self, trajectory: Trajectory) -> Callable[[], None]:
        """Return what replaces the motion of all controllers, at once when it is called.

        Raises:
            TrajectoryError: it is not safe to send.
        """

    def why_deaf(self) -> str:
        """Return which controller does not listen, in words; '' when all do."""

    def why_refused(self) -> str:
        """Return what a controller said against the newest trajectory; '' when nothing."""

    def close(self) -> None:
        """Send no more, and free everything."""


def make_executor(
    name: str, node: Node, groups: tuple[ActionGroup, ...], rate_hz: float
) -> Executor:
    """Create the executor of that name.

    Args:
        name: value of the parameter ``executor``.
        node: owner of publishers and clients.
        groups: whose controllers to reach.
        rate_hz: of forward_position [Hz].

    Raises:
        ConfigError: it needs a package that is not installed.
    """
    from dp_policy_node.dry_run import DryRun
    from dp_policy_node.forward_position import ForwardPosition
    from dp_policy_node.jtc_action import JtcAction
    from dp_policy_node.jtc_topic import JtcTopic

    makers: dict[str, Callable[[], Executor]] = {
        'jtc_topic': lambda: JtcTopic(node, groups),
        'forward_position': lambda: ForwardPosition(node, groups, rate_hz),
        'jtc_action': lambda: JtcAction(node, groups),
        'none': DryRun,
    }
    return makers[name]()
