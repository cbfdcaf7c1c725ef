# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The loader's figures are of whole batches, and leave nothing behind."""

import argparse

from dp_data_tools.bench import loader_bench
import torch


def test_figures_of_a_small_dataset(tmp_path):
    threads = torch.get_num_threads()
    parser = argparse.ArgumentParser()
    loader_bench.add_arguments(parser)
    options = parser.parse_args(['--loader-frames', '230', '--loader-batches', '1'])
    options.output = tmp_path / 'data.json'
    found = loader_bench.measure(options)
    assert (found['frames'], found['batch'], found['threads']) == (230, 64, 1)
    kinds = [name for name, value in found.items() if isinstance(value, dict)]
    assert len(kinds) == 5
    assert all(found[kind]['samples_per_cpu_s'] > 0 for kind in kinds)
    assert list(tmp_path.iterdir()) == []
    assert torch.get_num_threads() == threads
