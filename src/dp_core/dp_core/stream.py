# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""One observation stream of a contract: its topic, and the numbers or pictures taken from it."""

from __future__ import annotations

from dataclasses import dataclass
import re

from dp_core.errors import ContractError
from dp_core.schema import require_default
from dp_core.schema import require_finite
from dp_core.schema import require_one_of
from dp_core.schema import require_positive
from dp_core.schema import require_unique

# kind -> the fields that say what is taken from its messages; the others would be ignored
_OWN_FIELDS = {
    'joint_state': ('joints',),
    'pose': ('features', 'points'),
    'image': ('size', 'depth_m'),
    'wrench': (),
    'vector': ('length',),
}
STREAM_KINDS = tuple(_OWN_FIELDS)
# feature of a pose -> how many numbers it stands for; 'points' depends on the stream
POSE_FEATURES = {'x': 1, 'y': 1, 'z': 1, 'rotation_6d': 6, 'cos_yaw': 1, 'sin_yaw': 1, 'points': 0}


@dataclass(frozen=True)
class Stream:
    """One observation stream.

    Attributes:
        name: key of the stream in windows and datasets; letters, digits and underscores.
        kind: ``joint_state`` (sensor_msgs/JointState), ``pose`` (geometry_msgs/PoseStamped),
            ``image`` (sensor_msgs/Image or CompressedImage), ``wrench``
            (geometry_msgs/WrenchStamped: force x, y, z [N], torque x, y, z [N m]) or ``vector``
            (no ROS message).
        topic: where it is published; empty for ``vector``.
        joints: ``joint_state``: names, in the order of the features [rad].
        features: ``pose``: which numbers, of POSE_FEATURES. ``rotation_6d`` stands for the first
            two rows of the rotation matrix (no jumps, unlike a quaternion), ``points`` for the
            x, y of every body-fixed point of ``points`` in the stream's frame [m].
        points: ``pose``: body-fixed points (x, y) [m] of a planar body.
        size: ``image``: height and width [pixel] that the policy sees.
        depth_m: ``image``: nearest and farthest depth [m] that the policy tells apart; empty for
            a camera of colours.
        length: ``vector``: number of values.
        samples: numbers of how many instants stand for a tick, oldest first; the last is the
            tick itself. More than 1 for a stream whose changes between ticks matter, such as a
            wrench; the policy then reads them as a sequence in time.
        sample_dt_s: time between two of them [s].
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
    depth_m: tuple[float, ...] = ()
    length: int = 0
    samples: int = 1
    sample_dt_s: float = 0.0
    frame: str = ''
    max_age_s: float = 0.2
    latency_s: float = 0.0

    def __post_init__(self) -> None:
        where = f'observation {self.name!r}'
        if not re.fullmatch(r'[A-Za-z_]\w*', self.name, re.ASCII) or self.name == 'action':
            raise ContractError(
                f"{where}: valid names are letters, digits and underscores, and not 'action'"
            )
        require_one_of(self.kind, STREAM_KINDS, f'{where}: kind')
        foreign = [n for kind, own in _OWN_FIELDS.items() if kind != self.kind for n in own]
        require_default(self, foreign, f'{where}: kind {self.kind!r}')
        if self.kind != 'vector' and not self.topic:
            raise ContractError(f'{where}: a stream of kind {self.kind!r} needs a topic')
        require_positive(self.max_age_s, f'{where}: max_age_s')
        require_finite(self.latency_s, f'{where}: latency_s')
        for feature in self.features:
            require_one_of(feature, tuple(POSE_FEATURES), f'{where}: features')
        require_unique(self.features, f'{where}: features')
        if ('points' in self.features) != bool(self.points):
            raise ContractError(f"{where}: 'points' must be both a feature and a list, or neither")
        for value in (v for point in self.points for v in point):
            require_finite(value, f'{where}: points')
        if self.kind == 'image' and min(self.size) < 8:
            raise ContractError(
                f'{where}: size is {list(self.size)}, valid: [height, width] >= 8 pixel'
            )
        if self.depth_m and not (
            len(self.depth_m) == 2 and 0 <= self.depth_m[0] < self.depth_m[1] < float('inf')
        ):
            raise ContractError(
                f'{where}: depth_m is {list(self.depth_m)}, valid: [near, far] with '
                '0 <= near < far, or none'
            )
        if self.kind != 'image' and self.channels < 1:
            raise ContractError(f'{where}: has no values; give joints, features or length')
        require_unique(self.joints, f'{where}: joints')
        if self.samples < 1 or not (self.samples == 1 or self.kind != 'image'):
            raise ContractError(
                f'{where}: samples is {self.samples}, valid: 1 or more, and 1 for images'
            )
        if (self.samples > 1) != (0.0 < self.sample_dt_s < float('inf')):
            raise ContractError(
                f'{where}: sample_dt_s is {self.sample_dt_s} with samples {self.samples}, valid: '
                'positive with several samples, and left out with one'
            )

    @property
    def dim(self) -> int:
        """Number of values per tick of a low-dimensional stream; 0 for images."""
        return self.samples * self.channels

    @property
    def channels(self) -> int:
        """Number of values per sample of a low-dimensional stream; 0 for images."""
        if self.kind == 'wrench':
            return 6
        if self.kind == 'joint_state':
            return len(self.joints)
        if self.kind == 'pose':
            return sum(POSE_FEATURES[f] for f in self.features) + 2 * len(self.points)
        return self.length

    def sample_times_ns(self, tick_ns: int) -> list[int]:
        """Times that stand for a tick [ns], oldest first; the tick is the last."""
        step_ns = round(self.sample_dt_s * 1e9)
        return [tick_ns - k * step_ns for k in reversed(range(self.samples))]
