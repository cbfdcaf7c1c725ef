# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Bags are converted on a Ray cluster as by processes here; without Ray by one that stands in."""

import os
import re
import socket
import sys
import types

from bag_samples import recording
from bag_samples import write_bag
from conversion import COMMANDS
from conversion import content
from conversion import run
from dp_core.replay_buffer import load_dataset
import pytest


class TaskError(Exception):
    """As ray.exceptions.RayTaskError."""

    def __init__(self, cause):
        super().__init__(str(cause))
        self.cause = cause


class LostError(Exception):
    """As ray.exceptions.RayError."""


class Ray(types.SimpleNamespace):
    """A cluster that works at once, in the last order first."""

    def __init__(self, on_node=lambda: None):
        errors = types.SimpleNamespace(RayTaskError=TaskError, RayError=LostError)
        super().__init__(exceptions=errors, calls=[], on_node=on_node)

    def is_initialized(self):
        return False

    def init(self, address, **options):
        if address != 'auto':
            raise RuntimeError('it has another version of Ray')
        self.calls.append('init')

    def shutdown(self):
        self.calls.append('shutdown')

    def remote(self, **resources):
        def call(function, *arguments):
            return (function, arguments)

        return lambda function: types.SimpleNamespace(remote=lambda *a: call(function, *a))

    def wait(self, waiting, num_returns):
        return [waiting[-1]], waiting[:-1]

    def get(self, reference):
        function, arguments = reference
        here = os.getcwd()
        try:
            self.on_node()
            return function(*arguments)
        except Exception as error:
            if isinstance(error, LostError):
                raise
            raise TaskError(error) from error
        finally:
            os.chdir(here)

    def cancel(self, reference, force):
        self.calls.append('cancel')


RAY = (*COMMANDS, '--ray', 'auto')


@pytest.fixture
def bags(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = [write_bag(tmp_path / f'bag_{i}', recording(1.0 + i)) for i in range(3)]
    bad = write_bag(tmp_path / 'bad', recording(1.0)[:5])
    return [bag.relative_to(tmp_path) for bag in (*made, bad)]


def test_a_cluster_makes_the_bytes_that_processes_make(tmp_path, bags, monkeypatch, capsys):
    ray = Ray(on_node=lambda: os.chdir('/'))
    monkeypatch.setitem(sys.modules, 'ray', ray)
    missing = tmp_path / 'nowhere'
    assert run(tmp_path, [*bags, missing], action=RAY, output='ray') == 1
    said = capsys.readouterr().err
    assert run(tmp_path, [*bags, missing], output='here') == 1
    for name in ('bad', 'nowhere'):
        assert name in said
    assert content(tmp_path / 'ray') == content(tmp_path / 'here')
    assert ray.calls == ['init', 'shutdown']


def test_without_ray_the_package_is_named(tmp_path, bags, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'ray', None)
    assert run(tmp_path, bags, action=RAY) == 1
    assert 'pip install ray==' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_no_cluster_at_the_address_is_told(tmp_path, bags, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'ray', Ray())
    with socket.socket() as nobody:
        nobody.bind(('127.0.0.1', 0))  # it does not listen
        address = f'127.0.0.1:{nobody.getsockname()[1]}'
        assert run(tmp_path, bags, action=(*COMMANDS, '--ray', address)) == 1
    said = capsys.readouterr().err
    assert f"no Ray cluster at '{address}' that can be used: [Errno 111]" in said
    assert run(tmp_path, bags, action=(*COMMANDS, '--ray', 'mine')) == 1
    assert "at 'mine' that can be used: it has another version" in capsys.readouterr().err


def fails(error):
    def on_node():
        raise error

    return on_node


@pytest.mark.parametrize(
    ('error', 'words'),
    [
        (LostError('worker died'), 'the Ray cluster lost a task, .* worker died; the same'),
        (ModuleNotFoundError('dp_core'), "a node of the Ray cluster failed: .*'dp_core'"),
        (OSError(28, 'No space left', '/x'), 'cannot write /x: No space left; 0 finished bags'),
    ],
)
def test_a_node_that_fails_ends_the_conversion(tmp_path, bags, monkeypatch, capsys, error, words):
    ray = Ray(fails(error))
    monkeypatch.setitem(sys.modules, 'ray', ray)
    assert run(tmp_path, bags, action=RAY) == 1
    said = capsys.readouterr().err
    assert re.search(words, said), said
    assert ray.calls == ['init', 'cancel', 'cancel', 'cancel', 'shutdown']
    assert not (tmp_path / 'out').exists()


def test_a_node_that_sees_other_files_is_named(tmp_path, bags, monkeypatch, capsys):
    def touch():
        os.utime(tmp_path / 'bag_1' / 'metadata.yaml', ns=(1, 1))

    monkeypatch.setitem(sys.modules, 'ray', Ray(touch))
    assert run(tmp_path, bags, action=RAY) == 1
    said = capsys.readouterr().err
    assert 'sees another bag_1 or none' in said
    assert 'on one file system, for all nodes' in said


def test_a_node_with_other_code_is_named(tmp_path, bags, monkeypatch, capsys):
    def upgrade():
        monkeypatch.setattr('dp_data_tools.plan.code_hash', lambda: 'of another version')

    monkeypatch.setitem(sys.modules, 'ray', Ray(upgrade))
    assert run(tmp_path, bags, action=RAY) == 1
    assert 'or has another version of dp_data_tools' in capsys.readouterr().err


def test_a_real_cluster_of_two_nodes(tmp_path, bags, monkeypatch):
    pytest.importorskip('ray', reason='the optional package ray')
    from ray.cluster_utils import Cluster

    monkeypatch.setenv('RAY_USAGE_STATS_ENABLED', '0')
    cluster = Cluster(initialize_head=True, head_node_args={'num_cpus': 1})
    try:
        cluster.add_node(num_cpus=1)
        address = ('--ray', cluster.address)
        assert run(tmp_path, bags, action=(*COMMANDS, *address), output='ray') == 1
    finally:
        cluster.shutdown()
    assert run(tmp_path, bags, output='here') == 1
    assert content(tmp_path / 'ray') == content(tmp_path / 'here')
    assert load_dataset(tmp_path / 'ray')[1].episode_ends.tolist() == [10, 30, 60]
