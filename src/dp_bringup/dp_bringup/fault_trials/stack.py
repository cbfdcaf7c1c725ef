# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The processes under trial, which a fault may end, and the client beside them."""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import os
from pathlib import Path
import signal
import sys
from types import TracebackType

from dp_bringup.fault_trials.client import TrialClient
from dp_bringup.fault_trials.holding import HoldFile
from dp_bringup.fault_trials.record import wait
from dp_bringup.fault_trials.soak_memory import family
from dp_bringup.processes import ChildProcess
from dp_bringup.ros_domain import private_environment
from dp_bringup.run_local import LocalStack
from dp_bringup.run_local import StackError
from dp_bringup.stack_arguments import Value
from dp_bringup.stacks import Ur5Pusht
from dp_core.limits import MotionLimits
from dp_sim.assets import URDF_PATH

JOINTS = (
    'shoulder_pan_joint',
    'shoulder_lift_joint',
    'elbow_joint',
    'wrist_1_joint',
    'wrist_2_joint',
    'wrist_3_joint',
)
# At 500 Hz every tick of the controller is published. Not so on a simulated clock: the executor of
# rclpy would be busy with reading the clock.
STATE_RATE_HZ = {'state': 500.0, 'clock': 125.0, 'camera': 500.0}
# Robot and observer have computers of their own. Granted to the superuser only; without it they
# wait for a core like the policy node.
OWN_COMPUTER_NICE, SHARED_NICE = -10, 0
OPTIONS = {
    'state': {'policy': 'state'},
    'clock': {'policy': 'state', 'use_sim_time': True},
    'camera': {'policy': 'camera'},
}
# Of the goals: what the camera policy wants may be too fast for the arm, which is another fault.
SPEED_SCALE = {'state': 1.0, 'clock': 1.0, 'camera': 0.6}


def robot_limits() -> MotionLimits:
    """Return the limits that the node keeps: of the URDF, and its own parameters' defaults."""
    return MotionLimits.of_robot(URDF_PATH.read_text(encoding='utf-8'), JOINTS)


class TrialStack:
    """sim_node and policy_node as processes of their own, on a private ROS domain."""

    def __init__(
        self,
        name: str,
        logs: Path,
        hold: HoldFile | None = None,
        environment: Mapping[str, str] | None = None,
        prefixes: Mapping[str, tuple[str, ...]] | None = None,
        **parameters: Value,
    ) -> None:
        """Prepare the stack 'state', 'clock' or 'camera'; nothing runs before `restore`.

        Args:
            name: of the stack.
            logs: folder of what the processes print.
            hold: lets the policy's predictions hold the interpreter.
            environment: with a domain, instead of a private one and what the nodes add to it.
            prefixes: words before the programs, by the name of the node.
            parameters: of the policy node, beside those of the stack.
        """
        self.name = name
        self.speed_scale = SPEED_SCALE[name]
        self.limits = robot_limits()
        self._logs = logs
        private = dict(environment or private_environment())
        # The client of this process, too, shall meet nobody on other computers.
        os.environ.update(private)
        self._environment = {**os.environ, **private}
        self._holding = hold.environment(self._environment) if hold else {}
        sim, node = Ur5Pusht(**OPTIONS[name]).nodes()
        rate = {**sim.parameters, 'state_rate': STATE_RATE_HZ[name]}
        sim = dataclasses.replace(sim, parameters=rate)
        node = dataclasses.replace(node, parameters={**node.parameters, **parameters})
        self._specs = {
            name: dataclasses.replace(
                spec,
                prefix=(prefixes or {}).get(name, ()),
                environment={} if environment else spec.environment,
            )
            for name, spec in {'sim_node': sim, 'policy_node': node}.items()
        }
        self._running: dict[str, LocalStack] = {}
        _set_nice(0, OWN_COMPUTER_NICE)  # what is started from here inherits it
        self._user: ChildProcess | None = None
        self._count = 0
        self.client = TrialClient(int(private['ROS_DOMAIN_ID']), JOINTS)

    def __enter__(self) -> TrialStack:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_user()
        for name in ('policy_node', 'sim_node'):
            self.stop(name)
        self.client.close()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of what runs, by name."""
        return {name: local.pids[name] for name, local in self._running.items()}

    def is_running(self, name: str) -> bool:
        """Whether a process that was started has not ended."""
        try:
            self._running[name].check()
        except (KeyError, StackError):
            return False
        return True

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to sim_node, policy_node, dp_execute, or the processes of policies."""
        if name == 'dp_execute':
            pids = [self._user.pid] if self._user is not None else []
        elif name == 'policies':
            pids = family(self.pids['policy_node'])[1:]
        else:
            pids = [self.pids[name]]
        for pid in pids:
            os.kill(pid, number)

    def start_beside(self, name: str, words: list[str]) -> ChildProcess:
        """Start a program on the computer of the policy node."""
        child = ChildProcess(name, words, self._logs / f'{name}.log', self._environment)
        _set_nice(child.pid, SHARED_NICE)
        return child

    def start_user(self) -> None:
        """Start dp_execute, which sends a goal as a user does."""
        self._end_user()
        words = [sys.executable, '-m', 'dp_policy_node.execute']
        words += ['--speed-scale', str(self.speed_scale)]
        self._user = self.start_beside('dp_execute', words)

    def restore(self) -> None:
        """Start what does not run, and end what still plays: the fault, goals, a stop."""
        self._end_user()
        fresh = [name for name in self._specs if not self.is_running(name)]
        for name in fresh:
            self.stop(name)
            self._start(name)
        self.client.play('')
        self.client.operator.calm()
        if 'policy_node' not in fresh:
            self.client.cancel_all()
            wait(lambda: self.client.trigger('reset'), 'a reset')

    def _start(self, name: str) -> None:
        folder = self._next_folder()
        holding = self._holding if name == 'policy_node' else {}
        local = LocalStack([self._specs[name]], folder, {**self._environment, **holding})
        self._running[name] = local.__enter__()
        if name == 'policy_node':
            _set_nice(local.pids[name], SHARED_NICE)

    def _next_folder(self) -> Path:
        """Return a folder that is not there yet: what a stack before this one printed stays."""
        while True:
            self._count += 1
            folder = self._logs / f'{self.name}_{self._count:03d}'
            if not folder.exists():
                return folder

    def stop(self, name: str) -> None:
        """End a process as Ctrl-C does."""
        if self.is_running(name):
            self.signal(name, signal.SIGCONT)
        local = self._running.pop(name, None)
        if local is not None:
            local.stop()

    def _end_user(self) -> None:
        if self._user is not None:
            self._user.stop(((signal.SIGKILL, 2.0),))
            self._user = None


def _set_nice(pid: int, nice: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    except PermissionError:
        pass
