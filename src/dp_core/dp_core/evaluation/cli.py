# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Command `dp_eval`: score a policy in a gymnasium environment.

Other verbs: `dp_eval report FILES` puts results beside the paper's, `dp_eval pusht_data` makes the
Push-T demonstrations of another view, `dp_eval claim NAME --output DIR` tests a claim of the paper
(`dp_eval claim --list`), `dp_eval attribution --policy DIR --dataset DIR` tells which inputs
matter to a policy, `dp_eval encoders NAMES` what image encoders learn to see.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import os
from pathlib import Path
import sys
from typing import Any
from typing import TYPE_CHECKING

from dp_core.config import SAMPLERS
from dp_core.device import DEVICES
from dp_core.errors import ConfigError
from dp_core.errors import DpError
from dp_core.evaluation.attribution.cli import main as attribution
from dp_core.evaluation.claims.cli import main as claim
from dp_core.evaluation.disturbances import DISTURBANCES
from dp_core.evaluation.encoder_probe.cli import main as encoders
import yaml

if TYPE_CHECKING:
    from dp_core.evaluation.episode import EnvSpec
    from dp_core.evaluation.rollout import EpisodeResult


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog='dp_eval', description=__doc__)
    p.add_argument('--policy', type=Path, required=True, help='checkpoint folder')
    p.add_argument(
        '--env',
        required=True,
        help='gymnasium id, e.g. gym_pusht/PushT-v0 or dp_sim/UR5ePushT-v0; '
        'module:id imports another module than the one the id begins with',
    )
    p.add_argument(
        '--seeds', default='100000:100050', help='first:end or a,b,c; default 100000:100050'
    )
    p.add_argument('--output', type=Path, help='result file (JSON)')
    p.add_argument('--n-action-steps', type=int, help='default: of the contract')
    p.add_argument('--delay-steps', type=int, default=0, help='ask for chunks so many steps early')
    p.add_argument('--sampler', choices=SAMPLERS, help='default: of the checkpoint')
    p.add_argument(
        '--inference-steps', type=int, help='of the denoiser; default: of the checkpoint'
    )
    p.add_argument('--max-steps', type=int, default=0, help='default: of the environment')
    p.add_argument(
        '--env-arg',
        action='append',
        metavar='NAME=VALUE',
        help='of the environment; repeatable',
    )
    p.add_argument(
        '--disturb', nargs='+', default=[], choices=DISTURBANCES, help='what is done meanwhile'
    )
    p.add_argument('--videos', type=Path, help='folder for best.mp4 and worst.mp4')
    p.add_argument('--workers', type=int, default=0, help='processes that step; 0: in this one')
    p.add_argument('--batch', type=int, default=50, help='episodes at the same time')
    p.add_argument('--device', choices=DEVICES, default='cpu', help='of the policy')
    p.add_argument('--threads', type=int, default=1, help='torch threads')
    return p


def parse_seeds(text: str) -> list[int]:
    """Read 'first:end' (end excluded) or 'a,b,c'."""
    try:
        if ':' in text:
            first, _, end = text.partition(':')
            seeds = list(range(int(first), int(end)))
        else:
            seeds = [int(part) for part in text.split(',')]
    except ValueError as error:
        raise ConfigError(f'seeds are {text!r}, valid: first:end or a,b,c') from error
    if not seeds or min(seeds) < 0 or len(set(seeds)) != len(seeds):
        raise ConfigError(f'seeds {text!r} are empty, negative or repeated')
    return seeds


def parse_env_arguments(texts: Sequence[str] | None) -> dict[str, Any] | None:
    """Read 'name=value' pairs, values as YAML: cameras=true."""
    if texts is None:
        return None
    bad = [text for text in texts if '=' not in text]
    if bad:
        raise ConfigError(f'--env-arg {bad[0]!r} is not of the form name=value')
    pairs = (text.partition('=') for text in texts)
    return {name: yaml.safe_load(value) for name, _, value in pairs}


def _report(done: int, total: int, mean: float) -> None:
    sys.stderr.write(f'{done}/{total} episodes, mean score {mean:.3f}\n')


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and write the result file."""
    from dp_core.checkpoint import load_policy
    from dp_core.evaluation.episode import env_spec
    from dp_core.evaluation.report import summarize
    from dp_core.evaluation.report import write_json
    from dp_core.evaluation.rollout import Protocol
    from dp_core.evaluation.rollout import roll_out
    from dp_core.evaluation.stepper import LocalStepper
    from dp_core.evaluation.stepper import ProcessStepper
    from dp_core.evaluation.video import pyav
    import torch

    if arguments.videos:
        pyav()  # what is missing is told now, not after the episodes
    torch.set_num_threads(arguments.threads)
    policy = load_policy(arguments.policy, device=arguments.device)
    policy = policy.with_sampler(
        arguments.sampler or policy.config.sampler,
        arguments.inference_steps or policy.config.inference_steps,
    )
    protocol = Protocol(
        arguments.n_action_steps or policy.contract.n_action_steps,
        arguments.delay_steps,
        arguments.batch,
    )
    chosen = parse_env_arguments(arguments.env_arg)
    spec = env_spec(arguments.env, arguments.max_steps, chosen, policy.contract, arguments.disturb)
    seeds = parse_seeds(arguments.seeds)
    stepper: LocalStepper | ProcessStepper
    if arguments.workers:
        stepper = ProcessStepper(spec, policy.contract, arguments.workers)
    else:
        stepper = LocalStepper(spec, policy.contract)
    try:
        results, call_s = roll_out(policy, stepper, seeds, protocol, _report)
    finally:
        stepper.close()
    summary = summarize(arguments.policy, policy, spec, protocol, results, call_s)
    if arguments.output:
        write_json(arguments.output, summary)
    low, high = summary['score_ci95']
    sys.stdout.write(
        f'score {summary["score_mean"]:.3f} (95 % interval {low:.3f} .. {high:.3f}) over '
        f'{len(seeds)} episodes, 1 in {100 * summary["success_rate"]:.0f} %\n'
    )
    if arguments.videos:  # scores are safe by now
        summary['videos'] = _film(arguments, spec, results, policy.contract.dt_s)
        if arguments.output:
            write_json(arguments.output, summary)
    return 0


def _film(
    arguments: argparse.Namespace, spec: EnvSpec, results: Sequence[EpisodeResult], dt_s: float
) -> dict[str, dict[str, Any]]:
    """Film the best and the worst episode; files are named as seen from the result file."""
    from dp_core.evaluation.film import film_best_and_worst

    videos = film_best_and_worst(spec, results, arguments.videos, dt_s)
    beside = (arguments.output or arguments.videos / 'result').parent
    for video in videos.values():
        video['file'] = os.path.relpath(arguments.videos / video['file'], beside)
    return videos


def pusht_data(words: Sequence[str]) -> int:
    """Run `dp_eval pusht_data`."""
    from dp_core.evaluation.pusht_views import VIEWS
    from dp_core.evaluation.pusht_views import write_view

    p = argparse.ArgumentParser(prog='dp_eval pusht_data', description=pusht_data.__doc__)
    p.add_argument('view', choices=VIEWS)
    p.add_argument('--output', type=Path, required=True, help='dataset folder to create')
    arguments = p.parse_args(words)
    frames = write_view(arguments.view, arguments.output)
    sys.stdout.write(f'{arguments.output}: {frames} frames\n')
    return 0


def report(words: Sequence[str]) -> int:
    """Run `dp_eval report`."""
    from dp_core.evaluation.tables import read_results
    from dp_core.evaluation.tables import write_report

    p = argparse.ArgumentParser(prog='dp_eval report', description='Results beside the paper.')
    p.add_argument('results', type=Path, nargs='+', help="of dp_eval, or a run's scores.json")
    p.add_argument('--output', type=Path, default=Path('out/eval'), help='folder')
    arguments = p.parse_args(words)
    written = write_report(arguments.output, read_results(arguments.results))
    sys.stdout.write(' and '.join(map(str, written)) + '\n')
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; mistakes end in one line and exit code 2."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ['claim']:
            return claim(words[1:])
        if words[:1] == ['report']:
            return report(words[1:])
        if words[:1] == ['pusht_data']:
            return pusht_data(words[1:])
        if words[:1] == ['attribution']:
            return attribution(words[1:])
        if words[:1] == ['encoders']:
            return encoders(words[1:])
        arguments = parser().parse_args(words)
        from dp_core.memory import memory_advice

        with memory_advice(arguments.device, f'--batch {arguments.batch}', 'a smaller --batch'):
            return run(arguments)
    except DpError as error:
        sys.stderr.write(f'dp_eval: {error}\n')
        return 2
    except KeyboardInterrupt:
        sys.stderr.write('dp_eval: interrupted\n')
        return 130


if __name__ == '__main__':
    sys.exit(main())
