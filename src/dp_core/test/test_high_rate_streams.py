# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A wrench at 1 kHz, from its messages to the condition of a policy."""

from dataclasses import replace
from types import SimpleNamespace

from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.decode import decode
from dp_core.encode import ObservationEncoder
from dp_core.errors import ConfigError
from dp_core.errors import ContractError
from dp_core.errors import NotReadyError
from dp_core.errors import ObservationError
from dp_core.networks.window_encoder import WindowEncoder
from dp_core.sync import Synchronizer
import numpy as np
from policy_samples import sample_contract
from policy_samples import SMALL
import pytest
import torch

MS = 1_000_000
WRENCH = {
    'name': 'wrench', 'kind': 'wrench', 'topic': 'wrench', 'samples': 4, 'sample_dt_s': 0.01,
}  # fmt: skip
TOOL = {'name': 'tool', 'kind': 'vector', 'length': 2}
CAMERA = {'name': 'front', 'kind': 'image', 'topic': 'front', 'size': [24, 24]}


def message(force: float, time_ns: int = 1_000 * MS) -> SimpleNamespace:
    stamp = SimpleNamespace(sec=time_ns // 10**9, nanosec=time_ns % 10**9)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp, frame_id='tool0'),
        wrench=SimpleNamespace(
            force=SimpleNamespace(x=force, y=2.0, z=3.0),
            torque=SimpleNamespace(x=4.0, y=5.0, z=6.0),
        ),
    )


def contract(*streams: dict) -> Contract:
    return sample_contract(observations=list(streams))


def test_a_wrench_is_six_numbers_by_the_samples_of_a_tick():
    stream = contract(WRENCH).stream('wrench')
    assert (stream.channels, stream.dim) == (6, 24)
    assert stream.sample_times_ns(100 * MS) == [70 * MS, 80 * MS, 90 * MS, 100 * MS]
    assert Contract.from_dict(contract(WRENCH).to_dict()) == contract(WRENCH)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'samples': 0}, 'samples is 0, valid: 1 or more'),
        ({'samples': 4}, 'sample_dt_s is 0.0 with samples 4'),
        ({'sample_dt_s': 0.1}, 'sample_dt_s is 0.1 with samples 1'),
        ({'samples': 2, 'sample_dt_s': -0.1}, 'sample_dt_s is -0.1'),
        ({'kind': 'image', 'size': (24, 24), 'samples': 2, 'sample_dt_s': 0.1}, '1 for images'),
        ({'length': 6}, "kind 'wrench' takes no length"),
    ],
)
def test_bad_streams_are_refused(changes, words):
    with pytest.raises(ContractError, match=words):
        Stream(**{'name': 'w', 'kind': 'wrench', 'topic': 'w', **changes})


def test_a_message_is_force_then_torque():
    stream = contract(WRENCH).stream('wrench')
    event_ns, value = decode(stream, message(1.0))
    assert event_ns == 1_000 * MS
    assert value.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    with pytest.raises(ObservationError, match='wrench: NaN or infinity'):
        decode(stream, message(float('nan')))


def filled(until_ms: int, begin_ms: int = 0) -> Synchronizer:
    """Force x is the time [ms], sampled every 4 ms, off the grid by 1 ms."""
    sync = Synchronizer(contract(WRENCH))
    for time_ms in range(begin_ms + 1, until_ms, 4):
        sync.push('wrench', time_ms * MS, np.array([time_ms, 0, 0, 0, 0, 0], np.float32))
    return sync


def test_windows_hold_the_instants_before_each_tick():
    window = filled(300).window_at(200 * MS).low_dim['wrench']  # (To, 4 * 6)
    assert window.shape == (2, 24)
    force = window.reshape(2, 4, 6)[:, :, 0]
    np.testing.assert_allclose(force, [[70, 80, 90, 100], [170, 180, 190, 200]], rtol=1e-6)


def test_windows_on_the_robot_equal_those_of_the_conversion():
    """Live, with what has come by then; offline, with everything; both at each tick."""
    offline = Synchronizer(contract(WRENCH))
    live = Synchronizer(contract(WRENCH))
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.integers(2 * MS, 6 * MS, size=300))
    values = rng.normal(size=(300, 6)).astype(np.float32)
    for time, value in zip(times, values, strict=True):
        offline.push('wrench', int(time), value)
    compared = 0
    for time, value in zip(times, values, strict=True):
        live.push('wrench', int(time), value, now_ns=int(time))
        if time > 500 * MS:
            window = live.window(int(time))
            again = offline.window_at(window.t_obs_ns)
            assert np.array_equal(window.low_dim['wrench'], again.low_dim['wrench'])
            compared += 1
    assert compared > 100


def test_there_is_no_window_before_its_oldest_instant():
    sync = filled(300, begin_ms=80)
    with pytest.raises(NotReadyError, match='no sample at or before'):
        sync.window_at(200 * MS)  # its first instant is 70 ms
    sync.window_at(212 * MS)


@pytest.mark.parametrize('samples', [2, 3, 32, 50])
def test_any_number_of_samples_is_encoded(samples):
    torch.manual_seed(0)
    encoder = WindowEncoder(6, samples, 8)
    assert encoder(torch.randn(5, samples * 6)).shape == (5, 8)
    encoder(torch.randn(5, samples * 6)).square().sum().backward()
    without = [n for n, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_strength_and_instant_of_a_force_come_through():
    torch.manual_seed(0)
    encoder = WindowEncoder(6, 32, 8)
    weak, late = torch.zeros(32, 6), torch.zeros(32, 6)
    weak[:, 2], late[24:, 2] = 0.1, 0.4
    features = encoder(torch.stack((weak, 4 * weak, late)).flatten(1))
    assert torch.pdist(features).min() > 1e-3


def encoder_of(*streams: dict, **changes: object) -> ObservationEncoder:
    torch.manual_seed(0)
    return ObservationEncoder(contract(*streams), replace(SMALL, window_features=5, **changes))


def batch(rows: int = 64) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    torch.manual_seed(1)
    low_dim = {'tool': torch.randn(rows, 2, 2), 'wrench': torch.randn(rows, 2, 24)}
    return low_dim, {'front': torch.randint(256, (rows, 2, 24, 24, 3), dtype=torch.uint8)}


def test_the_condition_has_a_part_for_each_window():
    encoder = encoder_of(TOOL, WRENCH, CAMERA)
    assert encoder.layout.parts == (2, 5, 8)
    low_dim, images = batch(3)
    condition = encoder(low_dim, images)
    tokens = encoder.layout.tokens(condition)  # (3, To, 15)
    assert torch.equal(tokens[:, :, :2], low_dim['tool'])
    expected = encoder.windows['wrench'](low_dim['wrench'][:, 1])
    torch.testing.assert_close(tokens[:, 1, 2:7], expected)


def test_training_hides_modalities_and_use_does_not():
    encoder = encoder_of(TOOL, WRENCH, CAMERA, modality_dropout=0.5)
    low_dim, images = batch()
    shown = encoder.layout.tokens(encoder.eval()(low_dim, images))
    encoder.train()
    tokens = encoder.layout.tokens(encoder(low_dim, images))
    assert torch.equal(tokens[:, :, :2], low_dim['tool'])  # states are never hidden
    hidden = {}
    for name, part in {'wrench': slice(2, 7), 'front': slice(7, 15)}.items():
        zero = (tokens[:, :, part] == 0).all(dim=(1, 2))  # (B,): all ticks together, or none
        torch.testing.assert_close(tokens[~zero][:, :, part], shown[~zero][:, :, part])
        assert 0.2 < zero.float().mean() < 0.8
        hidden[name] = zero
    assert not torch.equal(hidden['wrench'], hidden['front'])


def test_bad_settings_are_refused():
    with pytest.raises(ConfigError, match='modality_dropout is 1.0'):
        replace(SMALL, modality_dropout=1.0)
    with pytest.raises(ConfigError, match='window_features is 0'):
        replace(SMALL, window_features=0)
