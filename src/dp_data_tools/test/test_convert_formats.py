# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`convert --format`: bags become a dataset of ours, of LeRobot, or one folder that is both."""

from pathlib import Path

import av
from bag_samples import contract
from bag_samples import recording
from bag_samples import so101_contract
from bag_samples import write_bag
from conversion import content
from conversion import run
from dp_core.replay_buffer import load_dataset
from dp_data_tools.cli import main
from lerobot_samples import export
from lerobot_samples import require_equal
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

SAMPLE = Path(__file__).parents[4] / 'shared' / 'data' / 'so101_rosbag2' / 'ep4'
DATA = 'data/chunk-000/file-000.parquet'
FILES = {'contract.yaml', 'episodes.yaml', 'conversion.yaml'}


def formats(*names):
    return [word for name in names for word in ('--format', name)]


def test_one_folder_is_both(tmp_path):
    bags = [write_bag(tmp_path / f'bag_{i}', recording(i + 1.0)) for i in range(2)]
    assert run(tmp_path, bags, output='zarr') == 0
    assert run(tmp_path, bags, output='lero', options=formats('lerobot')) == 0
    assert run(tmp_path, bags, output='both', options=formats('both')) == 0
    assert run(tmp_path, bags, output='also', options=formats('zarr', 'lerobot'), workers=2) == 0
    zarr, lero, both = (content(tmp_path / name) for name in ('zarr', 'lero', 'both'))
    assert both == zarr | lero == content(tmp_path / 'also')
    assert not zarr.keys() & lero.keys()
    assert {f'meta/{name}' for name in FILES} <= lero.keys()
    assert all(lero[f'meta/{name}'] == zarr[name] for name in FILES)
    assert main(['check', str(tmp_path / 'both')]) == main(['check', str(tmp_path / 'lero')])
    assert export(tmp_path / 'lero', 'zarr', tmp_path / 'again') == 0
    require_equal(tmp_path / 'zarr', tmp_path / 'again')


def test_what_lerobot_cannot_have_is_told_before_the_work(tmp_path, monkeypatch, capsys):
    bag = write_bag(tmp_path / 'bag', recording(2.0))
    monkeypatch.setattr('dp_data_tools.verbs.convert.convert', None)
    assert run(tmp_path, bag, contract(dt_s=0.15), options=formats('both')) == 1
    assert 'LeRobot counts whole ones' in capsys.readouterr().err
    assert run(tmp_path, bag, contract(tasks=['a', 'b']), options=formats('both')) == 1
    assert 'name the one of all with --task' in capsys.readouterr().err


def test_each_episode_has_the_task_that_was_recorded_with_it(tmp_path):
    bags = [write_bag(tmp_path / name, recording(1.0)) for name in ('push', 'pull')]
    for bag in bags:
        metadata = yaml.safe_load((bag / 'metadata.yaml').read_text())
        metadata['rosbag2_bagfile_information']['custom_data'] = {'task': bag.name}
        (bag / 'metadata.yaml').write_text(yaml.safe_dump(metadata))
    what = contract(tasks=['pull', 'push'])
    assert run(tmp_path, bags, what, options=formats('lerobot')) == 0
    rows = pq.read_table(tmp_path / 'out/meta/episodes/chunk-000/file-000.parquet')
    assert rows['tasks'].to_pylist() == [['push'], ['pull']]
    tasks = pq.read_table(tmp_path / 'out/meta/tasks.parquet').to_pydict()
    assert tasks == {'task_index': [0, 1], 'task': ['push', 'pull']}
    assert pq.read_table(tmp_path / 'out' / DATA)['task_index'].to_pylist() == [0] * 10 + [1] * 10
    entries = yaml.safe_load((tmp_path / 'out/meta/episodes.yaml').read_text())
    assert [entry['task'] for entry in entries] == ['push', 'pull']


@pytest.mark.skipif(not SAMPLE.is_dir(), reason='the recorded sample is not on this machine')
def test_the_recorded_sample_becomes_both(tmp_path):
    options = [*formats('both'), '--idle-speed', '0', '--task', 'lift the ring']
    assert run(tmp_path, SAMPLE, so101_contract(), action=('--action-topic', '/joint_commands'),
               options=options) == 0  # fmt: skip
    data = load_dataset(tmp_path / 'out')[1].data
    table = pq.read_table(tmp_path / 'out' / DATA).to_pydict()
    assert np.array(table['observation.state'], np.float32).tobytes() == data['arm'].tobytes()
    assert np.array(table['action'], np.float32).tobytes() == data['action'].tobytes()
    video = tmp_path / 'out/videos/observation.images.wrist/chunk-000/file-000.mp4'
    with av.open(str(video)) as stream:
        frames = [frame.to_ndarray(format='rgb24') for frame in stream.decode(video=0)]
    assert np.array_equal(frames, data['wrist'])
    tasks = pq.read_table(tmp_path / 'out/meta/tasks.parquet')['task'].to_pylist()
    assert tasks == ['lift the ring']
