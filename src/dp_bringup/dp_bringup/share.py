# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Where the files of this package lie: configurations, shipped policies, layouts."""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import DpError
import yaml

# Name of a shipped policy in launch arguments -> its folder below policies/; the first by default.
POLICIES = {'camera': 'ur5e_pusht_camera', 'state': 'ur5e_pusht_state'}
DEFAULT_POLICY = next(iter(POLICIES))


def share() -> Path:
    """Return the folder with config/, policies/ and launch/.

    Run from its source, or from a workspace built with symlinks, this is the source folder: a
    policy that was trained a minute ago is found there without another build.
    """
    source = Path(__file__).resolve().parents[1]
    if (source / 'package.xml').is_file():
        return source
    return Path(get_package_share_directory('dp_bringup'))


def policy_folder(policy: str) -> Path:
    """Return the checkpoint folder of a shipped policy, or of a path that holds a checkpoint.

    Raises:
        ConfigError: neither a shipped policy nor a folder with policy.yaml.
    """
    folder = share() / 'policies' / POLICIES[policy] if policy in POLICIES else Path(policy)
    folder = folder.expanduser()
    if not (folder / 'policy.yaml').is_file():
        raise ConfigError(
            f'policy is {policy!r}, but {folder} holds no policy.yaml; '
            f'valid: {list(POLICIES)} or the path of a checkpoint folder'
        )
    return folder.resolve()


def sees_pictures(checkpoint: Path) -> bool:
    """Say whether the policy in a folder sees cameras; of a broken one the policy node tells."""
    try:
        document = yaml.safe_load((checkpoint / 'policy.yaml').read_text(encoding='utf-8'))
        return bool(Contract.from_dict(document['contract']).images)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, DpError):
        return False
