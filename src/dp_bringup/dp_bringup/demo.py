# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_demo`: run episodes over ROS, all nodes in processes of their own, and write what happened.

Into the output folder: summary.json (figures), episodes.npz (the block's way; `--rescore` computes
the scores from it), chunks.npz (every chunk; `python -m dp_bringup.motion_plot` draws them),
episode.png, strip.png and video.mp4 (pictures), episodes/ (all that the scene logged), logs/
(what the nodes printed).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import os
from pathlib import Path
import shlex
import sys
import time
from typing import Any

from dp_bringup.run_local import Interrupt
from dp_bringup.run_local import LocalStack
from dp_bringup.share import DEFAULT_POLICY
from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_core.errors import DpError

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130
LINE_PERIOD_S = 5.0  # between lines of progress where the output is no terminal


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog='dp_demo', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = result.add_argument
    add('--episodes', type=int, default=3, metavar='N', help='how many; default: 3')
    add('--seed', type=int, default=0, metavar='N', help='of the first start; default: 0')
    add('--policy', default=DEFAULT_POLICY, help='camera, state or a checkpoint; default: camera')
    add(
        '--seam',
        default='fade',
        help='how chunks are joined: fade, replace, ensemble, rtc, warm_start; default: fade',
    )
    add('--inference-delay', type=float, default=0.0, metavar='S', help='added; default: 0')
    add('--time-limit', type=float, default=60.0, metavar='S', help='of an episode; default: 60')
    add('--output', type=Path, default=Path('out/demo'), help='folder; default: out/demo')
    add('--domain', type=int, metavar='N', help='of ROS; default: one of its own, met by nobody')
    add('--no-video', action='store_true', help='write figures and the plot only')
    add('--rescore', type=Path, metavar='FILE', help='only print the scores in an episodes.npz')
    return result


class Progress:
    """What a person sees while an episode runs: one line, or some where nobody watches."""

    def __init__(self, title: str) -> None:
        """Begin an episode."""
        self._title = title
        self._is_terminal = sys.stdout.isatty()
        self._next_s = 0.0

    def show(self, text: str, *, is_last: bool = False) -> None:
        """Show how far it is."""
        if not is_last and time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + (0.2 if self._is_terminal else LINE_PERIOD_S)
        start, end = ('\r\033[K', '\n' if is_last else '') if self._is_terminal else ('', '\n')
        print(f'{start}{self._title}  {text}', end=end, flush=True)


def run_episodes(
    options: argparse.Namespace, interrupt: Interrupt, environment: dict[str, str]
) -> tuple[list[Any], int]:
    """Start the stack, run all episodes, stop it; return their records and the expired chunks."""
    from dp_bringup.demo_client import DemoClient
    from dp_bringup.demo_client import goal_message
    from dp_bringup.demo_client import InterruptedRunError
    from dp_bringup.stacks import Ur5Pusht
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    goal = goal_message(options.time_limit, options.seam)
    stack = Ur5Pusht(
        policy=options.policy,
        seed=options.seed,
        seam=options.seam,
        inference_delay=options.inference_delay,
        log_dir=str((options.output / 'episodes').resolve()),
    )
    records = []
    with LocalStack(stack.nodes(), options.output / 'logs', environment, interrupt) as processes:

        def check() -> None:
            if interrupt:
                raise InterruptedRunError('interrupted')
            processes.check()

        print(f'starting {", ".join(processes.pids)} (their output: {options.output / "logs"})')
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        client = DemoClient(check)
        try:
            client.wait_until_ready()
            expired_before = client.status.expired_chunks
            for number in range(options.episodes):
                seed = options.seed + number
                progress = Progress(f'episode {number + 1}/{options.episodes}  seed {seed}')
                client.reset(seed)
                record = client.run_goal(seed, goal, lambda f, p=progress: feedback(f, client, p))
                progress.show(ending(record), is_last=True)
                records.append(record)
        finally:
            client.close()
            rclpy.try_shutdown()
    return records, expired_before


def feedback(message: Any, client: Any, progress: Progress) -> None:
    """Show one feedback message."""
    elapsed_s = message.elapsed.sec + message.elapsed.nanosec * 1e-9
    scene = client.scene
    progress.show(
        f'{elapsed_s:5.1f} s  coverage {scene.coverage:4.0%} (best {scene.max_coverage:4.0%})  '
        f'chunk {message.chunks:<3d} inference {1e3 * message.inference_time:4.0f} ms  '
        f'observation {1e3 * message.observation_age:4.0f} ms  late ticks {scene.late_ticks}'
    )


def ending(record: Any) -> str:
    """Return the line that stays."""
    words = f'{record.outcome.lower()}' + (f' ({record.reason})' if record.reason else '')
    return (
        f'score {record.score:.3f}  best coverage {record.max_coverage:4.0%}  '
        f'{len(record.chunks)} chunks  late ticks {record.scene.late_ticks}  {words}'
    )


def write_results(
    options: argparse.Namespace, records: Sequence[Any], expired: int, interrupt: Interrupt
) -> None:
    """Write figures first, then what costs time."""
    from dp_bringup.chunk_log import write_chunks
    from dp_bringup.demo_summary import complaints
    from dp_bringup.demo_summary import summarize
    from dp_bringup.rescore import rescore
    from dp_bringup.rescore import write_episodes
    from dp_core.evaluation.report import machine
    from dp_core.evaluation.report import write_json
    from dp_sim import scene
    import numpy as np

    folder = options.output
    logs = load_logs(folder / 'episodes', records)
    plan = np.asarray(scene.GOAL_POSE), np.asarray(scene.BLOCK_CORNERS)
    write_episodes(folder / 'episodes.npz', logs, *plan, scene.SUCCESS_COVERAGE)
    write_chunks(folder / 'chunks.npz', [record.chunks for record in records])
    scores = list(rescore(folder / 'episodes.npz').values())
    protocol = {
        'policy': options.policy,
        'seam': options.seam,
        'inference_delay_s': options.inference_delay,
        'time_limit_s': options.time_limit,
        'command': options.command,
        'load_average_before': options.load,
        'machine': machine(),
    }
    summary = summarize(records, scores, expired, protocol)
    write_json(folder / 'summary.json', summary)
    low, high = summary['score_ci95']
    print(
        f'score {summary["score_mean"]:.3f} (95 % interval {low:.3f} to {high:.3f}), '
        f'{len(scores)} episodes, real-time factor {summary["realtime_factor"]:.3f}'
    )
    for line in complaints(summary):
        print(f'note: {line}')
    write_pictures(options, logs, records, plan, interrupt)
    written = sorted(p.name for p in folder.iterdir() if p.is_file())
    print(f'written to {folder}: {", ".join(written)}')


def load_logs(folder: Path, records: Sequence[Any]) -> list[Any]:
    """Read what the scene logged of each record's goal."""
    from dp_bringup.episode_log import EpisodeLog
    from dp_bringup.episode_log import goal_logs

    paths = goal_logs(folder)
    missing = [record.seed for record in records if record.seed not in paths]
    if missing:
        raise DatasetError(f'{folder} holds no goal of the seeds {missing}')
    return [EpisodeLog.load(paths[record.seed]) for record in records]


def write_pictures(
    options: argparse.Namespace,
    logs: Sequence[Any],
    records: Sequence[Any],
    plan: Any,
    interrupt: Interrupt,
) -> None:
    """Write the plot and, where this machine can render, film strip and video."""
    from dp_bringup.demo_client import InterruptedRunError
    from dp_bringup.episode_plot import PICTURES
    from dp_bringup.episode_plot import plot_episode
    from dp_bringup.film import Film
    from dp_bringup.film import FilmError
    from dp_bringup.film import FRAMES_PER_S
    from dp_bringup.film import strip_times
    from dp_bringup.film import video_frames
    from dp_bringup.film import write_strip
    from dp_core.evaluation.video import VideoError
    from dp_core.evaluation.video import write_video

    film, pictures = None, []
    try:
        film = Film()
        pictures = [(t, film.picture(logs[0], t)) for t in strip_times(logs[0], PICTURES)]
        write_strip(options.output / 'strip.png', [image for _, image in pictures])
    except FilmError as error:
        print(error, file=sys.stderr)
    plot_episode(options.output / 'episode.png', logs[0], records[0], pictures, plan)
    if film is None or options.no_video:
        return
    progress = Progress('video')

    def show(part: float) -> None:
        if interrupt:
            raise InterruptedRunError('interrupted')
        progress.show(f'{part:4.0%}')

    try:
        frames = video_frames(film, logs, show)
        write_video(options.output / 'video.mp4', frames, FRAMES_PER_S)
        progress.show('done', is_last=True)
    except VideoError as error:
        print(error, file=sys.stderr)
    finally:
        film.close()


def prepare(options: argparse.Namespace) -> None:
    """Check the numbers and clear what an earlier run left in the output folder."""
    if not 1 <= options.episodes <= 1000:
        raise ConfigError(f'--episodes is {options.episodes}, valid: 1 to 1000')
    figures = ('summary.json', 'episodes.npz', 'chunks.npz')
    stale = [options.output / name for name in (*figures, 'episode.png', 'strip.png', 'video.mp4')]
    for path in [*stale, *(options.output / 'episodes').glob('episode_*_seed_*.npz')]:
        path.unlink(missing_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)


def run(options: argparse.Namespace, interrupt: Interrupt) -> int:
    """Do what the command line says; returns the exit code."""
    from dp_bringup.demo_client import InterruptedRunError
    from dp_bringup.rescore import rescore
    from dp_bringup.ros_domain import environment_of
    from dp_bringup.stacks import dds_environment

    if options.rescore is not None:
        for seed, score in rescore(options.rescore).items():
            print(f'seed {seed}: {score:.6f}')
        return 0
    prepare(options)
    own = {k: v for k, v in dds_environment().items() if k not in os.environ}
    os.environ.update(own | environment_of(options.domain))
    try:
        records, expired = run_episodes(options, interrupt, dict(os.environ))
        write_results(options, records, expired, interrupt)
    except InterruptedRunError:
        print('\ninterrupted: goal cancelled, all nodes have ended')
        return EXIT_INTERRUPTED
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with Interrupt() as interrupt:
        options = parser().parse_args(words)
        options.command = shlex.join(['dp_demo', *words])
        options.load = round(os.getloadavg()[0], 2)  # what else ran on this machine
        try:
            return run(options, interrupt)
        except DpError as error:
            print(f'\ndp_demo: {error}', file=sys.stderr)
            return EXIT_FAILED


if __name__ == '__main__':
    sys.exit(main())
