# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The human Push-T demonstrations as another policy would have seen them: state, or pictures.

What is shipped are the corners of the T. Its pose follows from them, and gym-pusht draws the
pictures, so that a policy is trained on what it will see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
import importlib
from pathlib import Path
from typing import Any

from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.evaluation.claims.pusht_data import demonstrations
from dp_core.replay_buffer import ReplayBuffer
from dp_core.replay_buffer import save_dataset
import gymnasium
import numpy as np
from numpy.typing import NDArray

VIEWS = ('state', 'image')
HORIZON = 16  # of the shipped contract
SIDE = 96  # of a picture [px], as in the paper
_TOLERANCE = 0.05  # by which the corners of a pose may miss the recorded ones [px]


def write_view(view: str, folder: Path) -> int:
    """Write the demonstrations of a view of VIEWS as a dataset folder; return the frames."""
    if view not in VIEWS:
        raise ConfigError(f'view is {view!r}, valid: {VIEWS}')
    contract, buffer = demonstrations()
    contract, buffer = of_view(view, replace(contract, horizon=HORIZON), buffer)
    save_dataset(folder, contract, buffer)
    return len(buffer)


def of_view(view: str, contract: Contract, buffer: ReplayBuffer) -> tuple[Contract, ReplayBuffer]:
    """Return contract and demonstrations of a view."""
    corners, agents = buffer.data['environment_state'], buffer.data['agent_pos']
    poses = block_poses(corners.reshape(-1, 8, 2))
    streams: list[dict[str, Any]]
    data: dict[str, NDArray[Any]] = {'action': buffer.data['action']}
    if view == 'state':
        streams = [{'name': 'state', 'kind': 'vector', 'length': 5}]
        poses[:, 2] %= 2 * np.pi  # as the scene tells it
        data['state'] = np.concatenate([agents, poses], axis=1).astype(np.float32)
    else:
        camera = {'name': 'pixels', 'kind': 'image', 'topic': 'pixels', 'size': [SIDE, SIDE]}
        streams = [camera, {'name': 'agent_pos', 'kind': 'vector', 'length': 2}]
        data['pixels'] = np.stack(list(Painter().paint(agents.astype(np.float64), poses)))
        data['agent_pos'] = agents
    plain: Mapping[str, Any] = contract.to_dict()
    seen = Contract.from_dict({**plain, 'name': f'pusht_{view}', 'observations': streams})
    return seen, ReplayBuffer(data, buffer.episode_ends, buffer.no_end_pad)


def _scene() -> Any:
    importlib.import_module('gym_pusht')  # registers the scene
    scene = gymnasium.make('gym_pusht/PushT-v0', obs_type='pixels', render_mode='rgb_array')
    scene.reset(seed=0)
    return scene.unwrapped


def put_block(scene: Any, x: float, y: float, angle: float) -> None:
    """Put the T at x, y [px], angle [rad]; turning it moves it, so the place comes last."""
    scene.block.angle = float(angle)
    scene.block.position = float(x), float(y)


def block_poses(corners: NDArray[Any]) -> NDArray[np.float64]:
    """Return the poses x, y [px], angle [rad] (T, 3) of a T with these corners (T, 8, 2).

    Raises:
        ConfigError: they are not the corners of gym-pusht's T.
    """
    scene = _scene()
    put_block(scene, 0.0, 0.0, 0.0)
    local = np.asarray(scene.get_keypoints(scene._block_shapes))  # (8, 2)
    centre, middle = local.mean(axis=0), corners.mean(axis=1)
    arms, seen = local - centre, corners - middle[:, None]  # (8, 2), (T, 8, 2)
    cross = (arms[:, 0] * seen[..., 1] - arms[:, 1] * seen[..., 0]).sum(axis=1)
    angles = np.arctan2(cross, (arms * seen).sum(axis=(1, 2)))  # least squares
    cos, sin = np.cos(angles), np.sin(angles)
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], axis=1)  # (T, 2, 2)
    error = np.abs(arms @ turn - seen).max()
    if error > _TOLERANCE:
        raise ConfigError(f'corners miss the shape of the T by {error:.2f} px')
    return np.concatenate([middle - centre @ turn, angles[:, None]], axis=1)


class Painter:
    """Draws frames as gym-pusht shows them to a policy."""

    def __init__(self) -> None:
        """Make a scene."""
        self._scene = _scene()

    def paint(self, agents: NDArray[np.float64], poses: NDArray[np.float64]) -> Any:
        """Yield a picture (96, 96, 3) RGB for each agent (T, 2) and pose (T, 3)."""
        scene = self._scene
        for agent, (x, y, angle) in zip(agents, poses, strict=True):
            scene.agent.position = agent.tolist()
            put_block(scene, x, y, angle)
            for body in (scene.agent, scene.block):
                scene.space.reindex_shapes_for_body(body)
            yield np.asarray(scene.get_obs(), np.uint8)
