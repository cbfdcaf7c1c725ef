# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Measure policy latency and simulation rate on one core; each figure goes to a file.

Writes `inference.json` (time from one observation window to its actions, batch 1) and
`simulation.json` (policy steps and camera pictures a second) into the output folder.
"""

import argparse
from pathlib import Path
import sys
import time

from dp_core.checkpoint import load_policy
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
from dp_core.observation import ObservationWindow
from dp_sim.env import IMAGE_SIZE
from dp_sim.env import UR5ePushTEnv
from dp_sim.rendering import RenderError
import numpy as np
import torch

POLICIES = Path(__file__).parents[1] / 'src' / 'dp_bringup' / 'policies'
WARM_UP = 5


def some_window(contract, generator):
    """Return a window of the contract's shapes with random content."""
    low_dim = {
        stream.name: generator.uniform(0.0, 0.3, (contract.n_obs_steps, stream.dim))
        for stream in contract.low_dim
    }
    images = {
        stream.name: generator.integers(0, 256, (contract.n_obs_steps, *stream.size, 3))
        for stream in contract.images
    }
    return ObservationWindow(
        0,
        {name: value.astype(np.float32) for name, value in low_dim.items()},
        {name: value.astype(np.uint8) for name, value in images.items()},
    )


def bench_inference(folder, repeats):
    """Time `Policy.predict` of a checkpoint folder."""
    policy = load_policy(folder)
    generator = np.random.default_rng(0)
    times_ms = []
    for _ in range(WARM_UP + repeats):
        window = some_window(policy.contract, generator)
        start = time.perf_counter()
        policy.predict(window, seed=0)
        times_ms.append(1e3 * (time.perf_counter() - start))
    times_ms = times_ms[WARM_UP:]
    return {
        'policy': folder.name,
        'parameters': sum(p.numel() for p in policy.network.parameters()),
        'sampler': policy.config.sampler,
        'inference_steps': policy.config.inference_steps,
        'batch': 1,
        'repeats': repeats,
        'inference_ms': {
            'p50': round(float(np.percentile(times_ms, 50)), 3),
            'p95': round(float(np.percentile(times_ms, 95)), 3),
            'max': round(max(times_ms), 3),
        },
    }


def rate_hz(work, seconds):
    """Return how often `work` runs in a second."""
    work()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        work()
        count += 1
    return round(count / (time.perf_counter() - start), 1)


def bench_simulation(seconds):
    """Time steps of the UR5e scene and pictures of its front camera."""
    env = UR5ePushTEnv()
    env.reset(seed=0)
    tool = env.simulation.tool_pose[0][:2]
    result = {'policy_step_s': 0.1, 'policy_steps_hz': rate_hz(lambda: env.step(tool), seconds)}
    try:
        env.simulation.render('front', IMAGE_SIZE, IMAGE_SIZE)
    except RenderError as error:
        result['pictures_hz'], result['pictures_error'] = None, str(error)
    else:
        result['picture_size'] = [IMAGE_SIZE, IMAGE_SIZE]
        result['pictures_hz'] = rate_hz(
            lambda: env.simulation.render('front', IMAGE_SIZE, IMAGE_SIZE), seconds
        )
    env.close()
    return result


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--policy', type=Path, nargs='*', help='default: the shipped policies')
    parser.add_argument('--output', type=Path, default=Path('out/bench'))
    parser.add_argument('--repeats', type=int, default=100)
    parser.add_argument('--seconds', type=float, default=5.0, help='for each rate [s]')
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folders = arguments.policy or sorted(path.parent for path in POLICIES.glob('*/policy.yaml'))
    if not folders:
        parser.error(f'no policy in {POLICIES}; name a checkpoint folder with --policy')
    arguments.output.mkdir(parents=True, exist_ok=True)
    results = {
        'inference': [bench_inference(folder, arguments.repeats) for folder in folders],
        'simulation': bench_simulation(arguments.seconds),
    }
    for name, result in results.items():
        write_json(arguments.output / f'{name}.json', {'machine': machine(), name: result})
        sys.stdout.write(f'{arguments.output / name}.json: {result}\n')


if __name__ == '__main__':
    main()
