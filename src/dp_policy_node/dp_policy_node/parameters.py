# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""ROS parameters <-> `Settings`: declared once, read together, and the table of the README."""

from __future__ import annotations

import dataclasses
from typing import Any

from dp_policy_node.settings import Settings
from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter


def declare(node: Node) -> None:
    """Declare the table on ``node``; values that are not valid choices are refused from now on."""
    node.add_on_set_parameters_callback(_check_choices)
    for row in dataclasses.fields(Settings):
        default = list(row.default) if isinstance(row.default, tuple) else row.default
        node.declare_parameter(row.name, default, _descriptor(row))


def read(node: Node) -> Settings:
    """Read the current values of all parameters."""
    values = {}
    for row in dataclasses.fields(Settings):
        value = node.get_parameter(row.name).value
        values[row.name] = tuple(value) if isinstance(row.default, tuple) else value
    return Settings(**values)


def table() -> str:
    """Return the reference page's table of parameters, in Markdown."""
    lines = [
        '| parameter | type | default | valid | unit | changeable | meaning |',
        '|---|---|---|---|---|---|---|',
    ]
    for row in dataclasses.fields(Settings):
        info = row.metadata
        kind, default = _shown(row.default)
        valid = ', '.join(f'`{choice}`' for choice in info['choices'])
        if info['valid']:
            valid = f'{info["valid"][0]} .. {info["valid"][1]}'
        lines.append(
            f'| `{row.name}` | {kind} | {default} | {valid} | {info["unit"]} | '
            f'{"at start" if info["fixed"] else "next goal"} | {info["description"]} |'
        )
    return '\n'.join(lines) + '\n'


def _shown(default: Any) -> tuple[str, str]:
    """Type and default value as the table shows them."""
    if not isinstance(default, tuple):
        return type(default).__name__, f'`{default}`' if default != '' else ''
    none = default[0] == '' or default[0] != default[0]  # NaN
    kind = 'string[]' if isinstance(default[0], str) else 'float[]'
    return kind, '' if none else f'`{list(default)}`'


def _descriptor(row: dataclasses.Field[Any]) -> ParameterDescriptor:
    info = row.metadata
    unit = f' [{info["unit"]}]' if info['unit'] else ''
    descriptor = ParameterDescriptor(
        description=info['description'] + unit,
        read_only=info['fixed'],
        additional_constraints=f'one of {list(info["choices"])}' if info['choices'] else '',
    )
    if info['valid']:
        low, high = info['valid']
        if isinstance(row.default, int):
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high)]
        else:
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    return descriptor


def _check_choices(parameters: list[Parameter]) -> SetParametersResult:
    rows = {row.name: row.metadata for row in dataclasses.fields(Settings)}
    for parameter in parameters:
        choices = rows.get(parameter.name, {}).get('choices')
        if choices and parameter.value not in choices:
            return SetParametersResult(
                successful=False,
                reason=f'{parameter.name} is {parameter.value!r}, valid: {list(choices)}',
            )
    return SetParametersResult(successful=True)
