# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from dp_core import checkpoint
from dp_core.checkpoint import load_policy
from dp_core.checkpoint import load_provenance
from dp_core.checkpoint import save_policy
from dp_core.checkpoint import STATISTICS_FILE
from dp_core.checkpoint import WEIGHTS_FILE
from dp_core.errors import CheckpointError
import numpy as np
from policy_samples import sample_contract
from policy_samples import sample_policy
from policy_samples import sample_window
from policy_samples import SMALL
from policy_samples import TRANSFORMER
import pytest
from safetensors.torch import load_file
from safetensors.torch import save_file
import torch
import yaml


@pytest.fixture
def folder(tmp_path):
    save_policy(tmp_path / 'policy', sample_policy(), {'steps': 3})
    return tmp_path / 'policy'


def rewrite(path, change):
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


@pytest.mark.parametrize('config', [SMALL, TRANSFORMER])
def test_round_trip_in_float32_is_exact(tmp_path, config):
    policy = sample_policy(True, config)
    save_policy(tmp_path / 'p', policy, dtype=torch.float32)
    window = sample_window(images=True)
    again = load_policy(tmp_path / 'p', sample_contract(images=True))
    assert np.array_equal(again.predict(window, 1), policy.predict(window, 1))
    assert again.config == policy.config


def test_stored_as_float16_and_loaded_as_float32(folder):
    assert {v.dtype for v in load_file(folder / WEIGHTS_FILE).values()} == {torch.float16}
    policy = load_policy(folder)
    assert {p.dtype for p in policy.network.parameters()} == {torch.float32}
    expected = sample_policy().predict(sample_window(), 1)
    np.testing.assert_allclose(policy.predict(sample_window(), 1), expected, atol=0.02)
    assert load_provenance(folder) == {'steps': 3}


def test_saving_again_replaces_and_leaves_nothing_behind(folder):
    (folder / 'loss.png').write_bytes(b'x')
    save_policy(folder, sample_policy(), {'steps': 4})
    assert load_provenance(folder) == {'steps': 4}
    assert sorted(p.name for p in folder.iterdir()) == [
        'loss.png', 'policy.yaml', STATISTICS_FILE, WEIGHTS_FILE,
    ]  # fmt: skip
    assert [p.name for p in folder.parent.iterdir()] == ['policy']


def test_a_folder_on_another_disk_is_written_on_that_disk(folder, tmp_path, monkeypatch):
    (tmp_path / 'link').symlink_to(folder)
    moves = []
    monkeypatch.setattr(Path, 'replace', lambda a, b: moves.append((a, b)) or a.rename(b))
    save_policy(tmp_path / 'link', sample_policy(), {'steps': 4})
    assert all(source.parent.parent == target.parent for source, target in moves)
    assert len(moves) == 3 and load_provenance(folder) == {'steps': 4}


@pytest.mark.parametrize('value', [np.nan, 1e6])  # the other one is infinite as float16
def test_a_policy_that_diverged_is_not_written(folder, value):
    policy = sample_policy()
    next(policy.network.parameters()).data[0] = value
    with pytest.raises(CheckpointError, match='are not finite as torch.float16'):
        save_policy(folder, policy, {'steps': 4})
    assert load_provenance(folder) == {'steps': 3}
    assert [p.name for p in folder.parent.iterdir()] == ['policy']


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(CheckpointError, match='no checkpoint folder at .*absent'):
        load_policy(tmp_path / 'absent')


@pytest.mark.parametrize('name', ['policy.yaml', WEIGHTS_FILE, STATISTICS_FILE])
def test_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=f'{name} is missing'):
        load_policy(folder)


@pytest.mark.parametrize('name', [WEIGHTS_FILE, STATISTICS_FILE])
@pytest.mark.parametrize('keep', [0.0, 0.01, 0.5, 0.99])
def test_truncated_file_is_named(folder, name, keep):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(keep * len(content))])
    with pytest.raises(CheckpointError, match=f'{name} is truncated or corrupt'):
        load_policy(folder)


def test_broken_yaml_is_named(folder):
    (folder / 'policy.yaml').write_text('config: [', encoding='utf-8')
    with pytest.raises(CheckpointError, match=r'cannot read .*policy\.yaml'):
        load_policy(folder)
    (folder / 'policy.yaml').write_text('hello', encoding='utf-8')
    with pytest.raises(CheckpointError, match='is no policy'):
        load_policy(folder)


def test_other_format_is_refused(folder):
    data = yaml.safe_load((folder / 'policy.yaml').read_text(encoding='utf-8'))
    data['format'] = 99
    (folder / 'policy.yaml').write_text(yaml.safe_dump(data), encoding='utf-8')
    with pytest.raises(CheckpointError, match='format 99, this version reads 1'):
        load_policy(folder)


def test_first_difference_of_the_contract_is_named(folder):
    with pytest.raises(CheckpointError, match=r'dt_s is 0\.2, there it is 0\.1'):
        load_policy(folder, sample_contract(dt_s=0.2))
    with pytest.raises(CheckpointError, match='observations'):
        load_policy(folder, sample_contract(images=True))


def test_weights_of_another_network_are_refused(folder):
    rewrite(folder / WEIGHTS_FILE, lambda t: t.pop('denoiser.film.bias'))
    with pytest.raises(CheckpointError, match=r"missing \['denoiser.film.bias'\]"):
        load_policy(folder)


def test_wrong_shape_is_refused(folder):
    rewrite(folder / WEIGHTS_FILE, lambda t: t.update({'denoiser.film.bias': torch.zeros(3)}))
    with pytest.raises(CheckpointError, match=r'denoiser.film.bias has shape \(3,\)'):
        load_policy(folder)


def test_nan_weights_are_refused(folder):
    rewrite(folder / WEIGHTS_FILE, lambda t: t['denoiser.film.bias'].fill_(float('nan')))
    with pytest.raises(CheckpointError, match='denoiser.film.bias contains NaN'):
        load_policy(folder)


def test_statistics_that_do_not_fit_are_refused(folder):
    rewrite(folder / STATISTICS_FILE, lambda t: t.pop('tool/low'))
    with pytest.raises(CheckpointError, match=r'statistics\.safetensors: .*tool/low'):
        load_policy(folder)


def test_statistics_of_another_stream_are_refused(folder):
    def rename(tensors):
        tensors['arm/low'], tensors['arm/high'] = tensors.pop('tool/low'), tensors.pop('tool/high')

    rewrite(folder / STATISTICS_FILE, rename)
    with pytest.raises(CheckpointError, match="no statistics for 'tool'; there are"):
        load_policy(folder)


def test_bad_settings_are_refused(folder):
    data = yaml.safe_load((folder / 'policy.yaml').read_text(encoding='utf-8'))
    data['config']['kernel_size'] = 4
    (folder / 'policy.yaml').write_text(yaml.safe_dump(data), encoding='utf-8')
    with pytest.raises(CheckpointError, match='kernel_size is 4'):
        load_policy(folder)


def test_weights_by_their_names_of_earlier_versions_load(folder):
    before = load_policy(folder)

    def rename(tensors):
        for name in [n for n in tensors if n.startswith('denoiser.')]:
            tensors[name.replace('denoiser.', 'unet.')] = tensors.pop(name)

    rewrite(folder / WEIGHTS_FILE, rename)
    data = yaml.safe_load((folder / 'policy.yaml').read_text(encoding='utf-8'))
    del data['config']['denoiser']
    (folder / 'policy.yaml').write_text(yaml.safe_dump(data), encoding='utf-8')
    again = load_policy(folder)
    assert np.array_equal(again.predict(sample_window(), 1), before.predict(sample_window(), 1))


def test_weights_that_cannot_be_read_are_named(folder, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(13, 'Permission denied', str(path))

    monkeypatch.setattr(checkpoint, 'safe_open', refuse)
    monkeypatch.setattr(type(folder), 'open', refuse)
    with pytest.raises(CheckpointError, match=r'statistics\.safetensors .*Permission denied'):
        checkpoint._read_tensors(folder / STATISTICS_FILE)
