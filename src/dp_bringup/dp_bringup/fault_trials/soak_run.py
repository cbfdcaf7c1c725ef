# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Goals one after another, and a random fault every few seconds that may kill the stack."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
import random
import signal
import sys
import time
from typing import Any

from dp_bringup.fault_trials.act import clear
from dp_bringup.fault_trials.act import inject
from dp_bringup.fault_trials.client import Goal
from dp_bringup.fault_trials.holding import Hold
from dp_bringup.fault_trials.holding import HoldFile
from dp_bringup.fault_trials.plan import FaultKind
from dp_bringup.fault_trials.plan import SCENE_SEEDS
from dp_bringup.fault_trials.record import TrialError
from dp_bringup.fault_trials.soak_book import Book
from dp_bringup.fault_trials.soak_book import FaultSpan
from dp_bringup.fault_trials.soak_book import Finding
from dp_bringup.fault_trials.soak_book import GoalEnding
from dp_bringup.fault_trials.soak_book import MotionWatch
from dp_bringup.fault_trials.soak_plan import DIED
from dp_bringup.fault_trials.soak_plan import draw
from dp_bringup.fault_trials.soak_plan import FAULTS
from dp_bringup.fault_trials.soak_plan import SoakFault
from dp_bringup.fault_trials.stack import TrialStack
from dp_bringup.processes import ChildProcess
from dp_msgs.msg import PolicyStatus
from dp_policy_node.execute import CODES

# From one fault to the next while a goal runs [s].
GAP_S = (1.0, 4.0)
REACTION_S = 10.0  # a goal that a fault must end runs no longer [s]
LINGER_S = (0.1, 1.0)  # a fault that ended a goal goes on for so long [s]
SCENE_EACH = 6  # goals in one scene, at most
NEAR_S = 5.0  # what happened so long before a finding is told with it [s]
POLL_S = 0.02
MEMORY_HOG = """
import sys
import time

size, seconds = int(sys.argv[1]) * 2**20, float(sys.argv[2])
block, end_s = bytearray(size), time.monotonic() + seconds
while time.monotonic() < end_s:
    for k in range(0, size, 4096):
        block[k] = 1
    time.sleep(0.02)
"""


class Soak:
    """The run; everything that happened is in `log`, and judged in `book` and `watch`."""

    def __init__(
        self,
        stack: TrialStack,
        file: HoldFile,
        seed: int,
        tell: Callable[[str], None],
        without: Collection[str] = (),
    ) -> None:
        """Prepare; ``tell`` is given every line of the log, ``without`` names faults left out."""
        self._stack, self._file, self._tell, self._without = stack, file, tell, without
        self._client, self._motion = stack.client, stack.client.motion
        self._generator = random.Random(seed)
        self._begin_s = time.time()
        self._goals = self._in_scene = 0
        self._hog: ChildProcess | None = None
        self._hold_until_s = 0.0
        self._goal: Goal | None = None
        self.book = Book()
        self.watch = MotionWatch(stack.limits)
        self.log: list[dict[str, Any]] = []
        self.findings: list[Finding] = []  # that are not of the motion
        self.troubles = 0
        self._late: list[float] = []

    @property
    def goals(self) -> int:
        """How many goals were accepted."""
        return self._goals

    @property
    def late_s(self) -> list[float]:
        """How long after it was to begin each chunk was heard [s]."""
        return [*self._late, *(late_s for _, late_s in self._motion.late)]

    def run(self, over: Callable[[], bool]) -> None:
        """Run goals until it is ``over``."""
        while not over():
            try:
                self._run_goal(over)
            except TrialError as error:  # the stack is silent: go on with another one
                self.troubles += 1
                self._note('trouble', str(error))
                for name in ('policy_node', 'sim_node'):
                    self._stack.stop(name)
                self.watch.must_rest(time.time())
        self._end_hog()

    def _run_goal(self, over: Callable[[], bool]) -> None:
        """One goal, from a stack that is ready to an arm at rest."""
        self._make_ready()
        self.watch.goal_begins(time.time())
        self._motion.sent = []
        self._late += [late_s for _, late_s in self._motion.late]
        self._motion.late = []
        self._goal = self._client.send(self._stack.speed_scale)
        if self._goal is None:
            self.watch.must_rest(time.time())
            self._note('refused', self._client.status.reason if self._client.status else '')
            return
        self._goals += 1
        self._in_scene += 1
        fault: SoakFault | None = None
        while not self._is_over() and fault is None:
            if over():
                fault = self._disturb(FAULTS['cancel'], 0.0)
                break
            self._pause(self._generator.uniform(*GAP_S))
            if not self._is_over():
                fault = self._disturb(*draw(self._generator, self._without))
        self._see_end(fault)

    def _make_ready(self) -> None:
        """Bring up what does not run, end all faults, and now and then reset the scene."""
        fresh = [name for name in ('sim_node', 'policy_node') if not self._stack.is_running(name)]
        self._stack.restore()
        self._client.wait_status(PolicyStatus.READY)
        self._client.wait_services()
        self._observe()
        if fresh or self._in_scene >= SCENE_EACH:
            self._client.reset_scene(self._generator.choice(SCENE_SEEDS))
            self._motion.simulate(0.3)
            self._motion.take()  # from one scene to another
            self.watch.cut()
            self._in_scene = 0
            self._client.wait_status(PolicyStatus.READY)

    def _disturb(self, fault: SoakFault, seconds: float) -> SoakFault | None:
        """Play a fault; returns it where it has ended the goal, or must."""
        begin_s = time.time()
        # Explained from now on, however long it takes to bring about.
        self.book.faults.append(FaultSpan(fault.name, begin_s, begin_s + 60.0))
        self._bring_about(fault, seconds)
        end_s = max(time.time(), begin_s + seconds)
        self.book.faults[-1] = FaultSpan(fault.name, begin_s, end_s)
        self._note('fault', fault.name, seconds=seconds)
        if fault.ends:
            self._wait_for_end(fault)
            return fault
        self._pause(end_s - time.time())
        self._end_hog()
        self._file.order(Hold())
        return fault if self._is_over() else None

    def _bring_about(self, fault: SoakFault, seconds: float) -> None:
        if fault.verb == 'hold':
            kind, _, length = fault.argument.partition(':')
            self._file.order(Hold(kind, float(length)))
        elif fault.verb == 'memory':
            words = [sys.executable, '-c', MEMORY_HOG, fault.argument, str(seconds)]
            self._hog = self._stack.start_beside('memory', words)
        else:
            inject(self._stack, _kind(fault, seconds))

    def _wait_for_end(self, fault: SoakFault) -> None:
        end_s = time.monotonic() + REACTION_S
        while not self._is_over() and time.monotonic() < end_s:
            self._pause(POLL_S)
        if not self._is_over():
            self._find(f'{fault.name} did not end the goal within {REACTION_S:g} s')
            now_s = time.time()
            self.book.faults.append(FaultSpan('cancel', now_s, now_s))
            self._client.cancel_all()
            end_s = time.monotonic() + REACTION_S
            while not self._is_over() and time.monotonic() < end_s:
                self._pause(POLL_S)

    def _see_end(self, fault: SoakFault | None) -> None:
        """Write down how the goal ended, wait for rest, and undo the fault."""
        ending = self._ending()
        if fault is not None and fault.low_s:  # it goes on for a while, and the arm must rest
            self._pause(self._generator.uniform(*LINGER_S))
            span = self.book.faults[-1]
            self.book.faults[-1] = FaultSpan(span.name, span.begin_s, time.time())
        self.book.endings.append(ending)
        by = self.book.explanation(ending)
        self._note('ending', ending.code, reason=ending.reason, by=by)
        self.watch.must_rest(self.book.rest_by(ending))
        if self._stack.is_running('sim_node'):
            self._wait_for_rest(self.book.rest_by(ending))
        if ending.code == 'NONE':
            self._in_scene = SCENE_EACH
        if fault is not None and fault.verb not in ('hold', 'memory'):
            clear(self._stack, _kind(fault, 0.0))
        self._file.order(Hold())
        self._end_hog()
        if fault is not None and fault.argument.startswith('sim_node SIGKILL'):
            self._motion.take()
            self.watch.cut()

    def _wait_for_rest(self, by_s: float) -> None:
        while self._motion.speed > 0.0 and time.time() < by_s + 1.0:
            self._pause(POLL_S)
        self._observe()

    def _ending(self) -> GoalEnding:
        result = self._goal.result if self._goal is not None else None
        if result is None:  # who would tell has died
            return GoalEnding(time.time(), DIED)
        ago_s = time.monotonic() - self._goal.ended_s
        return GoalEnding(time.time() - ago_s, CODES[result.error_code], result.error_msg)

    def _is_over(self) -> bool:
        done = self._goal is None or self._goal.result is not None
        return done or not self._stack.is_running('policy_node')

    def _pause(self, seconds: float) -> None:
        """Let time pass while the goal runs, and judge what was heard."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s and not self._is_over():
            time.sleep(min(POLL_S, max(0.0, end_s - time.monotonic())))
        if self._is_over():
            time.sleep(max(0.0, end_s - time.monotonic()))
        self._observe()

    def _observe(self) -> None:
        """Judge the motion that was heard; the end of a goal is known before its rest is due."""
        self.watch.feed(self._motion.take())
        while self.watch.findings:
            self._find_at(self.watch.findings.pop(0))

    def _find(self, what: str) -> None:
        self._find_at(Finding(time.time(), what))

    def _find_at(self, finding: Finding) -> None:
        """Write a finding down, with what was going on: faults, and how late a message was."""
        self.findings.append(finding)
        about = [
            span
            for span in self.book.faults
            if span.begin_s <= finding.time_s < span.end_s + NEAR_S
        ]
        late_s = max((s for t, s in self._motion.late if t > finding.time_s - NEAR_S), default=0.0)
        names = ', '.join(span.name for span in about)
        at = round(finding.time_s - self._begin_s, 2)
        steady_s = time.monotonic() - time.time() + finding.time_s
        ago = [(round(steady_s - x.heard_s, 3), x.is_brake) for x in tuple(self._motion.sent)]
        sent = {s: 'brake' if is_brake else 'chunk' for s, is_brake in ago if abs(s) < NEAR_S}
        values = {'at': at, 'about': names, 'message_late_s': round(late_s, 4), 'sent_ago_s': sent}
        self._note('FINDING', finding.what, **values)

    def _note(self, event: str, what: str, **values: Any) -> None:
        seconds = round(time.time() - self._begin_s, 2)
        entry = {'t': seconds, 'event': event, 'what': what, **values}
        self.log.append(entry)
        words = ' '.join(f'{k}={v!r}' for k, v in values.items() if v not in ('', None))
        self._tell(f'{seconds:8.2f} {event:<8} {what} {words}')

    def _end_hog(self) -> None:
        if self._hog is not None:
            self._hog.stop(((signal.SIGKILL, 2.0),))
            self._hog = None


def _kind(fault: SoakFault, seconds: float) -> FaultKind:
    """Return the fault as `act.py` wants it."""
    return FaultKind(
        fault.name,
        'state',
        0,
        fault.verb,
        fault.argument,
        seconds,
        fault.codes,
        0.0,
        False,
        '',
    )
