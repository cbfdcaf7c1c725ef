# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a client asked for, checked: every value of a goal is understood or refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dp_core.chunk import check_timing
from dp_core.errors import ConfigError
from dp_core.trajectory import SEAMS
from dp_core.trajectory import TrajectorySettings
from dp_policy_node.convert import duration_ns
from dp_policy_node.policies import LoadedPolicy
from dp_policy_node.settings import Settings


@dataclass(frozen=True)
class GoalPlan:
    """A valid goal with all defaults filled in.

    Attributes:
        policy: which one decides.
        task: label of what is to be done; '' for a contract without tasks.
        timeout_s: longest time from acceptance [s].
        speed_scale: in (0, 1].
        trajectory: how chunks become motion.
        settings: the node's parameters when the goal was accepted.
    """

    policy: LoadedPolicy
    task: str
    timeout_s: float
    speed_scale: float
    trajectory: TrajectorySettings
    settings: Settings


def plan_goal(request: Any, policies: Mapping[str, LoadedPolicy], settings: Settings) -> GoalPlan:
    """Check a dp_msgs/action/ExecutePolicy goal and fill in the defaults.

    Raises:
        ConfigError: names the value received and what is valid.
    """
    name = request.policy or next(iter(policies))
    if name not in policies:
        raise ConfigError(f'policy is {name!r}, valid: {list(policies)} or nothing')
    policy = policies[name]
    tasks = policy.contract.tasks
    task = request.task or (tasks[0] if tasks else '')
    if task and task not in tasks:
        raise ConfigError(f'task is {task!r}, policy {name!r} knows {list(tasks)}')
    timeout_s = duration_ns(request.timeout) * 1e-9 or settings.timeout
    if timeout_s < 0.0:
        raise ConfigError(f'timeout is {timeout_s} s, valid: positive, or 0 for the default')
    speed_scale = request.speed_scale or 1.0
    if not 0.0 < speed_scale <= 1.0:  # refuses NaN too
        raise ConfigError(f'speed_scale is {speed_scale}, valid: (0, 1], or 0 for 1')
    seam = request.seam or settings.seam
    if seam not in SEAMS:
        raise ConfigError(f'seam is {seam!r}, valid: {list(SEAMS)} or nothing')
    check_timing(
        policy.contract, policy.worst_s, settings.lead_s, settings.max_blind_s
    )  # parameters may have changed since configure
    trajectory = trajectory_settings(settings, seam)
    return GoalPlan(policy, task, timeout_s, speed_scale, trajectory, settings)


def trajectory_settings(settings: Settings, seam: str) -> TrajectorySettings:
    """Settings of dp_core from the node's parameters, at full speed; dp_core stretches them."""
    return TrajectorySettings(
        seam=seam,
        lead_s=settings.lead_s,
        max_blind_s=settings.max_blind_s,
        fade_s=settings.fade_s,
        ensemble_decay=settings.ensemble_decay,
        warm_start=settings.warm_start,
    )
