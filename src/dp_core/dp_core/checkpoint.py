# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoint folders: `policy.yaml`, `weights.safetensors`, `statistics.safetensors`."""

from __future__ import annotations

from collections.abc import Mapping
import hashlib
from pathlib import Path
import shutil
from typing import Any

from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.device import device_of
from dp_core.errors import CheckpointError
from dp_core.errors import ConfigError
from dp_core.errors import ContractError
from dp_core.normalize import Normalizer
from dp_core.policy import current_names
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
import numpy as np
from safetensors import safe_open
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save
import torch
from torch import Tensor
import yaml

POLICY_FILE = 'policy.yaml'
WEIGHTS_FILE = 'weights.safetensors'
STATISTICS_FILE = 'statistics.safetensors'
FORMAT = 1
_ZIPPED, _PICKLED = b'PK\x03\x04', b'\x80'  # how a saved program begins
_OTHER_KINDS = {
    'contract.yaml': 'a dataset',
    'training_state.pt': 'a training run that has not ended',
    'model.safetensors': "another library's policy",
    'checkpoints': "another library's training run",
}


def save_policy(
    folder: Path | str,
    policy: Policy,
    provenance: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a checkpoint folder.

    A new one appears whole or not at all. An existing one is replaced file by file once all three
    are written, policy.yaml last: a crash between two of them leaves files of both.

    Args:
        folder: where to write; other files in an existing folder are kept.
        policy: what to store.
        provenance: plain data about where it came from.
        dtype: of the stored weights; they are always loaded as float32.

    Raises:
        CheckpointError: a weight is not finite; nothing was written.
    """
    folder = Path(folder)
    weights = _stored(policy, dtype)
    # On the disk of the folder, which may be a mount or a link to another one.
    inside = folder.exists()
    partial = folder / '.partial' if inside else folder.with_name(folder.name + '.partial')
    wrong = [name for name, value in weights.items() if not value.isfinite().all()]
    if wrong:
        raise CheckpointError(
            f'{wrong[0]} and {len(wrong) - 1} other weights are not finite as {dtype}: the '
            f'training has diverged; nothing was written to {folder}'
        )
    statistics = {k: torch.from_numpy(v) for k, v in policy.normalizer.to_arrays().items()}
    document = {
        'format': FORMAT,
        'config': policy.config.to_dict(),
        'contract': policy.contract.to_dict(),
        'provenance': dict(provenance or {}),
    }
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / WEIGHTS_FILE).write_bytes(save(weights))
    (partial / STATISTICS_FILE).write_bytes(save(statistics))
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None)
    (partial / POLICY_FILE).write_text(text, encoding='utf-8')
    if inside:
        for name in (WEIGHTS_FILE, STATISTICS_FILE, POLICY_FILE):
            (partial / name).replace(folder / name)
        partial.rmdir()
    else:
        partial.rename(folder)


def _stored(policy: Policy, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    return {
        name: value.detach().to('cpu', dtype).contiguous()
        for name, value in policy.network.state_dict().items()
    }


def weights_sha256(policy: Policy, dtype: torch.dtype = torch.float16) -> str:
    """Return the digest of the weights file that `save_policy` writes."""
    return hashlib.sha256(save(_stored(policy, dtype))).hexdigest()


def load_policy(
    folder: Path | str, expected: Contract | None = None, device: str = 'cpu'
) -> Policy:
    """Read a checkpoint folder.

    Args:
        folder: with the three files of a checkpoint.
        expected: contract of the caller; a checkpoint of another one is refused.
        device: 'cpu' or 'cuda', where it will compute.

    Raises:
        CheckpointError: names the file and what is wrong with it.
        ConfigError: there is no such device.
    """
    there = device_of(device)  # first: to no device a large file need not be read
    folder = Path(folder)
    _require_kind(folder)
    document = _read_document(folder / POLICY_FILE)
    try:
        config = PolicyConfig.from_dict(document['config'])
        contract = Contract.from_dict(document['contract'], str(folder / POLICY_FILE))
        if expected is not None:
            expected.require_equal(contract, f'the checkpoint {folder}')
        network = PolicyNetwork(contract, config)
    except (ConfigError, ContractError) as error:
        raise CheckpointError(f'checkpoint {folder}: {error}') from error
    statistics = {k: v.numpy() for k, v in _read_tensors(folder / STATISTICS_FILE).items()}
    weights = current_names(_read_tensors(folder / WEIGHTS_FILE))
    _require_shapes(weights, network.state_dict(), folder / WEIGHTS_FILE)
    network.load_state_dict({name: value.float() for name, value in weights.items()})
    try:
        normalizer = Normalizer.from_arrays(
            {name: np.asarray(value, dtype=np.float32) for name, value in statistics.items()}
        )
        return Policy(contract, config, normalizer, network).to(there)
    except CheckpointError as error:
        raise CheckpointError(f'{folder / STATISTICS_FILE}: {error}') from error


def load_provenance(folder: Path | str) -> dict[str, Any]:
    """Read where a checkpoint came from."""
    return dict(_read_document(Path(folder) / POLICY_FILE).get('provenance') or {})


def _require_kind(folder: Path) -> None:
    """Say what `folder` is where it is no checkpoint of this suite."""
    valid = f'valid: a folder with {POLICY_FILE}, {WEIGHTS_FILE} and {STATISTICS_FILE}'
    if folder.is_file():
        raise CheckpointError(
            f'{folder} is a file, which is never opened: it may hold a program; {valid}'
        )
    if not folder.is_dir():
        raise CheckpointError(f'no checkpoint folder at {folder}')
    if (folder / POLICY_FILE).exists():
        return
    for name, kind in _OTHER_KINDS.items():
        if (folder / name).exists():
            raise CheckpointError(f'{folder} is {kind} ({name}), no checkpoint; {valid}')


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise CheckpointError(f'checkpoint file {path} is missing') from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CheckpointError(f'cannot read {path}: {error}') from error
    if not isinstance(document, dict) or not {'format', 'config', 'contract'} <= set(document):
        raise CheckpointError(f'{path} is no policy: it needs format, config and contract')
    if document['format'] != FORMAT:
        raise CheckpointError(
            f'{path} has format {document["format"]!r}, this version reads {FORMAT}'
        )
    return document


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(f'checkpoint file {path} is missing')
    try:
        with safe_open(path, framework='pt'):  # checks the header against the file's size
            pass
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        if _beginning(path).startswith((_ZIPPED, _PICKLED)):
            raise CheckpointError(
                f'{path} is a pickle under a name of safetensors: it may hold a program and is '
                'never opened; valid: safetensors'
            ) from error
        raise CheckpointError(f'{path} is truncated or corrupt: {error}') from error


def _beginning(path: Path) -> bytes:
    try:
        with path.open('rb') as file:
            return file.read(len(_ZIPPED))
    except OSError:
        return b''


def _require_shapes(
    stored: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path
) -> None:
    missing = sorted(set(wanted) - set(stored))
    unknown = sorted(set(stored) - set(wanted))
    if missing or unknown:
        raise CheckpointError(
            f'{path} does not fit policy.yaml: missing {missing[:3]}, unknown {unknown[:3]}'
        )
    for name, value in wanted.items():
        if stored[name].shape != value.shape:
            raise CheckpointError(
                f'{path}: {name} has shape {tuple(stored[name].shape)}, '
                f'policy.yaml needs {tuple(value.shape)}'
            )
        if not torch.isfinite(stored[name]).all():
            raise CheckpointError(f'{path}: {name} contains NaN or infinity')
