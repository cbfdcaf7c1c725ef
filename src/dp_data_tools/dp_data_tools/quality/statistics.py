# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is in a dataset, as plain numbers."""

from __future__ import annotations

from typing import Any

from dp_data_tools.quality.dataset import DatasetFolder
from dp_data_tools.quality.episode import Episode
import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)


def statistics_of(folder: DatasetFolder) -> dict[str, Any]:
    """Episodes, lengths, sizes, and the distribution of every number.

    Pictures are read one episode at a time; of each episode one in ten rows, the first included.

    Args:
        folder: an open dataset.
    """
    count = len(folder.ends)
    episodes = [folder.episode(k, pictures=False) for k in range(count)]
    lengths = np.diff(folder.ends, prepend=0)
    dt_s = folder.contract.dt_s
    return {
        'contract': folder.contract.name,
        'dt_s': dt_s,
        'episodes': count,
        'rows': int(folder.ends[-1]),
        'seconds': round(float(folder.ends[-1] * dt_s), 6),
        'rows_per_episode': {
            'min': int(lengths.min()),
            'median': float(np.median(lengths)),
            'max': int(lengths.max()),
            'all': lengths.tolist(),
        },
        'bytes_on_disk': sum(f.stat().st_size for f in folder.path.rglob('*') if f.is_file()),
        'arrays': {
            name: {
                'shape': list(array.shape),
                'dtype': str(array.dtype),
                'bytes': int(np.prod(array.shape)) * array.dtype.itemsize,
            }
            for name, array in folder.arrays.items()
        },
        'numbers': _numbers(episodes),
        'pictures': {s.name: _pictures(folder, s.name) for s in folder.contract.images},
    }


def _numbers(episodes: list[Episode]) -> dict[str, Any]:
    """Distribution of each number over all rows: track -> dimension -> figures."""
    found: dict[str, Any] = {}
    for k, track in enumerate(episodes[0].tracks):
        values = np.concatenate([episode.tracks[k].values for episode in episodes])
        found[track.name] = {
            dim: {'unit': track.unit, **_figures(values[:, d])} for d, dim in enumerate(track.dims)
        }
    return found


def _figures(values: NDArray[np.floating]) -> dict[str, float | int]:
    finite = values[np.isfinite(values)]
    figures: dict[str, float | int] = {'not_finite': len(values) - len(finite)}
    if len(finite):
        figures |= {
            'min': float(finite.min()),
            'max': float(finite.max()),
            'mean': float(finite.mean()),
            'std': float(finite.std()),
        }
        levels = np.quantile(finite, QUANTILES)
        figures |= {f'q{round(100 * q):02d}': float(x) for q, x in zip(QUANTILES, levels)}
    return figures


def _pictures(folder: DatasetFolder, name: str) -> dict[str, Any]:
    """Mean and standard deviation of each colour, 0 to 255."""
    total, squares, pixels = np.zeros(3), np.zeros(3), 0
    for index in range(len(folder.ends)):
        some = folder.rows(name, index)[::10].reshape(-1, 3).astype(np.float64)
        total, squares = total + some.sum(axis=0), squares + (some**2).sum(axis=0)
        pixels += len(some)
    mean = total / pixels
    std = np.sqrt(np.maximum(0.0, squares / pixels - mean**2))
    return {'mean_rgb': mean.round(3).tolist(), 'std_rgb': std.round(3).tolist()}
