# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Recording demonstrations."""

from pathlib import Path

from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.replay_buffer import load_dataset
from dp_sim import scene
from dp_sim.demonstrate import main
from dp_sim.demonstration import demonstrate
from dp_sim.demonstration import Disturbance
from dp_sim.demonstration import draw_start
from dp_sim.demonstration import Style
from dp_sim.rendering import RenderError
from dp_sim.scripted_operator import Operator
from dp_sim.simulation import Simulation
import numpy as np
import pytest

CONTRACT = Path(__file__).parents[2] / 'dp_bringup/config/ur5e_pusht/contract_state.yaml'


def test_contract_carries_the_outline_of_the_scene():
    points = Contract.load(CONTRACT).stream('block').points
    np.testing.assert_allclose(points, scene.BLOCK_CORNERS, atol=1e-8)


def test_command_writes_a_dataset_that_training_reads(tmp_path, capsys):
    arguments = [
        '--contract',
        str(CONTRACT),
        '--output',
        str(tmp_path / 'demos'),
        '--episodes',
        '1',
        '--plain',
        '1',
        '--seed',
        '3',
    ]
    assert main(arguments) == 0
    contract, buffer = load_dataset(tmp_path / 'demos')
    assert contract.name == 'ur5e_pusht_state'
    assert len(buffer.episode_ends) == 1
    assert not buffer.no_end_pad[0]
    last = buffer.data['block'][-1].reshape(8, 2)
    middle = scene.block_corners(scene.GOAL_POSE)
    assert np.abs(last - middle).max() < 0.03
    assert scene.in_end_zone(buffer.data['tool'][-1])
    assert np.abs(np.diff(buffer.data['action'][-4:], axis=0)).max() < 1e-6  # at rest
    assert main(arguments) == 1  # it is there already
    assert 'exists already' in capsys.readouterr().err


def test_bursts_cut_segments_and_actions_stay_clean():
    simulation, operator = Simulation(), Operator(np.random.default_rng(0))
    segments = demonstrate(
        simulation,
        operator,
        np.random.default_rng(11),
        Style(wide=1.0, near=0.0, burst_every_s=6.0),
    )
    assert len(segments) > 1
    assert all(segment.cut for segment in segments[:-1])
    assert not segments[-1].cut
    steps = np.concatenate(
        [
            np.linalg.norm(np.diff(segment.action, axis=0), axis=1)
            for segment in segments
            if len(segment) > 1
        ]
    )
    # Travel speed x 0.1 s, but where a new plan starts from a tool that the noise has moved.
    assert (steps > 0.0151).mean() < 0.05


def test_noise_has_the_size_it_says():
    disturb = Disturbance(np.random.default_rng(0), 0.003)
    noise = np.array([disturb(np.zeros(2)) for _ in range(4000)])
    assert noise.std() == pytest.approx(0.003, rel=0.1)
    assert np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1] == pytest.approx(0.8, abs=0.05)


def test_starts_leave_room_for_the_pusher():
    rng = np.random.default_rng(0)
    for _ in range(200):
        start = draw_start(rng, Style())
        assert scene.clearance(start.block, start.tool) > 0.0


def test_shares_beyond_one_are_refused():
    with pytest.raises(ConfigError, match='wide 0.9 and near 0.2'):
        Style(wide=0.9, near=0.2)


def test_dataset_can_be_rendered_for_another_contract(tmp_path):
    arguments = ['--contract', str(CONTRACT), '--episodes', '1', '--plain', '1', '--seed', '3']
    assert main([*arguments, '--output', str(tmp_path / 'state')]) == 0
    camera = ['--contract', str(CONTRACT.with_name('contract_camera.yaml'))]
    render = ['--render', str(tmp_path / 'state'), '--output', str(tmp_path / 'camera')]
    status = main([*camera, *render])
    try:
        Simulation().render('front', 96, 96)
    except RenderError as error:
        assert status == 1
        pytest.skip(str(error))
    assert status == 0
    _, state = load_dataset(tmp_path / 'state')
    _, pictures = load_dataset(tmp_path / 'camera')
    np.testing.assert_array_equal(state.data['action'], pictures.data['action'])
    assert pictures.data['wrist'].shape == (len(state), 96, 96, 3)
    assert np.abs(np.diff(pictures.data['front'].astype(int), axis=0)).max() > 50
