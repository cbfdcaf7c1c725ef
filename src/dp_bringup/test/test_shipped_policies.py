# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
from pathlib import Path

from dp_bringup.motion_bench.episodes import drive_episode
from dp_bringup.motion_bench.world import Timing
from dp_core.checkpoint import load_policy
from dp_core.checkpoint import load_provenance
from dp_core.clearance import Clearance
from dp_core.clearance import ClearanceSettings
from dp_core.evaluation.episode import env_spec
from dp_core.evaluation.rollout import Protocol
from dp_core.evaluation.rollout import roll_out
from dp_core.evaluation.stepper import LocalStepper
from dp_sim.assets import URDF_PATH
from dp_sim.simulation import HOME
import numpy as np
import pytest

POLICIES = Path(__file__).parents[1] / 'policies'
SHIPPED = sorted(path.parent for path in POLICIES.glob('*/policy.yaml'))


@pytest.mark.parametrize('folder', SHIPPED, ids=lambda folder: folder.name)
def test_shipped_policy_loads_is_small_and_says_where_it_comes_from(folder):
    policy = load_policy(folder)
    assert (folder / 'weights.safetensors').stat().st_size <= 12e6
    assert load_provenance(folder)['steps'] > 0
    assert policy.contract.name in folder.name or policy.contract.name == 'pusht'


@pytest.mark.parametrize('folder', SHIPPED, ids=lambda folder: folder.name)
def test_shipped_result_is_of_the_shipped_weights(folder):
    result = json.loads((folder / 'eval.json').read_text(encoding='utf-8'))
    weights = (folder / 'weights.safetensors').read_bytes()
    assert result['weights_sha256'] == hashlib.sha256(weights).hexdigest()
    assert result['score_mean'] == pytest.approx(np.mean(result['scores']))


def test_push_t_policy_reaches_the_promised_score():
    result = json.loads((POLICIES / 'pusht_state' / 'eval.json').read_text(encoding='utf-8'))
    assert result['seeds'] == list(range(100_000, 100_200))
    assert result['protocol']['max_steps'] == 300
    assert result['protocol']['inference_steps'] == 10
    assert result['score_mean'] >= 0.93


@pytest.mark.filterwarnings('ignore::UserWarning')
def test_push_t_episodes_repeat_as_in_the_result_file():
    pytest.importorskip('gym_pusht')
    folder = POLICIES / 'pusht_state'
    result = json.loads((folder / 'eval.json').read_text(encoding='utf-8'))
    policy = load_policy(folder)
    stepper = LocalStepper(env_spec('gym_pusht/PushT-v0'), policy.contract)
    episodes, _ = roll_out(policy, stepper, range(100_000, 100_006), Protocol(8))
    stepper.close()
    scores = [episode.score for episode in episodes]
    # Rounding differs between processors and batch sizes, so single scores may differ too.
    assert np.mean(scores) == pytest.approx(np.mean(result['scores'][:6]), abs=0.15)


@pytest.mark.parametrize('seam', ['replace', 'fade'])
def test_motions_of_the_ur5e_policy_keep_every_limit_and_distance(seam):
    policy = load_policy(POLICIES / 'ur5e_pusht_state')
    recording = drive_episode(policy, seam, 7, Timing(delay_s=0.1, limit_s=4.0))
    assert recording.fault == ''
    assert recording.accepted >= 4


def test_the_pusher_is_as_high_above_the_table_as_it_was_taught():
    contract = load_policy(POLICIES / 'ur5e_pusht_state').contract
    clearance = Clearance(
        URDF_PATH.read_text(encoding='utf-8'), contract.actions, ClearanceSettings()
    )
    ways = dict(zip(clearance.whats, clearance.measure(np.array([HOME]))[0]))
    assert ways['the height of pusher_link above the table'] == pytest.approx(0.015, abs=1e-4)
    assert ways['the way of pusher_tip to the side x = 0.320 m of its box in world'] > 0.0
    assert min(ways.values()) > 0.01
    # Only shapes that cannot move apart; there is a shape for every link.
    (note,) = clearance.notes
    assert note.count('the distance between') == 3
