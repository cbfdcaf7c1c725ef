# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the commands that move an arm share: a node that is spun, and a person who is asked."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
import re
import signal
import sys
import threading
import time
from typing import Any

from dp_core.errors import ConfigError
import rclpy
from rclpy.exceptions import InvalidHandle
from rclpy.executors import ExternalShutdownException
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
import yaml

# Time for the last message, a brake perhaps, to leave the process [s].
FAREWELL_S = 0.1


def may_move(question: str, command: str, *, yes: bool) -> bool:
    """Tell a person what is about to move, and ask; ``yes`` answers for him."""
    print(question, flush=True)
    if yes:
        return True
    if not sys.stdin.isatty():
        print(f'{command}: nobody to ask; --yes moves without', file=sys.stderr)
        return False
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input('Move? [y/N] ').strip().lower() in ('y', 'yes')
    except (EOFError, KeyboardInterrupt):
        return False
    finally:
        signal.signal(signal.SIGINT, handler)


def fail(command: str, why: str, code: int) -> int:
    """Tell why a command failed; returns its exit code."""
    print(f'{command}: {why}', file=sys.stderr)
    return code


def read_config(
    path: Path, words: Sequence[str] = (), node: str = 'policy_node'
) -> list[Parameter]:
    """Return what a parameter file says of the policy node.

    Sections are found as ROS finds them: by the name in its namespace, or by wildcards.

    Args:
        path: YAML.
        words: of the command line, which may name the namespace: ``__ns:=/left``.
        node: its name.

    Raises:
        ConfigError: it cannot be read, or says nothing of it.
    """
    spaces = [word.partition(':=')[2] for word in words if word.startswith('__ns:=')]
    name = '/'.join(['', *filter(None, ''.join(spaces[-1:]).split('/')), node])
    try:
        sections = yaml.safe_load(path.read_text(encoding='utf-8'))
        found = [s['ros__parameters'] for key, s in sections.items() if _names(key, name)]
        values = {key: value for section in found for key, value in section.items()}
        parameters = [Parameter(key, value=value) for key, value in values.items()]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f'cannot read {path}: {error}') from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f'{path} is no parameter file: {error!r}') from error
    if not parameters:
        raise ConfigError(
            f'{path} has no section {node} with ros__parameters; valid for {name!r}: '
            f"'{name.removeprefix('/')}', '/**'"
        )
    return parameters


def _names(key: str, name: str) -> bool:
    """Whether the key of a section of a parameter file means a node: ** is any names, * one."""
    wild = {'**': r'(/[^/]+)*', '*': r'/[^/]+'}
    parts = [wild.get(part, f'/{re.escape(part)}') for part in key.split('/') if part]
    return re.fullmatch(''.join(parts), name) is not None


def run_with_node(
    name: str, words: Sequence[str], work: Callable[[Node], int], **options: Any
) -> int:
    """Spin a node on a thread while ``work`` is done with it; returns what that returns.

    Args:
        name: of the node.
        words: of the command line, for ROS.
        work: is given the node.
        options: of the node.
    """
    rclpy.init(args=list(words), signal_handler_options=SignalHandlerOptions.NO)
    node = Node(name, **options)
    executor = MultiThreadedExecutor(num_threads=2)
    executor.add_node(node)
    spinner = threading.Thread(target=_spin, args=(executor,), daemon=True)
    spinner.start()
    try:
        return work(node)
    finally:
        time.sleep(FAREWELL_S)
        executor.shutdown(timeout_sec=2.0)
        spinner.join(timeout=2.0)
        node.destroy_node()
        rclpy.try_shutdown()


def _spin(executor: MultiThreadedExecutor) -> None:
    while executor.context.ok():
        try:
            executor.spin()
            return
        except InvalidHandle:
            continue  # an entity was destroyed while rclpy was about to wait for it
        except ExternalShutdownException:
            return
