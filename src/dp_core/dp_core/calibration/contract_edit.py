# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Write latencies into the text of a contract.yaml or policy.yaml; every other byte stays.

Comments and layout are a person's; so values are put into the text at the place where the YAML
parser saw them, and the result is read again to make sure that nothing else has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from dataclasses import dataclass
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import ContractError
import yaml

KEY = 'latency_s'
# Latencies are written to a tenth of a millisecond.
DIGITS = 4


@dataclass(frozen=True)
class Latencies:
    """New values of ``latency_s`` by name [s]; what is not named keeps its value."""

    streams: Mapping[str, float]
    groups: Mapping[str, float]

    def apply(self, contract: Contract) -> Contract:
        """Return the contract with these latencies."""
        return dataclasses.replace(
            contract,
            observations=tuple(_with(s, self.streams) for s in contract.observations),
            actions=tuple(_with(g, self.groups) for g in contract.actions),
        )


def edit_text(text: str, latencies: Latencies, source: str) -> str:
    """Return the text of a contract, or of a policy that holds one, with new latencies.

    Args:
        text: of the file.
        latencies: what to write.
        source: names the file in errors.

    Raises:
        ContractError: the text is not a contract, or is laid out so that it cannot be edited.
    """
    root = _compose(text, source)
    contract = _child(root, 'contract') or root
    wanted = latencies.apply(_contract(text, source))
    edits: list[tuple[int, int, str]] = []
    for key, values in (('observations', latencies.streams), ('actions', latencies.groups)):
        records = _child(contract, key)
        for record in records.value if isinstance(records, yaml.SequenceNode) else []:
            name = _child(record, 'name')
            if isinstance(name, yaml.ScalarNode) and name.value in values:
                edits.append(_edit(text, record, round(values[name.value], DIGITS)))
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    try:
        matches = _contract(text, source) == wanted
    except ContractError:
        matches = False
    if not matches:
        raise ContractError(
            f'{source} is laid out in a way that cannot be edited safely (anchors?); write the '
            f'latencies by hand: {dict(latencies.streams)}, {dict(latencies.groups)}'
        )
    return text


def read_contract(text: str, source: str) -> Contract:
    """Read the contract in the text of a contract.yaml or policy.yaml."""
    _compose(text, source)
    return _contract(text, source)


def _with(record: Any, values: Mapping[str, float]) -> Any:
    if record.name not in values:
        return record
    return dataclasses.replace(record, latency_s=round(values[record.name], DIGITS))


def _compose(text: str, source: str) -> yaml.Node:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ContractError(f'{source} is not valid YAML: {error}') from error
    if not isinstance(root, yaml.MappingNode):
        raise ContractError(f'{source} is not a contract')
    return root


def _contract(text: str, source: str) -> Contract:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ContractError(f'{source} is not valid YAML: {error}') from error
    return Contract.from_dict(data.get('contract', data), source)


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return value if isinstance(value, yaml.Node) else None
    return None


def _edit(text: str, record: yaml.Node, value: float) -> tuple[int, int, str]:
    """Return (begin, end, new text) that sets ``latency_s`` of a stream or group."""
    there, kind = _child(record, KEY), _child(record, 'kind')
    if there is not None:
        return there.start_mark.index, there.end_mark.index, repr(value)
    if kind is None:
        raise ContractError(f'a record in line {record.start_mark.line + 1} has no kind')
    if record.flow_style:
        return kind.end_mark.index, kind.end_mark.index, f', {KEY}: {value!r}'
    # In block style a key has a line of its own; all of them begin in the same column.
    line_end = text.find('\n', kind.end_mark.index)
    at = len(text) if line_end < 0 else line_end
    column = record.value[0][0].start_mark.column
    return at, at, f'\n{" " * column}{KEY}: {value!r}'
