# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.errors import ConfigError
from dp_core.evaluation.episode import env_spec
from dp_core.evaluation.episode import Episode
from dp_core.evaluation.pusht_views import block_poses
from dp_core.evaluation.pusht_views import of_view
from dp_core.evaluation.pusht_views import Painter
from dp_core.evaluation.pusht_views import write_view
from dp_core.replay_buffer import load_dataset
from dp_core.replay_buffer import ReplayBuffer
import numpy as np
import pytest

gym_pusht = pytest.importorskip('gym_pusht')
gymnasium = pytest.importorskip('gymnasium')
ID = 'gym_pusht/PushT-v0'


@pytest.fixture(scope='module')
def frames():
    """Corners, agent, state and picture of the same moments of a random episode."""
    kinds = ('environment_state_agent_pos', 'state', 'pixels')
    envs = [gymnasium.make(ID, obs_type=k, render_mode='rgb_array') for k in kinds]
    seen = [[env.reset(seed=5)[0]] for env in envs]
    rng = np.random.default_rng(0)
    for _ in range(12):
        action = rng.uniform(100, 400, 2).astype(np.float32)
        for env, history in zip(envs, seen):
            history.append(env.step(action)[0])
    corners = np.stack([frame['environment_state'] for frame in seen[0]])
    agents = np.stack([frame['agent_pos'] for frame in seen[0]])
    return corners, agents, np.stack(seen[1]), np.stack(seen[2])


def test_the_pose_follows_from_the_corners(frames):
    corners, _, states, _ = frames
    poses = block_poses(corners.reshape(-1, 8, 2))
    np.testing.assert_allclose(poses[:, :2], states[:, 2:4], atol=1e-6)
    np.testing.assert_allclose(np.cos(poses[:, 2] - states[:, 4]), 1.0, atol=1e-9)
    with pytest.raises(ConfigError, match='miss the shape of the T by'):
        block_poses(1.1 * corners.reshape(-1, 8, 2))


def test_pictures_are_those_that_the_scene_shows(frames):
    corners, agents, _, pictures = frames
    painted = np.stack(list(Painter().paint(agents, block_poses(corners.reshape(-1, 8, 2)))))
    assert painted.shape == (13, 96, 96, 3)
    assert np.array_equal(painted, pictures)


@pytest.mark.parametrize(
    ('view', 'streams'), [('state', ['state']), ('image', ['pixels', 'agent_pos'])]
)
def test_a_view_fits_the_scene_that_a_policy_of_it_is_scored_in(view, streams):
    from dp_core.evaluation.claims.pusht_data import demonstrations

    contract, buffer = demonstrations()
    few = {name: values[:49] for name, values in buffer.data.items()}
    seen, made = of_view(view, contract, ReplayBuffer(few, np.array([49]), np.zeros(1, np.bool_)))
    assert [s.name for s in seen.observations] == streams
    made.require_contract(seen)
    window = Episode(env_spec(ID, contract=seen), seen).reset(3).window
    for stream in seen.observations:
        shown = {**window.low_dim, **window.images}[stream.name]
        assert shown.shape[1:] == made.data[stream.name].shape[1:]


def test_a_view_is_written_as_a_dataset(tmp_path):
    assert write_view('state', tmp_path / 'state') == 25_650
    contract, buffer = load_dataset(tmp_path / 'state')
    assert (contract.name, contract.horizon) == ('pusht_state', 16)
    assert len(buffer.episode_ends) == 206
    with pytest.raises(ConfigError, match="view is 'depth', valid"):
        write_view('depth', tmp_path / 'depth')
