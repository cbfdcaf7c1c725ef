# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Command `dp_demonstrate`: let the scripted operator solve UR5e Push-T, and write a dataset."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
import sys

from dp_core.contract import Contract
from dp_core.errors import ConfigError
from dp_core.errors import DpError
from dp_core.replay_buffer import save_dataset
from dp_sim.demonstration import demonstrate
from dp_sim.demonstration import PLAIN
from dp_sim.demonstration import Segment
from dp_sim.demonstration import Style
from dp_sim.demonstration import usable
from dp_sim.recording import pack
from dp_sim.recording import render_again
from dp_sim.scripted_operator import Operator
from dp_sim.simulation import Simulation
import numpy as np


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog='dp_demonstrate', description=__doc__)
    p.add_argument(
        '--contract', type=Path, required=True, help='contract.yaml; its images are rendered'
    )
    p.add_argument('--output', type=Path, required=True, help='new dataset folder')
    p.add_argument('--episodes', type=int, default=400, help='default: 400')
    p.add_argument(
        '--plain',
        type=int,
        default=0,
        help='of these, so many without wide starts and drives against the block',
    )
    p.add_argument('--seed', type=int, default=0, help='default: 0')
    p.add_argument('--max-frames', type=int, default=0, help='stop when there are so many')
    p.add_argument(
        '--policy',
        type=Path,
        help='checkpoint: it acts, and the operator takes over '
        'now and then; only what the operator does is recorded',
    )
    p.add_argument(
        '--render',
        type=Path,
        help='record nothing: render this dataset of '
        'dp_demonstrate again, for a contract with other cameras',
    )
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = parser().parse_args(argv)
    try:
        contract = Contract.load(options.contract)
        _check(contract, options.output)
        if options.render:
            buffer = render_again(options.render, contract, options.max_frames)
        else:
            buffer = pack(_collect(options, contract), contract)
        save_dataset(options.output, contract, buffer)
    except DpError as error:
        sys.stderr.write(f'dp_demonstrate: {error}\n')
        return 1
    except KeyboardInterrupt:
        sys.stderr.write('dp_demonstrate: interrupted, nothing was written\n')
        return 130
    return 0


def _check(contract: Contract, output: Path) -> None:
    known = {'block', 'tool', 'front', 'wrist'}
    unknown = sorted({s.name for s in contract.observations} - known)
    if unknown:
        raise ConfigError(f'the scene has no streams {unknown}, valid: {sorted(known)}')
    if output.exists():
        raise ConfigError(f'{output} exists already; choose another name or remove it')


def _collect(options: argparse.Namespace, contract: Contract) -> list[Segment]:
    kept: list[Segment] = []
    failed = episode = 0
    for episode, segments in enumerate(_episodes(options), 1):
        failed += segments is None
        kept += usable(segments or [], contract.horizon)
        frames = sum(len(segment) for segment in kept)
        if sys.stderr.isatty() or episode % 25 == 0 or episode == options.episodes:
            sys.stderr.write(
                f'\r{episode}/{options.episodes} episodes, {failed} dropped, '
                f'{len(kept)} segments, {frames} frames\n'
            )
        if options.max_frames and frames >= options.max_frames:
            break
    if not kept:
        raise ConfigError(f'{episode} episodes gave no demonstration')
    return kept


def _episodes(options: argparse.Namespace) -> Iterator[list[Segment] | None]:
    simulation = Simulation()
    operator = Operator(np.random.default_rng([options.seed, 0]))
    if options.policy:
        from dp_core.checkpoint import load_policy  # torch, only where a policy acts
        from dp_sim.takeover import Takeover

        takeover = Takeover(load_policy(options.policy), simulation, operator)
    for episode in range(options.episodes):
        rng = np.random.default_rng([options.seed, 1 + episode])
        if options.policy:
            yield takeover.episode(rng)
        else:
            style = PLAIN if episode < options.plain else Style()
            yield demonstrate(simulation, operator, rng, style)


if __name__ == '__main__':
    sys.exit(main())
