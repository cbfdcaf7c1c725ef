# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints named by the parameter ``policies`` -> loaded, checked and warm pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property

from dp_core.clearance import ClearanceSettings
from dp_core.contract import Contract
from dp_core.errors import CheckpointError
from dp_core.errors import ConfigError
from dp_core.errors import ContractError
from dp_core.errors import DpError
from dp_core.guard import GuardSettings
from dp_core.pipeline import Pipeline
from dp_policy_node.latency import LatencyRecord
from dp_policy_node.policy_process import PolicyProcess
from dp_policy_node.settings import Settings
from dp_policy_node.warm_up import warm_up


@dataclass(frozen=True)
class LoadedPolicy:
    """One entry of the parameter ``policies``.

    Attributes:
        name: what goals call it.
        pipeline: ready to predict.
        process: where it computes; None when in this one.
        warmup_s: times of its first predictions, without the very first [s].
        delay_s: by which every prediction is held back, included in these times [s].
    """

    name: str
    pipeline: Pipeline
    process: PolicyProcess | None
    warmup_s: tuple[float, ...]
    delay_s: float = 0.0

    @cached_property
    def latencies(self) -> LatencyRecord:
        """Times of its last predictions; the first ones stand in until there are some."""
        return LatencyRecord(self.warmup_s)

    @property
    def is_alive(self) -> bool:
        """Whether it can predict at all."""
        return self.process is None or self.process.is_alive

    def close(self) -> None:
        """End its process."""
        if self.process is not None:
            self.process.close()

    @property
    def contract(self) -> Contract:
        """What it sees and commands."""
        return self.pipeline.contract

    @property
    def worst_s(self) -> float:
        """Time that nearly every prediction keeps, by the warm-up [s]."""
        return LatencyRecord(self.warmup_s).worst_s()


def parse_policies(entries: Sequence[str]) -> dict[str, str]:
    """Map names to checkpoint folders, in order; raises ConfigError naming the bad entry."""
    folders: dict[str, str] = {}
    for entry in entries:
        if not entry:
            continue
        name, equals, folder = entry.partition('=')
        if not (name and equals and folder):
            raise ConfigError(f"policies: {entry!r} is not 'name=checkpoint folder'")
        if name in folders:
            raise ConfigError(f'policies: the name {name!r} is given twice')
        folders[name] = folder
    if not folders:
        raise ConfigError("policies is empty; give at least one 'name=checkpoint folder'")
    return folders


def load_policies(
    entries: Sequence[str],
    urdf: str,
    warmup: int,
    seed: int,
    delay_s: float = 0.0,
    *,
    own_process: bool = True,
    device: str = 'cpu',
    guard: GuardSettings | None = None,
) -> dict[str, LoadedPolicy]:
    """Load and warm up every policy; all must command the same joints.

    Args:
        entries: of the parameter ``policies``.
        urdf: the robot.
        warmup: number of predictions made now.
        seed: of the denoising noise; negative draws one.
        delay_s: by which every prediction is held back [s].
        own_process: whether each policy computes in a process of its own.
        device: where it computes, one of `dp_core.device.DEVICES`.
        guard: limits of what they may send; None for the defaults.

    Raises:
        DpError: what is wrong, naming the entry, file or joint; no process is left behind.
    """
    loaded: dict[str, LoadedPolicy] = {}
    try:
        for name, folder in parse_policies(entries).items():
            chosen_seed = None if seed < 0 else seed
            process = PolicyProcess(folder, device) if own_process else None
            if process is None:
                pipeline = Pipeline.load(folder, urdf, chosen_seed, guard, device)
            else:
                pipeline = _pipeline(process, urdf, chosen_seed, guard)
            loaded[name] = LoadedPolicy(name, pipeline, process, (), delay_s)
            warmup_s = tuple(time_s + delay_s for time_s in warm_up(pipeline, warmup))
            loaded[name] = replace(loaded[name], warmup_s=warmup_s)
        _require_same_joints(*loaded.values())
    except (DpError, RuntimeError) as error:
        for policy in loaded.values():
            policy.close()
        if isinstance(error, DpError):
            raise
        raise CheckpointError(f'the first predictions failed: {error}') from error
    return loaded


def guard_settings(settings: Settings) -> GuardSettings:
    """Limits of one robot from the node's parameters.

    Raises:
        ConfigError: a value that is not valid; names it as dp_core does.
    """
    return GuardSettings(
        velocity_fraction=settings.velocity_fraction,
        max_acceleration=settings.max_acceleration,
        max_jerk=settings.max_jerk,
        max_step=settings.max_step,
        clearance=ClearanceSettings(
            min_distance_m=settings.min_distance,
            tool_distance_m=settings.tool_distance,
            table_height_m=settings.table_height,
            link_radius_m=settings.link_radius,
            workspace_frame=settings.workspace_frame,
            workspace_tool=settings.workspace_tool,
            workspace_low=settings.workspace_low,
            workspace_high=settings.workspace_high,
        ),
    )


def _pipeline(
    process: PolicyProcess, urdf: str, seed: int | None, guard: GuardSettings | None
) -> Pipeline:
    try:
        return Pipeline(process, urdf, seed, guard)
    except DpError:
        process.close()
        raise


def _require_same_joints(first: LoadedPolicy, *others: LoadedPolicy) -> None:
    for other in others:
        mine = [(group.controller, group.joints) for group in first.contract.actions]
        theirs = [(group.controller, group.joints) for group in other.contract.actions]
        if mine != theirs:
            raise ContractError(
                f'policies {first.name!r} and {other.name!r} command different joints: '
                f'{mine} and {theirs}; run one node for each'
            )
