# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The same figures from real processes over ROS 2, in real time: a check of the simulated clock.

sim_node and policy_node run as in `dp_demo`; the controller's reference is heard at 500 Hz. Beside
each row stands that of the bench on the simulated clock, for the same seeds, where its .jsonl lies
beside the output.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import hashlib
from pathlib import Path
import shlex
import sys
import time

from dp_bringup.demo_client import chunk_record
from dp_bringup.fault_trials.record import MotionRecorder
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.record import wait
from dp_bringup.fault_trials.stack import JOINTS
from dp_bringup.fault_trials.stack import TrialStack
from dp_bringup.motion_bench.bench import circumstances_of
from dp_bringup.motion_bench.bench import Rows
from dp_bringup.motion_bench.figures import episode_figures
from dp_bringup.motion_bench.recording import Recording
from dp_bringup.motion_bench.report import Row
from dp_bringup.motion_bench.report import strategy_figures
from dp_bringup.motion_bench.strategies import OURS
from dp_bringup.motion_bench.world import Timing
from dp_bringup.share import policy_folder
from dp_core.checkpoint import WEIGHTS_FILE
from dp_core.chunk import ActionChunk
from dp_core.errors import DpError
from dp_core.evaluation.cli import parse_seeds
from dp_core.evaluation.report import machine
from dp_core.evaluation.report import write_json
from dp_msgs.msg import ActionChunk as ActionChunkMessage
from dp_msgs.msg import PolicyStatus
from dp_policy_node.convert import duration_msg
import numpy as np

PERIOD_NS = 2_000_000  # of the controller [ns]
SETTLE_S = 0.5  # after a reset [s]
PATIENCE_S = 15.0  # beyond the limit of an episode [s]


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog='python -m dp_bringup.motion_bench.over_ros',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add('--seeds', default='500000:500005', help='first:end or a,b,c; default 500000:500005')
    add('--delays', type=float, nargs='+', default=[0.0, 0.1, 0.3], metavar='S')
    add('--seams', nargs='+', choices=list(OURS), default=['fade'], metavar='NAME')
    add('--limit-s', type=float, default=60.0, help='longest episode; default: 60')
    add('--output', type=Path, default=Path('out/bench/motion_ros.json'))
    add('--bench', type=Path, default=Path('out/bench/motion.json'), help='to compare with')
    return result


def run_episode(stack: TrialStack, seed: int, seam: str, limit_s: float) -> Row:
    """Let the stack push the T once, and return the row of the episode.

    Raises:
        TrialError: the stack does not answer, or refuses the goal.
    """
    client, motion = stack.client, stack.client.motion
    stack.restore()
    client.wait_status(PolicyStatus.READY)
    client.reset_scene(seed)
    motion.simulate(SETTLE_S)
    ready = client.wait_status(PolicyStatus.READY)
    scene = wait(lambda: client.scene, 'the scene')
    motion.clear()
    begin_s = time.monotonic()
    timeout = duration_msg(round(limit_s * 1e9))
    goal = client.send(stack.speed_scale, seam=seam, timeout=timeout)
    if goal is None:
        raise TrialError(f'the goal for seed {seed} was refused')
    wait(lambda: goal.result, f'the end of seed {seed}', limit_s + PATIENCE_S)
    duration_s = goal.ended_s - begin_s
    score = client.scene.score
    after = client.wait_status(PolicyStatus.READY)
    recording = heard(motion, seed)
    recording.best_score = score
    recording.expired = int(after.expired_chunks - ready.expired_chunks)
    recording.late_ticks = int(client.scene.late_ticks - scene.late_ticks)
    recording.rejected = int(client.scene.rejected_messages - scene.rejected_messages)
    row = episode_figures(recording)
    return {**row, 'duration_s': round(duration_s, 3), 'seed': seed}


def heard(motion: MotionRecorder, seed: int) -> Recording:
    """Return what was heard of one goal, at every period of the controller.

    Raises:
        TrialError: chunks and trajectories were not heard in pairs.
    """
    sent = [message for message in motion.sent if not message.is_brake]
    if len(sent) != len(motion.plans):
        raise TrialError(f'{len(sent)} trajectories were heard, and {len(motion.plans)} chunks')
    ticks = motion.take()
    stamps_ns = np.round(ticks.stamps_s * 1e9).astype(np.int64)
    since_s = (stamps_ns - stamps_ns[0]) * 1e-9
    grid_ns = np.arange(0, stamps_ns[-1] - stamps_ns[0], PERIOD_NS)
    columns = np.concatenate([ticks.positions, ticks.velocities], axis=1).T
    values = np.stack([np.interp(grid_ns * 1e-9, since_s, column) for column in columns], axis=1)
    references = np.zeros((len(grid_ns), 3, len(JOINTS)))
    references[:, :2] = values.reshape(len(grid_ns), 2, len(JOINTS))
    recording = Recording(seed, len(grid_ns), len(JOINTS), PERIOD_NS)
    recording.accepted = len(sent)
    starts = [*zip((s.stamp_ns for s in sent), map(chunk_of, motion.plans), strict=True)]
    for at_ns, reference in zip((stamps_ns[0] + grid_ns).tolist(), references):
        while starts and starts[0][0] < at_ns:
            recording.take_over(starts.pop(0)[1], at_ns)
        recording.tick(at_ns, 0, reference, False)
    return recording


def chunk_of(message: ActionChunkMessage) -> ActionChunk:
    """Return the planned steps of a message."""
    record = chunk_record(message)
    times_ns = record.times_ns
    return ActionChunk(
        stamp_ns=int(times_ns[0]),
        step_ns=int(times_ns[1] - times_ns[0]),
        offset_ns=0,
        joint_names=tuple(message.joint_names),
        positions=record.positions,
        actions=np.asarray(message.actions).reshape(len(times_ns), -1),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(words)
    seeds = parse_seeds(options.seeds)
    weights = (policy_folder('state') / WEIGHTS_FILE).read_bytes()
    stepped = Rows(options.bench.with_suffix('.jsonl'), ())
    tables: dict[str, dict[str, dict[str, Row]]] = {}
    try:
        for delay_s in options.delays:
            timing = Timing(delay_s=delay_s, limit_s=options.limit_s)
            common = circumstances_of(timing, hashlib.sha256(weights).hexdigest())
            logs = options.output.with_name('motion_ros') / f'{1e3 * delay_s:.0f}'
            table = tables[f'{1e3 * delay_s:.0f} ms'] = {}
            with TrialStack('state', logs, inference_delay=delay_s) as stack:
                for seam in options.seams:
                    rows = [run_episode(stack, s, seam, options.limit_s) for s in seeds]
                    same = stepped.of({'strategy': seam, **common}, seeds)
                    table[seam] = {'over_ros': strategy_figures(rows)}
                    if len(same) == len(seeds):
                        table[seam]['simulated_clock'] = strategy_figures(same)
                    print(f'{seam}, {1e3 * delay_s:.0f} ms: {table[seam]}', flush=True)
        command = shlex.join(['python', '-m', 'dp_bringup.motion_bench.over_ros', *words])
        head = {'command': command, 'machine': machine(), 'seeds': list(seeds)}
        write_json(options.output, {**head, 'delays': tables})
    except DpError as error:
        print(f'over_ros: {error}', file=sys.stderr)
        return 1
    print(f'written: {options.output}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
