# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a policy sees and commands: one YAML file used to record, convert, train and serve.

The contract travels inside datasets and checkpoints, so that a policy can never be fed streams
that it was not trained on without somebody noticing. A complete example::

    name: ur5e_pusht_state
    tasks: [pusht]
    dt_s: 0.1               # policy step [s]
    n_obs_steps: 2          # To
    horizon: 16             # Tp
    n_action_steps: 8       # Ta
    action_offset_s: 0.1    # step 0 is meant for t_obs + this [s]
    observations:
    - {name: tool, kind: pose, topic: tool_pose, frame: world, features: [x, y], max_age_s: 0.2}
    - {name: front, kind: image, topic: front_camera/image_raw, size: [96, 96], max_age_s: 0.3}
    actions:
    - {name: arm, kind: tool_plane, dims: [x, y], controller: joint_trajectory_controller,
       joints: [shoulder_pan_joint, ...], frame: world, tool_frame: pusher_tip, height_m: 0.02,
       low: [-0.3, -0.3], high: [0.3, 0.3]}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dp_core.action_group import ActionGroup
from dp_core.errors import ContractError
from dp_core.schema import build
from dp_core.schema import first_difference
from dp_core.schema import plain
from dp_core.schema import require_finite
from dp_core.schema import require_positive
from dp_core.schema import require_unique
from dp_core.stream import Stream
import yaml

__all__ = ['ActionGroup', 'Contract', 'Stream']


@dataclass(frozen=True)
class Contract:
    """Observations, actions and timing of one policy; see the module docstring.

    Attributes:
        dt_s: policy step [s].
        n_obs_steps: To, ticks in an observation window.
        horizon: Tp, predicted steps, the first at the oldest observation.
        n_action_steps: Ta, steps for which a chunk is in charge; then the next takes over.
        action_offset_s: prediction ``n_obs_steps - 1 + k`` is meant for
            ``t_obs + k * dt_s + action_offset_s``.
    """

    name: str
    dt_s: float
    n_obs_steps: int
    horizon: int
    n_action_steps: int
    observations: tuple[Stream, ...]
    actions: tuple[ActionGroup, ...]
    tasks: tuple[str, ...] = ()
    action_offset_s: float = 0.0

    def __post_init__(self) -> None:
        where = f'contract {self.name!r}'
        require_positive(self.dt_s, f'{where}: dt_s')
        require_finite(self.action_offset_s, f'{where}: action_offset_s')
        if self.n_obs_steps < 1 or self.n_action_steps < 1:
            raise ContractError(
                f'{where}: n_obs_steps is {self.n_obs_steps} and n_action_steps is '
                f'{self.n_action_steps}, valid: 1 or more'
            )
        if self.n_obs_steps - 1 + self.n_action_steps > self.horizon:
            raise ContractError(
                f'{where}: n_obs_steps - 1 + n_action_steps = '
                f'{self.n_obs_steps - 1 + self.n_action_steps} exceeds horizon {self.horizon}'
            )
        if not self.observations or not self.actions:
            raise ContractError(f'{where}: observations and actions must not be empty')
        require_unique([s.name for s in self.observations], f'{where}: observation names')
        require_unique([group.name for group in self.actions], f'{where}: action group names')
        # A controller accepts a joint that is named twice, and then moves another one.
        joints = [joint for group in self.actions for joint in group.joints]
        require_unique(joints, f'{where}: joints of all action groups')

    @property
    def low_dim(self) -> tuple[Stream, ...]:
        """Streams of numbers, in order."""
        return tuple(s for s in self.observations if s.kind != 'image')

    @property
    def images(self) -> tuple[Stream, ...]:
        """Image streams, in order; the first one is the reference camera."""
        return tuple(s for s in self.observations if s.kind == 'image')

    @property
    def action_dim(self) -> int:
        """Number of values per action step over all groups."""
        return sum(len(group.dims) for group in self.actions)

    @property
    def dt_ns(self) -> int:
        """Policy step [ns]."""
        return round(self.dt_s * 1e9)

    @property
    def history_ns(self) -> int:
        """From the oldest sample of a window to its newest tick [ns]."""
        before_ns = max(-stream.sample_times_ns(0)[0] for stream in self.observations)
        return (self.n_obs_steps - 1) * self.dt_ns + before_ns

    @property
    def offset_ns(self) -> int:
        """Time of the step that belongs to the newest observation, after t_obs [ns]."""
        return round(self.action_offset_s * 1e9)

    def stream(self, name: str) -> Stream:
        """Return the stream called ``name``."""
        for stream in self.observations:
            if stream.name == name:
                return stream
        raise ContractError(
            f'contract {self.name!r} has no observation {name!r}; '
            f'it has {[s.name for s in self.observations]}'
        )

    @classmethod
    def load(cls, path: Path | str) -> Contract:
        """Read a contract from a YAML file."""
        path = Path(path)
        try:
            data = yaml.safe_load(path.read_text(encoding='utf-8'))
        except OSError as error:
            raise ContractError(f'cannot read contract {path}: {error.strerror}') from error
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise ContractError(f'contract {path} is not valid YAML: {error}') from error
        return cls.from_dict(data, str(path))

    @classmethod
    def from_dict(cls, data: Any, source: str = 'contract') -> Contract:
        """Build a contract from plain data; ``source`` names its origin in errors."""
        contract = build(cls, data, source)
        if not isinstance(contract, cls):
            raise ContractError(f'{source} is not a contract')
        return contract

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML; values left at their default are omitted in streams and groups."""
        return plain(self)

    def save(self, path: Path | str) -> None:
        """Write the contract as YAML."""
        text = yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None)
        Path(path).write_text(text, encoding='utf-8')

    def require_equal(self, other: Contract, what: str) -> None:
        """Raise ContractError naming the first difference to ``other``, described as ``what``."""
        difference = first_difference(self, other)
        if difference:
            raise ContractError(f'contract {self.name!r} does not match {what}: {difference}')
