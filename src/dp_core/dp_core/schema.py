# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Plain YAML data <-> frozen dataclasses; a refusal says where, what, and what is valid."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
import math
from typing import Any
from typing import get_args
from typing import get_origin
from typing import get_type_hints

from dp_core.errors import ContractError

_SCALARS: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), 'a text'),
    int: ((int,), 'a whole number'),
    float: ((int, float), 'a number'),
}


def build(cls: type[Any], data: Any, source: str) -> Any:
    """Build dataclass ``cls`` from a mapping, converting each value to the field's type.

    Raises:
        ContractError: unknown or missing keys, or a value of another type; names ``source``.
    """
    if not isinstance(data, dict):
        raise ContractError(f'{source}: expected a mapping, got {type(data).__name__}')
    fields = {f.name: f for f in dataclasses.fields(cls)}
    unknown = sorted(map(str, set(data) - set(fields)))
    if unknown:
        raise ContractError(f'{source}: unknown keys {unknown}; valid: {sorted(fields)}')
    missing = [n for n, f in fields.items() if n not in data and not _has_default(f)]
    if missing:
        raise ContractError(f'{source}: missing keys {missing}')
    hints = get_type_hints(cls)
    values = {key: _typed(value, hints[key], f'{source}: {key}') for key, value in data.items()}
    try:
        return cls(**values)
    except ContractError as error:
        raise ContractError(f'{source}: {error}') from error


def plain(item: Any, sparse: bool = False) -> dict[str, Any]:
    """Plain data for YAML; ``sparse`` omits values that are at their default.

    Dataclasses inside are always sparse.
    """
    return {
        f.name: _plain(getattr(item, f.name))
        for f in dataclasses.fields(item)
        if not (sparse and _has_default(f) and getattr(item, f.name) == f.default)
    }


def first_difference(mine: Any, theirs: Any, where: str = '') -> str:
    """Describe the first difference between two trees of dataclasses, or return ''."""
    if dataclasses.is_dataclass(mine) and type(mine) is type(theirs):
        for f in dataclasses.fields(mine):
            path = f'{where}.{f.name}' if where else f.name
            found = first_difference(getattr(mine, f.name), getattr(theirs, f.name), path)
            if found:
                return found
        return ''
    if _is_list_of_records(mine) and _is_list_of_records(theirs):
        names, others = [m.name for m in mine], [t.name for t in theirs]
        if names != others:
            return f'{where} are {names}, there they are {others}'
        each = (first_difference(a, b, f'{where} {a.name!r}') for a, b in zip(mine, theirs))
        return next(filter(None, each), '')
    return '' if mine == theirs else f'{where} is {_plain(mine)!r}, there it is {_plain(theirs)!r}'


def require_one_of(value: str, valid: Sequence[str], what: str) -> None:
    """Raise ContractError unless ``value`` is one of ``valid``."""
    if value not in valid:
        raise ContractError(f'{what} is {value!r}, valid: {list(valid)}')


def require_positive(value: float, what: str) -> None:
    """Raise ContractError unless ``value`` is a positive, finite number."""
    if not (math.isfinite(value) and value > 0):
        raise ContractError(f'{what} is {value!r}, valid: a positive number')


def require_finite(value: float, what: str) -> None:
    """Raise ContractError for NaN and infinity."""
    if not math.isfinite(value):
        raise ContractError(f'{what} is {value!r}, valid: a finite number')


def require_unique(names: Sequence[str], what: str) -> None:
    """Raise ContractError when a name appears twice."""
    if len(set(names)) != len(names):
        raise ContractError(f'{what} {list(names)} are not unique')


def require_default(item: Any, names: Sequence[str], why: str) -> None:
    """Raise ContractError when one of the fields ``names`` was given; it would be ignored."""
    for f in dataclasses.fields(item):
        if f.name in names and getattr(item, f.name) != f.default:
            raise ContractError(f'{why} takes no {f.name}, got {_plain(getattr(item, f.name))!r}')


def _typed(value: Any, hint: Any, what: str) -> Any:
    if get_origin(hint) is tuple:
        return _typed_tuple(value, get_args(hint), what)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, what)
    types, words = _SCALARS[hint]
    if isinstance(value, bool) or not isinstance(value, types):
        raise ContractError(f'{what} is {value!r}, valid: {words}')
    return hint(value)


def _typed_tuple(value: Any, items: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ContractError(f'{what} is {value!r}, valid: a list')
    hints = items if items[-1] is not Ellipsis else items[:1] * len(value)
    if len(hints) != len(value):
        raise ContractError(f'{what} is {value!r}, valid: a list of {len(hints)} values')
    return tuple(_typed(v, h, f'{what}[{i}]') for i, (v, h) in enumerate(zip(value, hints)))


def _has_default(f: dataclasses.Field[Any]) -> bool:
    return f.default is not dataclasses.MISSING


def _is_list_of_records(value: Any) -> bool:
    return isinstance(value, tuple) and all(dataclasses.is_dataclass(v) for v in value)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(value, sparse=True)
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
