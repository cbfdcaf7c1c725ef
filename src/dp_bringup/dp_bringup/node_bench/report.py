# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""From the times that `node_bench` noted to its figures. All times are int64 [ns].

A chunk's way from the camera's stamp to the controller is cut into parts that add up to it:

    transport in     stamp -> callback began: camera driver, DDS, executor, deserialization
    store            callback -> decoded, resized, stored
    rest at start    the picture waits until the replanning rule asks for a prediction
    start            the rule's moment -> the prediction begins: wake-up, building the window
    network          the policy, in its own process: encoder and denoiser, and the way there
    plan             the rest of the prediction: inverse kinematics
    rest at end      a chunk that is ready early waits for its take-over
    send             ready and due -> published: wake-up, spline, limits, publishing
    transport out    published -> the controller has read it; 0 where it was faster than we noted

The network's part is told apart again: what it computes, and how long it waits, for a core or on
the way to its process and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dp_bringup.node_bench.probe import CHUNK
import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
OWN = ('transport_in', 'store', 'start', 'plan', 'send', 'transport_out')
PARTS = (
    'transport_in',
    'store',
    'rest_at_start',
    'start',
    'network',
    'plan',
    'rest_at_end',
    'send',
    'transport_out',
)


def spread_ms(values_ns: Times) -> dict[str, float]:
    """Return count, median, 95th, 99th percentile and maximum [ms]."""
    if not len(values_ns):
        return {'n': 0}
    ms = np.asarray(values_ns) * 1e-6
    p50, p95, p99 = np.percentile(ms, [50, 95, 99])
    figures = {'p50': p50, 'p95': p95, 'p99': p99, 'max': ms.max()}
    return {'n': len(ms), **{name: round(float(value), 2) for name, value in figures.items()}}


def chunk_parts(
    chunks: Times, network: Times, images: list[Times], arrivals: Times
) -> dict[str, Times]:
    """Cut each chunk's way into its parts, (N,) each.

    Args:
        chunks: (N, 8) as `probe.py` notes them; the first chunk of a goal is left out by
            the caller: nobody was waiting for it.
        network: (M, 3) begin, duration and processor time of the network's calls.
        images: per camera, (K, 3) stamp, callback, stored.
        arrivals: (L,) when the controller had read a trajectory.

    Raises:
        ValueError: a chunk whose picture or whose arrival is not among what was noted.
    """
    column = {name: chunks[:, i] for i, name in enumerate(CHUNK)}
    rows = np.concatenate(images)
    order = np.argsort(rows[:, 0], kind='stable')
    found = np.searchsorted(rows[order, 0], column['t_obs'])
    picture = rows[order[np.minimum(found, len(rows) - 1)]]
    received = np.searchsorted(arrivals, column['planned'])
    if (picture[:, 0] != column['t_obs']).any() or (received >= len(arrivals)).any():
        raise ValueError('a chunk was made of a picture, or sent to a controller, unheard of')
    arrived = arrivals[received]
    in_network = within(network, chunks)[:, 0]
    stored = picture[:, 2]
    ready = np.maximum(stored, np.minimum(column['due'], column['began']))
    due = np.maximum(column['ended'], column['takeover'])
    published = np.minimum(column['published'], arrived)
    return {
        'transport_in': picture[:, 1] - picture[:, 0],
        'store': stored - picture[:, 1],
        'rest_at_start': ready - stored,
        'start': column['began'] - ready,
        'network': in_network,
        'plan': column['ended'] - column['began'] - in_network,
        'rest_at_end': due - column['ended'],
        'send': published - due,
        'transport_out': arrived - published,
    }


def within(network: Times, chunks: Times) -> Times:
    """Return duration and processor time (N, 2) of the network's calls in each prediction."""
    bounds = chunks[:, [CHUNK.index('began'), CHUNK.index('ended')]]
    begins = network[:, 0]
    calls = [network[(begins >= began) & (begins < ended)] for began, ended in bounds]
    return np.array([rows[:, 1:].sum(axis=0) for rows in calls], dtype=np.int64)


def latency_figures(parts: Mapping[str, Times], chunks: Times, network: Times) -> dict[str, Any]:
    """Summarize the parts, their sum, and the sum of those that are the node's own doing."""
    column = {name: chunks[:, i] for i, name in enumerate(CHUNK)}
    computing = within(network, chunks)[:, 1]
    return {
        'camera_stamp_to_joint_trajectory': spread_ms(sum(parts[name] for name in PARTS)),
        'all_but_network_and_replanning': spread_ms(sum(parts[name] for name in OWN)),
        'observation_age_at_start': spread_ms(column['began'] - column['t_obs']),
        'parts': {name: spread_ms(parts[name]) for name in PARTS},
        'largest_own_part': max(OWN, key=lambda name: float(np.percentile(parts[name], 95))),
        'network': {
            'computes': spread_ms(computing),
            'waits': spread_ms(parts['network'] - computing),
        },
    }


def stream_figures(
    published: Times, rows: Times, period_ns: float, window: tuple[int, int]
) -> dict[str, Any]:
    """Compare what was published within ``window`` with what callbacks got of it.

    Args:
        published: (N,) stamps.
        rows: (M, 3) stamp, callback, stored.
        period_ns: of the stream.
        window: first and last stamp that count.
    """
    sent = published[(published >= window[0]) & (published <= window[1])]
    got = rows[(rows[:, 0] >= window[0]) & (rows[:, 0] <= window[1])]
    lost = len(np.setdiff1d(sent, got[:, 0]))
    return {
        'published': len(sent),
        'received': len(np.unique(got[:, 0])),
        'lost': lost,
        'stamp_to_callback_ms': spread_ms(got[:, 1] - got[:, 0]),
        'callback_to_stored_ms': spread_ms(got[:, 2] - got[:, 1]),
        'period_deviation_ms': {
            'published': spread_ms(np.abs(np.diff(sent) - period_ns)),
            'callbacks': spread_ms(np.abs(np.diff(got[:, 1]) - period_ns)),
        },
    }
