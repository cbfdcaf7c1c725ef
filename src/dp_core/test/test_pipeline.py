# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The stages in order, with a small random policy on the UR5e's kinematics."""

from dp_core.clearance import ClearanceSettings
from dp_core.continuation import Continuation
from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import KinematicsError
from dp_core.errors import LimitError
from dp_core.errors import ObservationError
from dp_core.guard import GuardSettings
from dp_core.kinematics import KinematicChain
from dp_core.limits import check_limits
from dp_core.motion import CommandedMotion
from dp_core.normalize import ACTION
from dp_core.normalize import MinMax
from dp_core.normalize import Normalizer
from dp_core.observation import ObservationWindow
from dp_core.pipeline import Pipeline
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
from dp_core.trajectory import TrajectorySettings
import numpy as np
from policy_samples import SMALL
import pytest
from robot_samples import ros2_control_tags
from robot_samples import ur5e
from robot_samples import UR5E_JOINTS
import torch

T_OBS = 1_700_000_000_000_000_000
MS = 1_000_000
SETTINGS = TrajectorySettings()
CONTRACT = Contract.from_dict(
    {
        'name': 'plane',
        'dt_s': 0.1,
        'n_obs_steps': 2,
        'horizon': 16,
        'n_action_steps': 8,
        'action_offset_s': 0.1,
        'observations': [
            {'name': 'tool', 'kind': 'pose', 'topic': 'tool_pose', 'features': ['x', 'y']},
            {'name': 'front', 'kind': 'image', 'topic': 'front', 'size': [24, 24]},
        ],
        'actions': [
            {
                'name': 'arm',
                'kind': 'tool_plane',
                'dims': ['x', 'y'],
                'joints': list(UR5E_JOINTS),
                'controller': 'joint_trajectory_controller',
                'frame': 'base_link',
                'tool_frame': 'tool0',
                'height_m': 0.2,
                'low': [0.44, 0.08],
                'high': [0.56, 0.2],
            }
        ],
    }
)
CHAIN = KinematicChain.from_urdf(ur5e(), 'base_link', 'tool0')
START = np.array([0.0, -1.9, 2.2, -1.87, -np.pi / 2, 0.0])  # near (0.47, 0.13)


def policy(low=(0.45, 0.1), high=(0.47, 0.12), contract=CONTRACT):
    """A policy with random weights whose actions lie between ``low`` and ``high`` [m]."""
    torch.manual_seed(0)
    limits = MinMax(np.array(low, np.float32), np.array(high, np.float32))
    seen = MinMax(np.zeros(2, np.float32), np.ones(2, np.float32))
    normalizer = Normalizer({'tool': seen, ACTION: limits})
    return Policy(contract, SMALL, normalizer, PolicyNetwork(contract, SMALL))


def window(number=0.5):
    return ObservationWindow(
        T_OBS,
        {'tool': np.full((2, 2), number, np.float32)},
        {'front': np.full((2, 24, 24, 3), 100, np.uint8)},
    )


def test_a_window_becomes_a_trajectory():
    pipeline = Pipeline(policy(), ur5e(ros2_control_tags()), seed=1)
    assert pipeline.joint_names == UR5E_JOINTS
    chunk = pipeline.predict(window(), START)
    assert chunk.positions.shape == (15, 6)
    assert chunk.actions.shape == (15, 2)
    assert chunk.times_ns()[0] == T_OBS + 100 * MS
    for action, q in zip(chunk.actions, chunk.positions):
        assert CHAIN.forward(q)[:3, 3] == pytest.approx([*action, 0.2], abs=1e-5)
    motion = CommandedMotion(chunk.positions[0])
    sent = pipeline.connect(chunk, motion, T_OBS + 80 * MS, SETTINGS)
    assert sent.joint_names == UR5E_JOINTS
    assert sent.positions.shape == (len(sent.times_s), 6) == sent.velocities.shape
    assert sent.seam.cut_index == 1  # step 0 lies 20 ms ahead, less than the lead


def test_the_encoder_runs_once_per_chunk_and_the_network_once_per_denoising_step(monkeypatch):
    made = policy()
    calls = {'encoder': 0, 'denoise': 0}

    def counted(name, function):
        def call(*args):
            calls[name] += 1
            return function(*args)

        return call

    network = made.network
    monkeypatch.setattr(network.encoder, 'join', counted('encoder', network.encoder.join))
    monkeypatch.setattr(network.denoiser, 'denoise', counted('denoise', network.denoiser.denoise))
    Pipeline(made, ur5e(), seed=1).predict(window(), START)
    assert calls == {'encoder': 1, 'denoise': made.config.inference_steps}


def test_the_same_seed_gives_the_same_chunk_and_the_next_one_differs():
    first, again = (Pipeline(policy(), ur5e(), seed=3) for _ in range(2))
    chunk = first.predict(window(), START)
    assert np.array_equal(chunk.actions, again.predict(window(), START).actions)
    assert not np.array_equal(chunk.actions, first.predict(window(), START).actions)


def test_under_rtc_a_chunk_goes_on_from_what_was_sent():
    """The steps that are driven anyway are those of the commanded joints, through the FK."""
    pipeline = Pipeline(policy(), ur5e(), seed=1)
    first = pipeline.predict(window(), START)
    rtc = TrajectorySettings(seam='rtc')
    later = ObservationWindow(T_OBS + 800 * MS, window().low_dim, window().images)
    rest = first.positions[2]
    resting = Continuation(rtc, (first,), lambda t: np.tile(rest, (len(t), 1)), T_OBS + 1100 * MS)
    second = pipeline.predict(later, START, 1.0, resting)
    assert second.positions[:3] == pytest.approx(np.tile(rest, (3, 1)), abs=1e-4)
    assert np.abs(second.positions[3:] - rest).max() > 1e-3


def test_speed_scale_stretches_time_and_nothing_else():
    slow, fast = (
        Pipeline(policy(), ur5e(), seed=1).predict(window(), START, scale) for scale in (0.5, 1.0)
    )
    assert np.array_equal(slow.positions, fast.positions)
    assert (slow.step_ns, slow.offset_ns) == (200 * MS, 200 * MS)
    with pytest.raises(ConfigError, match=r'speed_scale is 2.0, valid: \(0, 1\]'):
        Pipeline(policy(), ur5e(), seed=1).predict(window(), START, 2.0)


def test_predictions_are_clamped_to_the_contracts_bounds():
    wild = Pipeline(policy((-3.0, -3.0), (4.0, 4.0)), ur5e(), seed=1)
    actions = wild.predict(window(), START).actions
    assert (actions >= [0.44, 0.08]).all()
    assert (actions <= [0.56, 0.2]).all()
    assert len(np.unique(actions[:, 0])) <= 15


def test_a_jump_that_the_joints_cannot_make_at_once_is_made_inside_the_limits():
    pipeline = Pipeline(policy(), ur5e(), seed=1)
    chunk = pipeline.predict(window(), START)
    elsewhere = chunk.positions[0] + np.array([0.4, 0, 0, 0, 0, 0])
    sent = pipeline.connect(chunk, CommandedMotion(elsewhere), T_OBS + 80 * MS, SETTINGS)
    check_limits(sent, pipeline.guard.limits)
    assert sent.deviation > 0.05  # and it is told


def test_a_jump_beyond_the_largest_step_is_refused():
    pipeline = Pipeline(policy(), ur5e(), seed=1, guard=GuardSettings(max_step=0.3))
    chunk = pipeline.predict(window(), START)
    elsewhere = CommandedMotion(chunk.positions[0] + np.array([0.4, 0, 0, 0, 0, 0]))
    with pytest.raises(
        LimitError, match=r'shoulder_pan_joint would go 0.[34]\d* rad from what is com'
    ):
        pipeline.connect(chunk, elsewhere, T_OBS + 80 * MS, SETTINGS)


def test_a_chunk_that_leads_the_tool_out_of_its_box_is_refused():
    box = ClearanceSettings(workspace_low=(0.0, -1.0, -1.0), workspace_high=(0.4, 1.0, 1.0))
    pipeline = Pipeline(policy(), ur5e(), seed=1, guard=GuardSettings(clearance=box))
    chunk = pipeline.predict(window(), START)
    with pytest.raises(LimitError, match='the way of tool0 to the side x = 0.400 m of its box'):
        pipeline.connect(chunk, CommandedMotion(chunk.positions[0]), T_OBS + 80 * MS, SETTINGS)


def test_targets_out_of_reach_are_refused():
    far = CONTRACT.to_dict()
    far['actions'][0] |= {'low': [1.5, 0.0], 'high': [1.6, 0.1]}
    made = policy((1.5, 0.0), (1.6, 0.1), Contract.from_dict(far))
    with pytest.raises(KinematicsError, match='is out of reach'):
        Pipeline(made, ur5e(), seed=1).predict(window(), START)


def test_a_window_with_nan_never_reaches_the_network():
    with pytest.raises(ObservationError, match="'tool' contains NaN"):
        Pipeline(policy(), ur5e(), seed=1).predict(window(np.nan), START)


def test_a_robot_without_the_contracts_joints_is_refused():
    other = ur5e().replace('elbow_joint', 'knee_joint')
    with pytest.raises(KinematicsError, match="has joints .*'knee_joint'.* asked for .*'elbow_jo"):
        Pipeline(policy(), other)


def test_a_benchmark_policy_moves_no_robot():
    plain = CONTRACT.to_dict()
    plain['actions'] = [{'name': 'agent', 'kind': 'vector', 'dims': ['x', 'y']}]
    made = policy(contract=Contract.from_dict(plain))
    with pytest.raises(ConfigError, match=r"'plane' commands no robot: .*\['agent'\]"):
        Pipeline(made, ur5e())
