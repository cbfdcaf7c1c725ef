# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Paths that a person names -> bags and datasets, and their episodes."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
import dataclasses
from pathlib import Path
from xml.etree import ElementTree

from dp_core.contract import Contract
from dp_core.errors import DatasetError
from dp_core.errors import KinematicsError
from dp_core.urdf import joint_limits
from dp_core.urdf import MOVING
from dp_data_tools.bag_files import find_bags
from dp_data_tools.bag_files import names_of
from dp_data_tools.dataset_folder import is_dataset
from dp_data_tools.quality.dataset import open_dataset
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import RADIAN
from dp_data_tools.quality.episode import Track
from dp_data_tools.quality.pairs import agreed
from dp_data_tools.quality.scan import scan_episodes
import numpy as np


def tell_apart(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Bags and datasets of the paths given; a folder of bags stands for its bags.

    Raises:
        DatasetError: a path is neither.
    """
    if missing := [str(path) for path in paths if not path.exists()]:
        raise DatasetError(f'{missing} do not exist; valid: bags, folders of bags, datasets')
    datasets = [path for path in paths if is_dataset(path)]
    return find_bags([path for path in paths if path not in datasets]), datasets


def read_bags(
    bags: Sequence[Path],
    commands: Sequence[str],
    on_read: Callable[[], object],
    markers: Sequence[str] = (),
    contract: Contract | None = None,
) -> list[Episode]:
    """Read bags, one episode each unless there are ``markers``; see `scan_episodes`.

    One that cannot be opened becomes an episode of damage.
    """
    episodes = []
    for path, name in names_of(bags).items():
        try:
            found = scan_episodes(path, commands, markers, contract)
        except DatasetError as error:
            found = [Episode(str(path), 0, name, 0.0, damage=str(error))]
        episodes += [dataclasses.replace(episode, bag=name) for episode in found]
        on_read()
    return agreed(episodes)


def read_dataset(path: Path, on_read: Callable[[], object]) -> list[Episode]:
    """Read all episodes of a dataset; of the pictures, only what is known of them is kept."""
    episodes = []
    with open_dataset(path) as folder:
        for index in range(len(folder.ends)):
            episodes.append(folder.episode(index))
            on_read()
    return agreed(episodes)


def read_urdf(path: Path) -> str:
    """Read a robot description.

    Raises:
        DatasetError: it cannot be read, is none, or has limits that are no numbers.
    """
    try:
        urdf = path.read_text(encoding='utf-8')
        joint_limits(urdf, ())
        joint_limits(urdf, sorted(_movers_of(urdf)))  # now, not after all bags are read
    except OSError as error:
        raise DatasetError(f'cannot read {path}: {error.strerror}') from error
    except (UnicodeDecodeError, KinematicsError) as error:
        raise DatasetError(f'{path}: {error}') from error
    return urdf


def require_joints(episodes: Sequence[Episode], urdf: str) -> None:
    """Raise DatasetError where episodes have joints, and the robot has limits of none of them."""
    tracks = [track for episode in episodes for track in episode.tracks if track.unit == RADIAN]
    asked = {joint for track in tracks for joint in track.dims}
    if asked and not asked & _joints_of(urdf):
        raise DatasetError(
            f'the robot has none of the joints {sorted(asked)}; it has '
            f'{sorted(_joints_of(urdf))}: give the URDF that xacro makes, with the prefix of the '
            'joints that were recorded'
        )
    if asked and not asked & _movers_of(urdf):
        raise DatasetError(
            f'none of the joints {sorted(asked & _joints_of(urdf))} of the robot has limits: they '
            'are fixed, or without <limit>'
        )


def with_limits(episode: Episode, urdf: str) -> Episode:
    """The episode with the limits of the robot on all joints that the robot has and can move.

    Raises:
        KinematicsError: the robot description is malformed at such a joint.
    """
    return dataclasses.replace(
        episode,
        states=tuple(_limited(track, urdf) for track in episode.states),
        actions=tuple(_limited(track, urdf) for track in episode.actions),
    )


def _limited(track: Track, urdf: str) -> Track:
    if track.unit != RADIAN:
        return track
    known = _movers_of(urdf)  # not a gripper that the robot's description lacks, or has as fixed
    rows = [k for k, joint in enumerate(track.dims) if joint in known]
    limits = joint_limits(urdf, [track.dims[k] for k in rows])
    low, high, velocity = track.low.copy(), track.high.copy(), track.velocity.copy()
    low[rows] = np.maximum(low[rows], limits.lower)
    high[rows] = np.minimum(high[rows], limits.upper)
    velocity[rows] = limits.velocity
    return dataclasses.replace(track, low=low, high=high, velocity=velocity)


def _movers_of(urdf: str) -> set[str]:
    """Joints whose limits can be told; one that turns for ever may say nothing of them."""
    return {
        joint.get('name', '')
        for joint in ElementTree.fromstring(urdf).findall('joint')
        if joint.get('name')
        and joint.get('type') in MOVING
        and (joint.get('type') == 'continuous' or joint.find('limit') is not None)
    }


def _joints_of(urdf: str) -> set[str]:
    return {joint.get('name', '') for joint in ElementTree.fromstring(urdf).findall('joint')}
