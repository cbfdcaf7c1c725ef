# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_run_local [STACK]`: run a stack as plain processes, where there is no `ros2 launch`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from collections.abc import Sequence
import os
from pathlib import Path
import signal
import sys
import time
from types import TracebackType
from typing import Any

from ament_index_python.packages import get_package_prefix
from ament_index_python.packages import PackageNotFoundError
from dp_bringup.processes import ChildProcess
from dp_bringup.ros_domain import environment_of
from dp_bringup.stacks import NodeSpec
from dp_bringup.stacks import Ur5Pusht
from dp_bringup.teaching_stack import Ur5Teaching
from dp_core.errors import ConfigError
from dp_core.errors import DpError
import yaml

STACKS = {'ur5_pusht': Ur5Pusht, 'ur5_teaching': Ur5Teaching}
POLL_S = 0.1
EXIT_INTERRUPTED = 130  # before the work of the stack was done, where it has any
# For a second Ctrl-C: nobody wants to wait any longer [s].
IMPATIENT = ((signal.SIGTERM, 0.5), (signal.SIGKILL, 2.0))


class StackError(DpError):
    """A node of a running stack has ended."""


class Interrupt:
    """Turns SIGINT, SIGTERM and SIGHUP into a flag while its context is open.

    So a run always ends in order: no exception can fly between starting a process and noting it.
    """

    def __init__(self) -> None:
        """Change nothing yet."""
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __bool__(self) -> bool:
        return self.count > 0

    def _note(self, number: int, frame: object) -> None:
        self.count += 1


class LocalStack:
    """The processes of a stack, from entering the context to leaving it."""

    def __init__(
        self,
        nodes: Sequence[NodeSpec],
        logs: Path,
        environment: Mapping[str, str] | None = None,
        interrupt: Interrupt | None = None,
    ) -> None:
        """Find the programs; nothing runs yet.

        Args:
            nodes: what to run.
            logs: folder for `<name>.log` and the parameters of each node.
            environment: of the nodes; default: ours.
            interrupt: a second signal shortens the end.

        Raises:
            ConfigError: a program is not installed.
        """
        self._logs = logs
        self._nodes = tuple(nodes)
        self._interrupt = interrupt
        self._environment = dict(os.environ if environment is None else environment)
        self._programs = [executable(spec) for spec in self._nodes]
        self._children: list[tuple[NodeSpec, ChildProcess]] = []

    def __enter__(self) -> LocalStack:
        try:
            for spec, program in zip(self._nodes, self._programs):
                self._children.append((spec, self._start(spec, program)))
        except OSError:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {spec.name: child.pid for spec, child in self._children}

    def check(self) -> None:
        """Raise StackError, with the end of its log, when a required process has ended."""
        for spec, child in self._children:
            done = child.exit_code == 0 and (spec.is_errand or spec.is_purpose)
            if spec.is_required and child.exit_code is not None and not done:
                raise StackError(
                    f'{spec.name} has ended with exit code {child.exit_code}; the end of '
                    f'{child.log}:\n{child.last_lines()}'
                )

    @property
    def is_done(self) -> bool:
        """Whether the process that the stack is there for has done its work."""
        return any(spec.is_purpose and child.exit_code == 0 for spec, child in self._children)

    def stop(self) -> dict[str, int]:
        """End all processes, the last one started first; return exit codes by name."""
        codes = {}
        while self._children:
            spec, child = self._children[-1]
            impatient = self._interrupt is not None and self._interrupt.count > 1
            codes[spec.name] = child.stop(IMPATIENT) if impatient else child.stop()
            self._children.pop()
        return codes

    def _start(self, spec: NodeSpec, program: Path) -> ChildProcess:
        environment = {
            **self._environment,
            **spec.missing_environment(self._environment),
            'PYTHONUNBUFFERED': '1',
            'ROS_LOG_DIR': str(self._logs / 'ros'),
        }
        parameters = write_parameters(spec, self._logs / f'{spec.name}.yaml')
        log = self._logs / f'{spec.name}.log'
        return ChildProcess(spec.name, command(spec, program, parameters), log, environment)


def executable(spec: NodeSpec) -> Path:
    """Return the program of a node.

    Raises:
        ConfigError: it is not installed; names the package.
    """
    try:
        path = Path(get_package_prefix(spec.package)) / 'lib' / spec.package / spec.executable
    except PackageNotFoundError as error:
        raise ConfigError(
            f'package {spec.package!r} is not installed (it has {spec.executable!r}); on a '
            f'distribution: apt install ros-$ROS_DISTRO-{spec.package.replace("_", "-")}'
        ) from error
    if not path.is_file():
        raise ConfigError(f'package {spec.package!r} has no program {path}; build it anew')
    return path


def write_parameters(spec: NodeSpec, path: Path) -> Path:
    """Write a node's own parameters as a ROS parameter file."""
    values = {k: list(v) if isinstance(v, tuple) else v for k, v in spec.parameters.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({'/**': {'ros__parameters': values}}), encoding='utf-8')
    return path


def command(spec: NodeSpec, program: Path, parameters: Path) -> list[str]:
    """Return the command line of a node."""
    words = [*spec.prefix, str(program), *spec.arguments, '--ros-args']
    for file in (*spec.parameter_files, parameters):
        words += ['--params-file', str(file)]
    for old, new in spec.remappings:
        words += ['--remap', f'{old}:={new}']
    return words


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack until Ctrl-C, or until a node ends."""
    with Interrupt() as interrupt:
        try:
            return _run(arguments, interrupt)
        except DpError as error:
            print(f'dp_run_local: {error}', file=sys.stderr)
            return 1


def _run(arguments: Sequence[str] | None, interrupt: Interrupt) -> int:
    parser = argparse.ArgumentParser(prog='dp_run_local', description=__doc__)
    stacks = parser.add_subparsers(dest='stack', required=True, metavar='STACK')
    for name, stack in STACKS.items():
        command = stacks.add_parser(name, help=stack.__doc__)
        command.add_argument(
            '--logs', type=Path, default=Path('out/logs'), help='default: out/logs'
        )
        command.add_argument(
            '--domain', type=int, help='of ROS; default: one of its own, on this machine only'
        )
        for item in stack.arguments():
            note = f'{item.description}; default: {item.default!r}'
            command.add_argument(f'--{item.name.replace("_", "-")}', dest=item.name, help=note)
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in (*STACKS, '-h', '--help'):
        words.insert(0, 'ur5_pusht')
    values = vars(parser.parse_args(words))
    logs, chosen = values.pop('logs'), STACKS[values.pop('stack')]
    domain_id = values.pop('domain')
    options = chosen.parse({k: v for k, v in values.items() if v is not None})
    domain = environment_of(domain_id)
    environment = {**os.environ, **domain}
    with LocalStack(options.nodes(), logs, environment, interrupt) as running:
        print(f'running {", ".join(running.pids)}; their output is in {logs}; Ctrl-C ends them')
        told = ' '.join(f'{name}={value}' for name, value in domain.items())
        print(f'in another shell: export {told}; dp_execute')
        while not (interrupt or running.is_done):
            running.check()
            time.sleep(POLL_S)
        has_purpose = any(spec.is_purpose for spec in options.nodes())
        return EXIT_INTERRUPTED if has_purpose and not running.is_done else 0


if __name__ == '__main__':
    sys.exit(main())
