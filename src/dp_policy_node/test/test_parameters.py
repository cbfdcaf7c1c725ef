# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses
from pathlib import Path

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


def test_readme_holds_the_table_as_generated():
    readme = Path(__file__).parents[1] / 'README.md'
    assert table() in readme.read_text(encoding='utf-8'), table()
