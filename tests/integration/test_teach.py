# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The whole way, short: demonstrate over ROS, record, check, convert, train, run, compare.

`make teach-ur5e` is the same script with two hundred demonstrations.
"""

import json
import os
from pathlib import Path
import subprocess

from dp_core.checkpoint import load_policy
from dp_core.contract import Contract
from dp_core.replay_buffer import load_dataset
from dp_data_tools.recording.bag_metadata import read_metadata
import numpy as np
import pytest
import yaml

pytest.importorskip('rclpy')
pytest.importorskip('dp_msgs.msg')

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / 'src/dp_bringup/config/ur5e_pusht/contract_state.yaml'
SHORT = {
    'EPISODES': '2',
    'BURST_EVERY': '4',  # so there are whole bags long before an episode is solved
    'TIME_LIMIT': '30',
    'CAMERA_RATE': '15',
    'TRAIN_OPTIONS': '--steps 20 --no-compile --batch-size 16 --down-dims 32 64',
    'SEEDS': '400000:400001',
    'TRIALS': '1',
    'TRIAL_S': '4',
}
GAPS = ('has a gap', 'has no picture for')  # how a conversion tells them
pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(600)]


def teach(folder):
    """Run the script as `make teach-ur5e` does; return what it said."""
    answer = subprocess.run(
        [ROOT / 'tools/teach_ur5e.sh', str(folder)],
        cwd=ROOT,
        env={**os.environ, **SHORT},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope='module')
def taught(tmp_path_factory):
    """Teach once; all tests look at what came of it."""
    folder = tmp_path_factory.mktemp('teach')
    teach(folder)
    return folder


def test_bags_hold_commands_poses_and_both_cameras(taught):
    bags = sorted((taught / 'demos').glob('*/episode_*'))
    assert bags
    counts = {
        each['topic_metadata']['name']: each['message_count']
        for each in read_metadata(bags[0])['topics_with_message_count']
    }
    assert counts['/tool_target'] >= 20
    assert counts['/block_pose'] > 5 * counts['/tool_target']
    for camera in ('/front_camera/image_raw', '/wrist_camera/image_raw'):
        assert counts[camera] > counts['/tool_target']


def test_the_arm_is_where_it_was_sent(taught):
    _, buffer = load_dataset(taught / 'state')
    tool, action = buffer.data['tool'], buffer.data['action']
    ends = buffer.episode_ends
    for begin, end in zip([0, *ends[:-1]], ends):
        # 0.1 s after it was sent there, but for the disturbance and the load of pushing.
        off = np.linalg.norm(tool[begin + 2 : end] - action[begin + 1 : end - 1], axis=1)
        assert np.median(off) < 0.012


def test_both_contracts_are_served_by_the_same_bags(taught):
    _, camera = load_dataset(taught / 'camera')
    assert camera.data['front'].shape[1:] == camera.data['wrist'].shape[1:] == (96, 96, 3)
    (state, state_gaps), (camera, camera_gaps) = (
        conversion(taught / kind) for kind in ('state', 'camera')
    )
    # A machine that stands still for 0.3 s leaves gaps; it is said which bags were lost to them.
    assert state.keys() | state_gaps == camera.keys() | camera_gaps
    both = state.keys() & camera.keys()
    assert both
    # Rows lie on a grid without cameras and on pictures with them: the ends may differ.
    assert max(abs(state[bag] - camera[bag]) for bag in both) <= 2


def conversion(dataset):
    """Return how many rows each bag became, and the bags that had gaps."""
    episodes = yaml.safe_load((dataset / 'episodes.yaml').read_text())
    failures = yaml.safe_load((dataset / 'conversion.yaml').read_text())['failures']
    gaps = {each['bag'] for each in failures if any(w in each['reason'] for w in GAPS)}
    return {each['bag']: each['frames'] for each in episodes}, gaps


def test_there_is_a_report_for_a_person(taught):
    assert '<html' in (taught / 'report.html').read_text()[:200]


def test_the_policy_ran_on_the_starts_of_the_shipped_one(taught):
    assert load_policy(taught / 'policy').contract == Contract.load(CONTRACT)
    compared = json.loads((taught / 'compared.json').read_text())
    assert compared['runs'] == {'new': 'policy', 'old': 'ur5e_pusht_state'}
    assert compared['new']['seeds'] == compared['old']['seeds'] == [700000]
    assert compared['difference']['mean'] == pytest.approx(
        compared['new']['score_mean'] - compared['old']['score_mean'], abs=2e-6
    )  # scores are written with six digits


def test_what_is_finished_is_not_done_again(taught):
    files = [path for path in taught.rglob('*') if path.is_file() and path.suffix != '.json']
    before = {path: path.stat().st_mtime_ns for path in files}
    said = teach(taught)
    assert 'starts ->' not in said
    assert {path: path.stat().st_mtime_ns for path in files} == before
