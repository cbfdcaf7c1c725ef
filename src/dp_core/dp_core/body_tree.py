# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Forward kinematics of the whole robot; links that are fixed to each other are one body."""

from __future__ import annotations

from collections.abc import Sequence

from dp_core.errors import KinematicsError
from dp_core.joint_motions import JointMotions
from dp_core.urdf import Array
from dp_core.urdf import read_tree
import numpy as np


class BodyTree:
    """Bodies 0 .. B-1 of a robot; body 0 is what stands fixed in the frame of the root link.

    Attributes:
        root: name of the root link.
        joints: all joints of the robot, parents before children.
        parents: (B,) body that each one moves on; -1 of body 0.
        links: where each link is: its body and its pose (4, 4) in that body.
        below: links that hang on each link by any joint, and itself.
        movers: link that each commanded joint moves, in the order of q.
    """

    def __init__(self, urdf: str, joints: Sequence[str]):
        """Read the robot from URDF text; ``joints`` are the commanded ones, in the order of q.

        Raises:
            KinematicsError: malformed URDF, or a joint the robot does not have.
        """
        self.root, self.joints = read_tree(urdf, joints)
        self.links: dict[str, tuple[int, Array]] = {self.root: (0, np.eye(4))}
        self.below: dict[str, set[str]] = {self.root: {self.root}}
        self.movers = [''] * len(joints)
        self.parents, moving, before = [-1], [], []
        for item in self.joints:
            body, pose = self.links[item.parent]
            pose = pose @ item.joint.origin
            if item.joint.index >= 0:
                moving.append(item)
                before.append(pose)
                self.parents.append(body)
                body, pose = len(moving), np.eye(4)
                if item.joint.name == joints[item.joint.index]:  # else it mimics that one
                    self.movers[item.joint.index] = item.child
            elif item.offset:  # nobody commands it
                resting = JointMotions([item.joint], [pose]).at(np.full((1, 1), item.offset))
                pose = resting[0, 0]
            self.links[item.child] = body, pose
            self.below[item.child] = set()
            for links in self.below.values():
                if item.parent in links or links is self.below[item.child]:
                    links.add(item.child)
        self._motions = JointMotions([item.joint for item in moving], before)
        self._index = np.array([item.joint.index for item in moving], dtype=np.intp)
        self._factor = np.array([item.factor for item in moving])
        self._offset = np.array([item.offset for item in moving])

    def find(self, link: str) -> tuple[int, Array]:
        """Body and pose (4, 4) of a link; raises KinematicsError where the robot has none."""
        if link not in self.links:
            raise KinematicsError(f'the robot has no link {link!r}; it has {sorted(self.links)}')
        return self.links[link]

    def frames(self, q: Array) -> Array:
        """Poses of all bodies in the root link (T, B, 4, 4) at joint positions ``q`` (T, J)."""
        motions = self._motions.at(q[:, self._index] * self._factor + self._offset)
        frames = np.empty((len(q), len(self.parents), 4, 4))
        frames[:, 0] = np.eye(4)
        for body in range(1, len(self.parents)):
            frames[:, body] = frames[:, self.parents[body]] @ motions[:, body - 1]
        return frames
