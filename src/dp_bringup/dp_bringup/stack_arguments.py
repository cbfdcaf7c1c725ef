# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Arguments of a stack: how they are declared, shown as text and read from text."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import TypeVar

from dp_core.errors import ConfigError

Value = bool | int | float | str | tuple[str, ...]
Stack = TypeVar('Stack', bound='Arguments')


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


class Arguments:
    """Base of the dataclasses whose fields, made by `argument`, are the arguments of a stack."""

    @classmethod
    def arguments(cls) -> tuple[Argument, ...]:
        """Return all arguments with their defaults, as text."""
        return tuple(
            Argument(
                row.name,
                text(row.default),
                row.metadata['description'],
                ('true', 'false') if isinstance(row.default, bool) else row.metadata['choices'],
            )
            for row in dataclasses.fields(cls)  # type: ignore[arg-type]
        )

    @classmethod
    def parse(cls: type[Stack], values: Mapping[str, str]) -> Stack:
        """Read arguments given as text; those not given keep their default.

        Raises:
            ConfigError: names the argument that is unknown or not valid.
        """
        rows = {row.name: row for row in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - set(rows))
        if unknown:
            raise ConfigError(f'unknown arguments {unknown}; valid: {sorted(rows)}')
        return cls(**{k: read(k, v, rows[k].default) for k, v in values.items()})

    def require_choices(self) -> None:
        """Refuse a value that is none of its argument's choices."""
        for row in dataclasses.fields(self):  # type: ignore[arg-type]
            value, choices = getattr(self, row.name), row.metadata['choices']
            if choices and value not in choices:
                raise ConfigError(f'{row.name} is {value!r}, valid: {list(choices)}')
