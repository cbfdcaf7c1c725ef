# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools check` as a person runs it: tables, files and exit status."""

import json

from bag_samples import STORE
from bag_samples import write_bag
from dp_data_tools.cli import main
from dp_data_tools.drop_list import Drops
from dp_data_tools.drop_list import load_drops
from dp_data_tools.quality.scan import scan_episodes
import pytest
from quality_bags import between
from quality_bags import CAMERA
from quality_bags import messages
import yaml


def test_bags_of_one_name_are_told_apart_in_the_drop_list(tmp_path):
    for folder in ('monday', 'tuesday'):
        write_bag(tmp_path / folder / 'take_0', messages(4.0, seed=len(folder)))
    bad = tmp_path / 'tuesday' / 'take_0'
    data = next(p for p in bad.iterdir() if p.suffix == '.mcap')
    data.write_bytes(data.read_bytes()[:1000])
    drop = tmp_path / 'drop.yaml'
    assert main(['check', str(tmp_path), '--drop-list', str(drop)]) == 1
    bags = [tmp_path / folder / 'take_0' for folder in ('monday', 'tuesday')]
    drops = Drops(load_drops(drop), bags)
    assert [drops.reason(bag, None) is not None for bag in bags] == [False, True]


def test_a_damaged_bag_is_a_finding_not_the_end(tmp_path, capsys):
    good = write_bag(tmp_path / 'takes' / 'good', messages(4.0))
    bad = write_bag(tmp_path / 'takes' / 'worse', messages(4.0, seed=1))
    data = next(p for p in bad.iterdir() if p.suffix == '.mcap')
    data.write_bytes(data.read_bytes()[:1000])
    drop = tmp_path / 'drop.yaml'
    assert main(['check', str(tmp_path / 'takes'), '--drop-list', str(drop)]) == 1
    said = capsys.readouterr().out
    assert 'damage' in said
    assert '2 bags: 2 episodes, 1 error, 0 warnings' in said
    entry = yaml.safe_load(drop.read_text())['drop']
    assert [(e['bag'], 'episode' in e) for e in entry] == [('worse', False)]
    assert 'cannot be checked to its end' in entry[0]['reason']
    assert good.exists()


def test_exit_status_and_files(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', messages(4.0, between(CAMERA, 1001, 1399, drop=True)))
    out = tmp_path / 'deep' / 'found.json'
    assert main(['check', str(bag), '--json', str(out)]) == 0
    assert main(['check', str(bag), '--strict', '--drop-list', str(tmp_path / 'd')]) == 1
    assert 'd: 1 of 1 episodes to leave out' in capsys.readouterr().out
    assert main(['check', str(bag), '--strict', '--threshold', 'gap_s=0.5']) == 0
    data = json.loads(out.read_text())
    assert data['counts'] == {'error': 0, 'warning': 1, 'info': 1}
    gap = data['findings'][0]
    assert (gap['check'], round(gap['value'])) == ('gap', 400)
    assert gap['spans'][0] == pytest.approx([1.0, 1.4], abs=0.006)


URDFS = {
    'cut.urdf': b'<robot name="r"><joint name="a"',
    'latin.urdf': '<robot name="Gr\xfcn"/>'.encode('latin-1'),
    'other.urdf': b'<robot name="r"><joint name="left_a"/><joint name="left_b"/></robot>',
    'fixed.urdf': b'<robot name="r"><joint name="a" type="fixed"/><joint name="b"/></robot>',
    'macro.urdf': (
        b'<robot name="r"><joint name="a" type="revolute"><limit lower="${low}"/></joint></robot>'
    ),
}


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['nowhere'], "['nowhere'] do not exist"),
        (['empty'], 'cannot read bag empty: there is no rosbag2 recording'),
        (['bag', '--threshold', 'gap=1'], "no threshold 'gap'"),
        (['bag', '--urdf', 'none.urdf'], 'cannot read none.urdf'),
        (['bag', '--urdf', 'cut.urdf'], 'cut.urdf: robot_description is not valid XML'),
        (['bag', '--urdf', 'latin.urdf'], "latin.urdf: 'utf-8' codec can't decode"),
        (
            ['bag', '--urdf', 'other.urdf'],
            "other.urdf: the robot has none of the joints ['a', 'b']; it has ['left_a', 'left_b']",
        ),
        (
            ['bag', '--urdf', 'fixed.urdf'],
            "fixed.urdf: none of the joints ['a', 'b'] of the robot has limits",
        ),
        (
            ['bag', '--urdf', 'macro.urdf'],
            "macro.urdf: joint 'a' of the URDF has limit lower='${low}', valid: numbers",
        ),
        (['bag', '--contract', 'none.yaml'], 'cannot read contract none.yaml'),
    ],
)
def test_wrong_usage_is_status_2(tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    write_bag('bag', messages(0.5))
    for name, words_of in URDFS.items():
        (tmp_path / name).write_bytes(words_of)
    (tmp_path / 'empty').mkdir()
    assert main(['check', *arguments]) == 2
    assert words in capsys.readouterr().err
    assert main(['check', 'bag', '--action-topic', '/nothing']) == 1
    assert "['/nothing']; it has ['/comma" in capsys.readouterr().out


@pytest.mark.parametrize('kind', ['fixed', 'floating', 'revolute'])
def test_a_joint_without_limits_does_not_end_the_check(tmp_path, capsys, monkeypatch, kind):
    bag, urdf = write_bag(tmp_path / 'bag', messages(2.0)), tmp_path / 'r.urdf'
    a = '<joint name="a" type="revolute"><limit lower="-99" upper="-98" velocity="9"/></joint>'
    urdf.write_text(f'<robot name="r">{a}<joint name="b" type="{kind}"/></robot>')
    assert main(['check', str(bag), '--urdf', str(urdf)]) == 1
    assert 'outside [-99' in ' '.join(capsys.readouterr().out.split())
    monkeypatch.setattr('dp_data_tools.verbs.check.read_bags', None)  # so early it is told
    urdf.write_text(urdf.read_text().replace('"-99"', '"low"'))
    assert main(['check', str(bag), '--urdf', str(urdf)]) == 2
    assert "r.urdf: joint 'a' of the URDF has limit lower='low'" in capsys.readouterr().err


def test_episodes_of_a_bag_are_told_apart_by_markers(tmp_path, capsys):
    marks = [(200, 'start'), (2200, 'stop'), (2400, 'start'), (3000, 'discard'), (3400, 'start')]
    kind = 'std_msgs/msg/String'
    entries = [('/marks', kind, ms, STORE.types[kind](word)) for ms, word in marks]
    gap = messages(6.0, between('/joint_states', 4000, 4600, drop=True))
    everything = sorted([*gap, *entries], key=lambda entry: entry[2])
    bag = write_bag(tmp_path / 'takes', everything)
    first, third = scan_episodes(bag, markers=['/marks'])
    assert [(e.index, e.part, e.split) for e in (first, third)] == [(0, 0, True), (2, 2, True)]
    assert (first.duration_s, third.duration_s) == pytest.approx((2.0, 2.6), abs=0.02)
    drop = tmp_path / 'drop.yaml'
    words = [str(bag), '--split-markers', 'marks', '--drop-list', str(drop)]
    assert main(['check', *words]) == 1
    assert 'takes[2]' in capsys.readouterr().out
    listed = yaml.safe_load(drop.read_text())['drop']
    assert [(entry['bag'], entry['episode']) for entry in listed] == [('takes', 2)]
    assert '/joint_states' in listed[0]['reason']


def test_a_marker_topic_that_is_missing_is_a_finding(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', messages(1.0))
    assert main(['check', str(bag), '--split-markers', '/marks']) == 1
    assert 'marker topic /marks is missing' in ' '.join(capsys.readouterr().out.split())
