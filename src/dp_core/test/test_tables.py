# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json

from dp_core.errors import ConfigError
from dp_core.evaluation.cli import main
from dp_core.evaluation.paper import ROWS
from dp_core.evaluation.tables import NOT_YET
from dp_core.evaluation.tables import read_results
from dp_core.evaluation.tables import table
import pytest

KIND = {
    'env': 'gym_pusht/PushT-v0', 'images': False, 'denoiser': 'unet', 'image_encoder': '',
    'disturbances': [], 'streams': ['environment_state', 'agent_pos'],
}  # fmt: skip
WEIGHTS = [{'weights_sha256': 'a'}, {'weights_sha256': 'b'}]
RUN = {**KIND, 'best': 0.96, 'last_mean': 0.9, 'last_count': 10, 'checkpoints': WEIGHTS}
SINGLE = {
    **KIND, 'scores': [1.0, 0.5], 'score_mean': 0.75, 'score_ci95': [0.5, 1.0], 'episodes': 2,
    'success_rate': 0.5, 'policy_call_ms': {'p50': 12.3},
    'videos': {'best': {'file': 'v/best.mp4'}}, 'weights_sha256': 'b',
}  # fmt: skip


def write(path, result):
    path.write_text(json.dumps(result), encoding='utf-8')
    return path


def test_rows_of_the_paper_stand_there_measured_or_not(tmp_path):
    lines = table([], tmp_path)
    assert len(lines) == len(ROWS)
    assert all(line[3] == NOT_YET for line in lines)
    papers = [line[2] for line in lines if line[2]]
    assert papers == ['0.95 / 0.91', '0.95 / 0.79', '0.91 / 0.84', '0.78 / 0.66']


def test_results_find_their_row_and_others_get_one(tmp_path):
    odd = {**SINGLE, 'env': 'line_world/Line-v0'}
    files = [write(tmp_path / f'{n}.json', r) for n, r in enumerate((RUN, SINGLE, odd))]
    lines = table(read_results(files), tmp_path)
    assert lines[0][2:] == [
        '0.95 / 0.91', '0.960 / 0.900', '0.750 (0.500 .. 1.000)', '50 %', '2', '12 ms',
        '[best](v/best.mp4)', '0.json, 1.json',
    ]  # fmt: skip
    assert lines[1][3] == NOT_YET
    assert lines[-1][0] == 'line_world/Line-v0: environment_state, agent_pos'


@pytest.mark.parametrize('encoder', ['conv', 'dilated'])
def test_both_small_encoders_stand_in_their_row(tmp_path, encoder):
    kind = {'streams': ['agent_pos', 'pixels'], 'images': True, 'image_encoder': encoder}
    lines = table(read_results([write(tmp_path / 'a.json', {**SINGLE, **kind})]), tmp_path)
    measured = [line[:2] for line in lines if line[3] != NOT_YET]
    assert measured == [['Push-T, 96 px image', 'U-Net, small encoder']]


@pytest.mark.parametrize(
    ('told', 'network'),
    [
        ({}, 'U-Net, small encoder'),
        ({'frozen_encoder': False}, 'U-Net, small encoder'),
        ({'frozen_encoder': True}, 'U-Net, small encoder (frozen)'),
    ],
)
def test_a_frozen_encoder_has_a_row_of_its_own(tmp_path, told, network):
    kind = {
        'env': 'dp_sim/UR5ePushT-v0', 'streams': ['front', 'wrist', 'tool'],
        'images': True, 'image_encoder': 'dilated', **told,
    }  # fmt: skip
    lines = table(read_results([write(tmp_path / 'a.json', {**SINGLE, **kind})]), tmp_path)
    measured = [line[:2] for line in lines if line[3] != NOT_YET]
    assert measured == [['UR5e Push-T, two cameras', network]]


def test_another_view_is_not_the_row_of_the_corners(tmp_path):
    state = write(tmp_path / 'a.json', {**SINGLE, 'streams': ['state']})
    lines = table(read_results([state]), tmp_path)
    assert [line[0] for line in lines if line[3] != NOT_YET] == ['gym_pusht/PushT-v0: state']


def test_further_results_of_a_row_get_a_line_each(tmp_path):
    """A run stands beside the evaluation of one of its own checkpoints, and of no other."""
    other = {**SINGLE, 'score_mean': 0.5, 'weights_sha256': 'c'}
    older = {**RUN, 'best': 0.5, 'checkpoints': [{}]}  # which does not say what it scored
    kinds = (SINGLE, RUN, other, older)
    files = [write(tmp_path / f'{n}.json', kind) for n, kind in enumerate(kinds)]
    lines = table(read_results(files), tmp_path)
    assert len(lines) == len(ROWS) + 2
    assert [line[-1] for line in lines[:4]] == ['1.json, 0.json', '3.json', '2.json', '']
    assert [line[3] for line in lines[:3]] == ['0.960 / 0.900', '0.500 / 0.900', '-']


def test_what_was_done_otherwise_than_in_the_row_is_said(tmp_path):
    protocol = {
        'max_steps': 3000, 'n_action_steps': 1, 'delay_steps': 2,
        'env_arguments': {'obs_type': 'keypoints', 'retreat': True},
    }  # fmt: skip
    result = write(tmp_path / 'a.json', {**SINGLE, 'protocol': protocol})
    assert table(read_results([result]), tmp_path)[0][0] == (
        'Push-T, corners of the T; at most 3000 steps; 1 steps of each chunk; 2 steps late; '
        'retreat=True'
    )
    usual = {'max_steps': 300, 'n_action_steps': 8, 'delay_steps': 0, 'env_arguments': {}}
    result = write(tmp_path / 'a.json', {**SINGLE, 'protocol': usual})
    assert table(read_results([result]), tmp_path)[0][0] == 'Push-T, corners of the T'


def test_files_and_videos_are_found_from_the_report(tmp_path):
    (tmp_path / 'policies').mkdir()
    result = write(tmp_path / 'policies' / 'eval.json', SINGLE)
    line = table(read_results([result]), tmp_path / 'docs')[0]
    assert line[-2:] == ['[best](../policies/v/best.mp4)', '../policies/eval.json']


def test_a_run_with_fewer_checkpoints_says_so(tmp_path):
    short = write(tmp_path / 'a.json', {**RUN, 'last_count': 4})
    assert table(read_results([short]), tmp_path)[0][3] == '0.960 / 0.900 (last 4)'


def test_a_disturbed_result_is_not_the_undisturbed_row(tmp_path):
    kind = {'env': 'dp_sim/UR5ePushT-v0', 'disturbances': ['shove'], 'streams': ['block', 'tool']}
    lines = table(read_results([write(tmp_path / 'a.json', {**SINGLE, **kind})]), tmp_path)
    measured = [line[0] for line in lines if line[3] != NOT_YET]
    assert measured == ['UR5e Push-T, corners of the T; the T is shoved']


def test_the_command_writes_both_pages(tmp_path, capsys):
    result = write(tmp_path / 'a.json', SINGLE)
    assert main(['report', str(result), '--output', str(tmp_path)]) == 0
    text = (tmp_path / 'report.md').read_text(encoding='utf-8')
    page = (tmp_path / 'report.html').read_text(encoding='utf-8')
    assert '| Push-T, corners of the T | U-Net | 0.95 / 0.91 | - | 0.750' in text
    assert '<a href="v/best.mp4">best</a>' in page
    assert page.count('<tr') == len(ROWS) + 1
    assert 'report.html' in capsys.readouterr().out


def test_files_that_are_no_results_are_named(tmp_path):
    for content in ('{', '[]', '{"a": 1}'):
        (tmp_path / 'x.json').write_text(content, encoding='utf-8')
        with pytest.raises(ConfigError, match=r'x\.json'):
            read_results([tmp_path / 'x.json'])
    with pytest.raises(ConfigError, match='absent'):
        read_results([tmp_path / 'absent.json'])
