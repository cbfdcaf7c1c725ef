# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments of a stack: how they are declared, shown as text and read from text."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any

from dp_core.errors import ConfigError

Value = bool | int | float | str | tuple[str, ...]


@dataclass(frozen=True)
class Argument:
    """One argument of a stack, as launch files and commands show it."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()


def argument(default: Value, description: str, choices: tuple[str, ...] = ()) -> Any:
    """Return the field of a dataclass whose fields are the arguments of a stack."""
    return field(default=default, metadata={'description': description, 'choices': choices})


def text(value: Value) -> str:
    """Return a value as a user types it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read(name: str, text: str, default: Value) -> Value:
    """Return what a user typed, as the type of the default.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(default, bool):
        if text.lower() not in ('true', 'false'):
            raise ConfigError(f'{name} is {text!r}, valid: true, false')
        return text.lower() == 'true'
    try:
        return type(default)(text)
    except ValueError as error:
        raise ConfigError(f'{name} is {text!r}, valid: a {type(default).__name__}') from error
