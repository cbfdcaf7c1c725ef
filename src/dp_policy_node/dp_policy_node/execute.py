# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_execute`: send one goal to /execute_policy, show its progress; Ctrl-C cancels it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Sequence
from contextlib import suppress
import sys
import time
from typing import Any
from uuid import uuid4

from action_msgs.msg import GoalInfo
from action_msgs.srv import CancelGoal
from dp_core.trajectory import SEAMS
from dp_msgs.action import ExecutePolicy
from dp_msgs.msg import PolicyStatus
from dp_policy_node.convert import duration_msg
from dp_policy_node.signals import when_ended
import rclpy
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from unique_identifier_msgs.msg import UUID

EXIT_SUCCESS, EXIT_FAILED, EXIT_REFUSED, EXIT_NO_SERVER, EXIT_CANCELED = 0, 1, 2, 3, 130
STATES = {
    getattr(ExecutePolicy.Feedback, name): name.lower()
    for name in ('WAITING', 'EXECUTING', 'STALLED', 'BRAKING')
}
CODES = {
    getattr(ExecutePolicy.Result, name): name
    for name in (
        'NONE',
        'CANCELED',
        'TIMEOUT',
        'PREEMPTED',
        'OBSERVATION_STALL',
        'INVALID_OBSERVATION',
        'JOINT_STATE_STALL',
        'CLOCK_JUMP',
        'LIMIT',
        'INFERENCE_FAILED',
        'CONTROLLER',
        'STOPPED',
        'DEACTIVATED',
        'EMERGENCY_STOP',
        'DEADMAN',
        'ROBOT_PROGRAM',
        'SAFETY_MODE',
        'SPEED_SCALING',
        'OVERRUN',
        'INTERNAL',
    )
}
# Longest wait for an answer of the server, and for the result of a cancelled goal [s].
ANSWER_S = 5.0
# The node tells its status ten times a second; after a silence this long it is gone [s].
SILENCE_S = 5.0
POLL_S = 0.05


def speed_scale(text: str) -> float:
    """Read a fraction of the demonstrated speed; 0 would be taken for 1, as no answer is."""
    value = float(text)
    if not 0.0 < value <= 1.0:
        raise argparse.ArgumentTypeError(f'{text} is no speed scale, valid: above 0, up to 1')
    return value


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog='dp_execute',
        description=__doc__,
        epilog=f'Exit code: {EXIT_SUCCESS} success, {EXIT_FAILED} the goal failed or timed out, '
        f'{EXIT_REFUSED} refused, {EXIT_NO_SERVER} no server or it died, '
        f'{EXIT_CANCELED} cancelled.',
    )
    result.add_argument('--policy', default='', help='name of a policy; default: the first')
    result.add_argument('--task', default='', help='what to do; default: the first of the policy')
    result.add_argument(
        '--timeout',
        type=float,
        default=0.0,
        metavar='S',
        help='longest time [s]; default: as the node says',
    )
    result.add_argument(
        '--speed-scale',
        type=speed_scale,
        default=1.0,
        metavar='X',
        help='fraction of the demonstrated speed, in (0, 1]; default: 1',
    )
    result.add_argument(
        '--seam',
        default='',
        choices=['', *SEAMS],
        help='how chunks are joined; default: as the node says',
    )
    result.add_argument(
        '--wait-server',
        type=float,
        default=10.0,
        metavar='S',
        help='wait this long for the node to be ready [s]; default: 10',
    )
    result.add_argument('--action', default='execute_policy', help='name of the action')
    result.add_argument('--node', default='policy_node', help='name of the policy node')
    return result


class Client:
    """One goal from sending to result."""

    def __init__(self, options: argparse.Namespace):
        """Create node and clients."""
        self._options = options
        self._node = Node('dp_execute')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._status: PolicyStatus | None = None
        self._heard_s = 0.0
        self._client = ActionClient(self._node, ExecutePolicy, options.action)
        self._goal_id = UUID(uuid=list(uuid4().bytes))
        self._cancels = self._node.create_client(
            CancelGoal, f'{options.action}/_action/cancel_goal'
        )
        self._node.create_subscription(PolicyStatus, f'{options.node}/status', self._on_status, 1)
        self.interrupted = False

    def close(self) -> None:
        """Leave."""
        self._executor.shutdown()
        self._node.destroy_node()

    def run(self) -> int:
        """Wait for the server, send the goal, show it; returns the exit code."""
        options = self._options
        if not self._spin_until(self._is_ready, options.wait_server):
            if self.interrupted:
                return EXIT_CANCELED
            _complain(self._why_not_ready())
            return EXIT_NO_SERVER
        goal = ExecutePolicy.Goal(
            policy=options.policy,
            task=options.task,
            seam=options.seam,
            timeout=duration_msg(round(options.timeout * 1e9)),
            speed_scale=options.speed_scale,
        )
        sending = self._client.send_goal_async(goal, self._show, self._goal_id)
        if not self._spin_until(sending.done, ANSWER_S, heed_interrupt=False):
            _complain('the server did not answer')
            return self._give_up()
        handle = sending.result()
        if not handle.accepted:
            self._spin_until(self._refusal, 0.5, heed_interrupt=False)
            _complain(self._refusal() or 'goal refused')
            return EXIT_REFUSED
        return self._finish(handle)

    def _give_up(self) -> int:
        """Cancel by the id of the goal: it may run, though nobody told us so."""
        request = CancelGoal.Request(goal_info=GoalInfo(goal_id=self._goal_id))
        cancelled = self._cancels.call_async(request)
        if self._spin_until(cancelled.done, ANSWER_S, heed_interrupt=False):
            is_found = bool(cancelled.result().goals_canceling)
            _complain('the goal was cancelled' if is_found else 'the goal does not run')
        else:
            _complain('nobody answered the cancel request: if the goal runs, it runs on')
        return EXIT_NO_SERVER

    def _finish(self, handle: Any) -> int:
        result = handle.get_result_async()
        self._heard_s = time.monotonic()
        self._spin_until(lambda: result.done() or self._is_silent(), None)
        if not result.done() and not self.interrupted:
            _tell('')
            _complain(
                f'node {self._options.node!r} is silent for {SILENCE_S:g} s; if it died, the arm '
                'goes to the end of what was sent and rests there: after 1.2 s at full speed, '
                'after 11.5 s at a speed scale of 0.1'
            )
            return self._give_up()
        if not result.done():
            _tell('\ncancelling ...')
            handle.cancel_goal_async()
            if not self._spin_until(result.done, ANSWER_S, heed_interrupt=False):
                _complain('no result after cancelling')
                return EXIT_CANCELED
        answer = result.result().result
        elapsed_s = answer.elapsed.sec + answer.elapsed.nanosec * 1e-9
        word = 'success'
        if answer.error_code != ExecutePolicy.Result.NONE:
            name = CODES.get(answer.error_code, 'unknown')
            word = f'{name} ({answer.error_code}): {answer.error_msg}'
        _tell(f'\n{word} after {elapsed_s:.1f} s, {answer.chunks} chunks')
        if answer.error_code == ExecutePolicy.Result.NONE:
            return EXIT_SUCCESS
        canceled = answer.error_code == ExecutePolicy.Result.CANCELED
        return EXIT_CANCELED if canceled else EXIT_FAILED

    def _show(self, message: Any) -> None:
        feedback = message.feedback
        elapsed_s = feedback.elapsed.sec + feedback.elapsed.nanosec * 1e-9
        line = (
            f'{elapsed_s:6.1f} s  {STATES[feedback.state]:<9}  chunk {feedback.chunks:<4d}  '
            f'observation {feedback.observation_age * 1e3:4.0f} ms  '
            f'inference {feedback.inference_time * 1e3:4.0f} ms'
        )
        _tell(line, '\r' if sys.stdout.isatty() else '\n')

    def _on_status(self, message: PolicyStatus) -> None:
        self._status = message
        self._heard_s = time.monotonic()

    def _is_silent(self) -> bool:
        return time.monotonic() - self._heard_s > SILENCE_S

    def _is_ready(self) -> bool:
        status = self._status
        usable = status is not None and status.state in (
            PolicyStatus.READY,
            PolicyStatus.EXECUTING,
        )
        return usable and self._client.server_is_ready()

    def _why_not_ready(self) -> str:
        if self._status is None:
            return f'no status of node {self._options.node!r}; is it running?'
        return f'the policy node is not ready: {self._status.reason or "not activated"}'

    def _refusal(self) -> str:
        reason = self._status.reason if self._status else ''
        return reason if reason.startswith('goal refused') else ''

    def _spin_until(
        self, done: Callable[[], Any], timeout_s: float | None, *, heed_interrupt: bool = True
    ) -> bool:
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not done():
            if heed_interrupt and self.interrupted:
                return False
            if end_s is not None and time.monotonic() > end_s:
                return False
            self._executor.spin_once(timeout_sec=POLL_S)
        return True


def _tell(line: str, end: str = '\n') -> None:
    """Print; a terminal that was closed must not keep a goal from being cancelled."""
    with suppress(OSError):
        print(line, end=end, flush=True)


def _complain(why: str) -> None:
    with suppress(OSError):
        print(f'dp_execute: {why}', file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    known = rclpy.utilities.remove_ros_args(args=list(arguments or sys.argv[1:]))
    options = parser().parse_args(known)
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    client = Client(options)

    def interrupt() -> None:
        client.interrupted = True

    when_ended(interrupt)
    try:
        return client.run()
    finally:
        client.close()
        rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(main())
