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

import dataclasses
from dataclasses import dataclass
from dataclasses import field
import math
from pathlib import Path
from typing import Any

from dp_core.errors import ContractError
import yaml

STREAM_KINDS = ('joint_state', 'pose', 'image', 'vector')
ACTION_KINDS = ('joint_position', 'tool_plane', 'vector')
POSE_FEATURES = ('x', 'y', 'z', 'qx', 'qy', 'qz', 'qw', 'cos_yaw', 'sin_yaw', 'points')


@dataclass(frozen=True)
class Stream:
    """One observation stream.

    Attributes:
        name: key of the stream in windows and datasets.
        kind: ``joint_state`` (sensor_msgs/JointState), ``pose`` (geometry_msgs/PoseStamped),
            ``image`` (sensor_msgs/Image or CompressedImage) or ``vector`` (no ROS message).
        topic: where it is published; empty for ``vector``.
        joints: ``joint_state``: names, in the order of the features [rad].
        features: ``pose``: which numbers, of POSE_FEATURES. ``points`` stands for the x, y of
            every body-fixed point of ``points`` in the stream's frame [m].
        points: ``pose``: body-fixed points (x, y) [m] of a planar body.
        size: ``image``: height and width [pixel] that the policy sees.
        length: ``vector``: number of values.
        frame: ``frame_id`` that messages must carry; empty accepts any.
        max_age_s: oldest sample that may stand for a tick [s].
        latency_s: calibrated delay between event and header stamp, subtracted [s].
    """

    name: str
    kind: str
    topic: str = ''
    joints: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    size: tuple[int, int] = (0, 0)
    length: int = 0
    frame: str = ''
    max_age_s: float = 0.2
    latency_s: float = 0.0

    def __post_init__(self) -> None:
        where = f'observation {self.name!r}'
        _one_of(self.kind, STREAM_KINDS, f'{where}: kind')
        if self.kind != 'vector' and not self.topic:
            raise ContractError(f'{where}: a stream of kind {self.kind!r} needs a topic')
        _positive(self.max_age_s, f'{where}: max_age_s')
        for feature in self.features:
            _one_of(feature, POSE_FEATURES, f'{where}: features')
        if ('points' in self.features) != bool(self.points):
            raise ContractError(f"{where}: 'points' must be both a feature and a list, or neither")
        if self.kind == 'image' and min(self.size) < 8:
            raise ContractError(f'{where}: size is {self.size}, valid: [height, width] >= 8 pixel')
        if self.kind != 'image' and self.dim < 1:
            raise ContractError(f'{where}: has no values; give joints, features or length')
        if len(set(self.joints)) != len(self.joints):
            raise ContractError(f'{where}: joints {list(self.joints)} are not unique')

    @property
    def dim(self) -> int:
        """Number of values per sample of a low-dimensional stream; 0 for images."""
        if self.kind == 'joint_state':
            return len(self.joints)
        if self.kind == 'pose':
            plain = len(self.features) - ('points' in self.features)
            return plain + 2 * len(self.points)
        return self.length


@dataclass(frozen=True)
class ActionGroup:
    """Joints that one controller moves, and how the policy's numbers command them.

    Attributes:
        name: name of the device, for messages to people.
        kind: ``joint_position``: one number per joint [rad]. ``tool_plane``: x and y of
            ``tool_frame`` in ``frame`` [m] at ``height_m``, tool axis down; joints by inverse
            kinematics. ``vector``: numbers without a robot (a simulated benchmark).
        dims: names of the numbers, in order.
        joints: joint names in the controller's order.
        controller: name of the joint_trajectory_controller; its topic is
            ``<controller>/joint_trajectory``.
        low, high: bounds of each number (same units), empty for none. Predictions are clamped.
    """

    name: str
    kind: str
    dims: tuple[str, ...]
    joints: tuple[str, ...] = ()
    controller: str = ''
    frame: str = ''
    tool_frame: str = ''
    height_m: float = 0.0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        where = f'action group {self.name!r}'
        _one_of(self.kind, ACTION_KINDS, f'{where}: kind')
        if not self.dims:
            raise ContractError(f'{where}: dims is empty')
        if self.kind != 'vector' and (not self.joints or not self.controller):
            raise ContractError(f'{where}: kind {self.kind!r} needs joints and controller')
        if len(set(self.joints)) != len(self.joints):
            raise ContractError(f'{where}: joints {list(self.joints)} are not unique')
        if self.kind == 'joint_position' and len(self.dims) != len(self.joints):
            raise ContractError(
                f'{where}: {len(self.dims)} dims for {len(self.joints)} joints; they must match'
            )
        if self.kind == 'tool_plane' and (
            len(self.dims) != 2 or not self.frame or not self.tool_frame
        ):
            raise ContractError(f'{where}: tool_plane needs two dims, frame and tool_frame')
        for bound in (self.low, self.high):
            if bound and len(bound) != len(self.dims):
                raise ContractError(f'{where}: low and high need {len(self.dims)} values or none')
        if any(low >= high for low, high in zip(self.low, self.high)):
            raise ContractError(f'{where}: low {self.low} is not below high {self.high}')


@dataclass(frozen=True)
class Contract:
    """Observations, actions and timing of one policy; see the module docstring.

    Attributes:
        dt_s: policy step [s].
        n_obs_steps: To, ticks in an observation window.
        horizon: Tp, predicted steps, the first at the oldest observation.
        n_action_steps: Ta, steps after which the next chunk takes over.
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
    tasks: tuple[str, ...] = field(default=())
    action_offset_s: float = 0.0

    def __post_init__(self) -> None:
        where = f'contract {self.name!r}'
        _positive(self.dt_s, f'{where}: dt_s')
        if self.n_obs_steps < 1 or self.n_action_steps < 1:
            raise ContractError(f'{where}: n_obs_steps and n_action_steps must be >= 1')
        if self.n_obs_steps - 1 + self.n_action_steps > self.horizon:
            raise ContractError(
                f'{where}: n_obs_steps - 1 + n_action_steps = '
                f'{self.n_obs_steps - 1 + self.n_action_steps} exceeds horizon {self.horizon}'
            )
        if not self.observations or not self.actions:
            raise ContractError(f'{where}: observations and actions must not be empty')
        names = [stream.name for stream in self.observations]
        if len(set(names)) != len(names):
            raise ContractError(f'{where}: observation names {names} are not unique')

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
        except yaml.YAMLError as error:
            raise ContractError(f'contract {path} is not valid YAML: {error}') from error
        return cls.from_dict(data, str(path))

    @classmethod
    def from_dict(cls, data: Any, source: str = 'contract') -> Contract:
        """Build a contract from plain data; ``source`` names its origin in errors."""
        data = dict(_mapping(data, source))
        data['observations'] = tuple(
            _build(Stream, item, f'{source}: observation')
            for item in data.get('observations') or ()
        )
        data['actions'] = tuple(
            _build(ActionGroup, item, f'{source}: action') for item in data.get('actions') or ()
        )
        contract = _build(cls, data, source)
        if not isinstance(contract, cls):
            raise ContractError(f'{source} is not a contract')
        return contract

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML; values left at their default are omitted in streams and groups."""
        data = {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        data['observations'] = [_sparse(stream) for stream in self.observations]
        data['actions'] = [_sparse(group) for group in self.actions]
        return data

    def save(self, path: Path | str) -> None:
        """Write the contract as YAML."""
        text = yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None)
        Path(path).write_text(text, encoding='utf-8')

    def require_equal(self, other: Contract, what: str) -> None:
        """Raise ContractError naming the first difference to ``other``, described as ``what``."""
        mine, theirs = self.to_dict(), other.to_dict()
        for key, value in mine.items():
            if value != theirs[key]:
                raise ContractError(
                    f'contract {self.name!r} does not match {what}: '
                    f'{key} is {value}, there it is {theirs[key]}'
                )


def _mapping(data: Any, source: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ContractError(f'{source}: expected a mapping, got {type(data).__name__}')
    return data


def _build(cls: type[Any], data: Any, source: str) -> Any:
    known = {f.name: f for f in dataclasses.fields(cls)}
    data = _mapping(data, source)
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise ContractError(f'{source}: unknown keys {unknown}; valid: {sorted(known)}')
    missing = [
        n
        for n, f in known.items()
        if n not in data
        and f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ContractError(f'{source}: missing keys {missing}')
    return cls(**{key: _frozen(value) for key, value in data.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, (list, tuple)) else value


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _sparse(item: Any) -> dict[str, Any]:
    return {
        f.name: _plain(getattr(item, f.name))
        for f in dataclasses.fields(item)
        if f.default is dataclasses.MISSING or getattr(item, f.name) != f.default
    }


def _one_of(value: str, valid: tuple[str, ...], what: str) -> None:
    if value not in valid:
        raise ContractError(f'{what} is {value!r}, valid: {list(valid)}')


def _positive(value: float, what: str) -> None:
    if not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
        raise ContractError(f'{what} is {value!r}, valid: a positive number')
