# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Which faults are tried, what each must lead to, and a seeded plan of trials. Pure."""

from __future__ import annotations

from dataclasses import dataclass
import random

from dp_core.errors import ConfigError

# The goal runs on as if nothing had happened; the process died and can tell nothing.
GOES_ON, DIED = 'GOES_ON', 'DIED'
STALLS = ('JOINT_STATE_STALL', 'OBSERVATION_STALL')
UNHEARD = ('DEADMAN', 'EMERGENCY_STOP')  # by a node that could not listen
# Longest time from a fault to the brake [s]: a cancel; what is wrong at once; what cannot be used,
# and is bridged for `stall_timeout`; a process that died and cannot brake.
CANCEL_S, AT_ONCE_S, STALL_S, BLIND_S = 0.05, 0.1, 0.6, 1.0
SLOW_S = 0.3  # a robot may be slow for 0.2 s
# A goal runs for so long before the fault comes, at least and at most, from its first motion [s].
EARLIEST_S, LATEST_S = 0.0, 3.0
SCENE_SEEDS = range(10_000, 1_000_000)


@dataclass(frozen=True)
class FaultKind:
    """One way to fail.

    Attributes:
        name: of the kind.
        stack: 'state', 'clock' (the same policy on a simulated clock) or 'camera'.
        weight: trials of 200.
        verb, argument, seconds: what is done, see `act.py`; 0 s: until it is cleared.
        outcomes: codes of the goal's result that are right, or GOES_ON, DIED.
        react_s: longest time until the arm is braked, or the last chunk's tail begins [s].
        refuses: a new goal must be refused while the fault lasts.
        halts: the robot stops or slows the arm itself, as hard as it likes.
        text: what happens, for the table.
    """

    name: str
    stack: str
    weight: int
    verb: str
    argument: str
    seconds: float
    outcomes: tuple[str, ...]
    react_s: float
    refuses: bool
    text: str
    halts: bool = False


@dataclass(frozen=True)
class TrialPlan:
    """One trial.

    Attributes:
        number: in the series, from 0.
        stack, kind: of the fault.
        scene_seed: of the start.
        delay_s: from the goal's first motion to the fault [s].
    """

    number: int
    stack: str
    kind: str
    scene_seed: int
    delay_s: float


def _scene(name: str, weight: int, fault: str, outcome: str, text: str) -> FaultKind:
    """Return a fault that the scene plays until it is cleared, and that stops the arm."""
    waits = outcome.endswith('STALL') or fault == 'stamps_future'
    react_s = STALL_S if waits else AT_ONCE_S
    return FaultKind(name, 'state', weight, 'scene', fault, 0.0, (outcome,), react_s, True, text)


def _bridged(name: str, weight: int, verb: str, word: str, text: str, s: float = 0.3) -> FaultKind:
    return FaultKind(name, 'state', weight, verb, word, s, (GOES_ON,), 0.0, False, text)


def _signals() -> tuple[FaultKind, ...]:
    """Return what operator and robot say."""

    def operator(name: str, weight: int, act: str, outcome: str, text: str) -> FaultKind:
        react_s = STALL_S if act.startswith('lose') else AT_ONCE_S
        row = FaultKind
        return row(name, 'state', weight, 'operator', act, 0.0, (outcome,), react_s, True, text)

    def robot(weight: int, fault: str, outcome: str, react_s: float, text: str) -> FaultKind:
        refuses = outcome != 'CONTROLLER'
        outcomes = (outcome,)
        return FaultKind(
            fault, 'state', weight, 'scene', fault, 0.0, outcomes, react_s, refuses, text, True
        )

    stop, slow = 'EMERGENCY_STOP', 'SPEED_SCALING'
    return (
        operator('emergency_stop', 5, 'press', stop, 'the emergency stop is pressed'),
        operator('emergency_stop_lost', 3, 'lose_stop', stop, 'the emergency stop is silent'),
        operator('deadman_let_go', 5, 'let_go', 'DEADMAN', 'the deadman switch is let go'),
        operator('deadman_lost', 3, 'lose_deadman', 'DEADMAN', 'the deadman switch is silent'),
        robot(5, 'program_stops', 'ROBOT_PROGRAM', AT_ONCE_S, 'the program of the robot stops'),
        robot(3, 'speed_slider_10', slow, SLOW_S, 'the speed slider is moved to 10 %'),
        robot(4, 'controller_inactive', 'CONTROLLER', 3.0, 'the controller is deactivated'),
    )


def _data() -> tuple[FaultKind, ...]:
    """Return what is wrong with observations, stamps, clock and controller."""
    invalid, jump = 'INVALID_OBSERVATION', 'CLOCK_JUMP'
    row = FaultKind
    return (
        _bridged('joint_states_gap', 6, 'scene', 'joint_states_stop', 'no joint states, 0.3 s'),
        _scene('joint_states_stop', 7, 'joint_states_stop', STALLS[0], 'no joint states'),
        _bridged('joint_states_shuffled', 5, 'scene', 'joint_states_shuffled', 'joints reversed'),
        _scene('joint_states_missing', 5, 'joint_states_missing', invalid, 'a joint is missing'),
        _scene('joint_states_nan', 6, 'joint_states_nan', invalid, 'a joint is NaN'),
        _bridged('block_pose_gap', 6, 'scene', 'block_pose_stop', 'no block poses, 0.3 s'),
        _scene('block_pose_stop', 6, 'block_pose_stop', STALLS[1], 'no block poses'),
        _scene('block_pose_nan', 6, 'block_pose_nan', invalid, 'the block is at NaN'),
        _scene('stamps_future', 6, 'stamps_future', jump, 'stamps 5 s in the future'),
        _scene('stamps_past', 5, 'stamps_past', STALLS[0], 'stamps 2 s in the past'),
        row('controller_deaf', 'state', 6, 'scene', 'controller_deaf', 0.0, ('CONTROLLER',), 3.0,
            False, 'the controller hears no trajectory'),
        row('clock_forward', 'clock', 5, 'scene', 'clock_forward', 0.0, (jump,), AT_ONCE_S, False,
            'the clock jumps 2 s ahead'),
        row('clock_backward', 'clock', 5, 'scene', 'clock_backward', 0.0, (jump,), AT_ONCE_S,
            False, 'the clock jumps 2 s back'),
    )  # fmt: skip


def _requests() -> tuple[FaultKind, ...]:
    row = FaultKind
    return (
        row('cancel', 'state', 10, 'call', 'cancel', 0.0, ('CANCELED',), CANCEL_S, False,
            'the client cancels'),
        row('stop', 'state', 7, 'call', 'stop', 0.0, ('STOPPED',), CANCEL_S, True,
            '~/stop is called'),
        row('deactivate', 'state', 5, 'call', 'deactivate', 0.0, ('DEACTIVATED',), AT_ONCE_S, True,
            'the node is deactivated'),
        row('second_goal', 'state', 4, 'call', 'second_goal', 0.0, (GOES_ON,), 0.0, False,
            'another goal is sent'),
    )  # fmt: skip


def _processes() -> tuple[FaultKind, ...]:
    """Return what dies, hangs or starves."""
    lost = (*STALLS, 'CONTROLLER', 'CLOCK_JUMP')
    starved = (GOES_ON, 'INFERENCE_FAILED', 'OVERRUN', *UNHEARD, *STALLS)
    row = FaultKind
    return (
        row('client_interrupted', 'state', 5, 'client', 'SIGINT', 0.0, ('CANCELED',), 0.3, False,
            'dp_execute gets Ctrl-C'),
        row('client_killed', 'state', 4, 'client', 'SIGKILL', 0.0, (GOES_ON,), 0.0, False,
            'dp_execute is killed'),
        row('node_interrupted', 'state', 5, 'signal', 'policy_node SIGINT', 0.0, ('DEACTIVATED',),
            0.2, False, 'the policy node gets Ctrl-C'),
        row('node_killed', 'state', 6, 'signal', 'policy_node SIGKILL', 0.0, (DIED,), BLIND_S,
            False, 'the policy node is killed'),
        _bridged('node_frozen_briefly', 6, 'pause', 'policy_node', 'SIGSTOP of the node, 0.3 s'),
        row('node_frozen', 'state', 7, 'pause', 'policy_node', 1.5,
            ('INFERENCE_FAILED', 'OVERRUN', *UNHEARD, *STALLS), BLIND_S, False,
            'SIGSTOP of the node, 1.5 s'),
        row('node_starved', 'state', 5, 'starve', 'policy_node', 4.0, starved, 4.5, False,
            'the node gets 8 % of its time, 4 s'),
        row('policy_killed', 'state', 4, 'signal', 'policies SIGKILL', 0.0, ('INFERENCE_FAILED',),
            BLIND_S, False, 'the process of the policy is killed'),
        row('policy_frozen', 'state', 4, 'pause', 'policies', 3.0, ('INFERENCE_FAILED',), 3.1,
            False, 'SIGSTOP of the process of the policy, 3 s'),
        row('scene_killed', 'state', 5, 'signal', 'sim_node SIGKILL', 0.0, lost, 0.7, True,
            'robot and controller are gone'),
        row('scene_frozen', 'state', 5, 'pause', 'sim_node', 2.0, lost, STALL_S, False,
            'robot and controller hang, 2 s'),
    )  # fmt: skip


def _cameras() -> tuple[FaultKind, ...]:
    row = FaultKind
    return (
        row('camera_gap', 'camera', 4, 'scene', 'front_camera_stop', 0.3, (GOES_ON,), 0.0, False,
            'cameras: one is silent, 0.3 s'),
        row('camera_stop', 'camera', 5, 'scene', 'front_camera_stop', 0.0, (STALLS[1],), STALL_S,
            True, 'cameras: one is dead'),
        row('camera_stamps_future', 'camera', 3, 'scene', 'stamps_future', 0.0, ('CLOCK_JUMP',),
            STALL_S, True, 'cameras: stamps 5 s in the future'),
        row('camera_block_nan', 'camera', 3, 'scene', 'block_pose_nan', 0.3, (GOES_ON,), 0.0,
            False, 'cameras: NaN in a pose not seen'),
        row('camera_cancel', 'camera', 1, 'call', 'cancel', 0.0, ('CANCELED',), CANCEL_S, False,
            'cameras: the client cancels'),
    )  # fmt: skip


_ALL = (*_data(), *_requests(), *_signals(), *_processes(), *_cameras())
KINDS = {kind.name: kind for kind in _ALL}
STACKS = ('state', 'clock', 'camera')


def share(trials: int) -> dict[str, int]:
    """Divide trials among the kinds by weight, the largest remainders first."""
    total = sum(kind.weight for kind in KINDS.values())
    exact = {name: trials * kind.weight / total for name, kind in KINDS.items()}
    counts = {name: int(value) for name, value in exact.items()}
    names = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in names[: trials - sum(counts.values())]:
        counts[name] += 1
    return counts


def plan_trials(trials: int, seed: int, only: tuple[str, ...] = ()) -> tuple[TrialPlan, ...]:
    """Return the series: stack by stack, and within each in random order.

    Args:
        trials: how many.
        seed: of order, starts and moments.
        only: kinds to try, `trials` of each; none for all by their weights.

    Raises:
        ConfigError: a number that is not positive, or an unknown kind.
    """
    if trials < 1:
        raise ConfigError(f'trials is {trials}, valid: a positive number')
    unknown = sorted(set(only) - set(KINDS))
    if unknown:
        raise ConfigError(f'faults {unknown} are unknown, valid: {list(KINDS)}')
    counts = dict.fromkeys(only, trials) if only else share(trials)
    generator = random.Random(seed)
    plans: list[TrialPlan] = []
    for stack in STACKS:
        names = [n for n, count in counts.items() if KINDS[n].stack == stack for _ in range(count)]
        generator.shuffle(names)
        for name in names:
            start = generator.choice(SCENE_SEEDS)
            delay_s = round(generator.uniform(EARLIEST_S, LATEST_S), 3)
            plans.append(TrialPlan(len(plans), stack, name, start, delay_s))
    return tuple(plans)
