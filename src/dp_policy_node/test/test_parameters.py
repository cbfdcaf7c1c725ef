# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses
from pathlib import Path

from dp_core.clearance import ClearanceSettings
from dp_core.guard import GuardSettings
from dp_core.trajectory import TrajectorySettings
from dp_policy_node.goal import trajectory_settings
from dp_policy_node.parameters import table
from dp_policy_node.policies import guard_settings
from dp_policy_node.settings import Settings


def test_every_parameter_says_what_it_means_and_numbers_say_their_unit():
    for row in dataclasses.fields(Settings):
        assert row.metadata['description'].endswith('.'), row.name
        if type(row.default) in (int, float):
            assert row.metadata['unit'], row.name
            low, high = row.metadata['valid']
            assert low <= row.default <= high, row.name
        if row.metadata['choices']:
            assert row.default in row.metadata['choices'], row.name


def test_defaults_agree_with_the_core():
    assert trajectory_settings(Settings(), Settings().seam) == TrajectorySettings()


def test_limits_are_on_by_default_and_agree_with_the_core():
    assert guard_settings(Settings()) == GuardSettings()


def differ(told, defaults):
    """Whether every value is another one than by default; else a new one may be forgotten."""
    names = [row.name for row in dataclasses.fields(defaults)]
    return all(getattr(told, name) != getattr(defaults, name) for name in names)


def test_every_limit_that_is_set_reaches_the_guard():
    told = guard_settings(
        Settings(
            velocity_fraction=0.5, max_acceleration=2.0, max_jerk=30.0, max_step=0.1,
            min_distance=0.02, tool_distance=0.03, table_height=-0.4, link_radius=0.06,
            workspace_frame='table', workspace_tool='gripper',
            workspace_low=(-0.1, -0.2, -0.3), workspace_high=(0.7, 0.8, 0.9),
        )
    )  # fmt: skip
    clearance = ClearanceSettings(
        min_distance_m=0.02, tool_distance_m=0.03, table_height_m=-0.4, link_radius_m=0.06,
        workspace_frame='table', workspace_tool='gripper',
        workspace_low=(-0.1, -0.2, -0.3), workspace_high=(0.7, 0.8, 0.9),
    )  # fmt: skip
    assert told == GuardSettings(
        velocity_fraction=0.5, max_acceleration=2.0, max_jerk=30.0, max_step=0.1,
        clearance=clearance,
    )  # fmt: skip
    assert differ(told, GuardSettings()) and differ(clearance, ClearanceSettings())


def test_every_setting_of_a_seam_reaches_the_planner():
    settings = Settings(
        lead_s=0.06, max_blind_s=1.5, fade_s=0.4, ensemble_decay=0.2, warm_start=0.25
    )
    told = trajectory_settings(settings, 'rtc')
    assert told == TrajectorySettings(
        seam='rtc', lead_s=0.06, max_blind_s=1.5, fade_s=0.4, ensemble_decay=0.2, warm_start=0.25
    )
    assert differ(told, TrajectorySettings())


def test_readme_holds_the_table_as_generated():
    readme = Path(__file__).parents[1] / 'README.md'
    assert table() in readme.read_text(encoding='utf-8'), table()
