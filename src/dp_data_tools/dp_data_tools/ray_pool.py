# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Bags -> parts on a Ray cluster that is running: one task per bag. Needs the package `ray`.

Bags and output lie on a file system that every node sees at the same place, and every node has
this version of this package. A node that does not is told by name, before it writes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from importlib import import_module
import logging
import os
from pathlib import Path
import socket
from typing import Any

from dp_core.errors import ConfigError
from dp_core.errors import DatasetError
from dp_data_tools.bag_pool import bag_bytes
from dp_data_tools.bag_pool import make_part
from dp_data_tools.bag_pool import NO_BAG
from dp_data_tools.bag_pool import Results
from dp_data_tools.bag_pool import Task
from dp_data_tools.plan import Plan

_ANSWER_S = 5.0
_ALIKE = 'bags and output must lie at the same place, on one file system, for all nodes'


def convert_bags_on_ray(
    tasks: Sequence[Task],
    plan: Plan,
    address: str,
    on_bytes: Callable[[int], None],
) -> Results:
    """Make the parts; yield each task with the facts of its part, or why there is none.

    Args:
        tasks: in any order; they are yielded as they are done.
        plan: what to make of a bag.
        address: of the cluster, ``host:port``; ``auto``: the one that this machine belongs to.
        on_bytes: called with the size of each bag that is done.

    Raises:
        OSError: parts cannot be written.
        ConfigError: Ray is not installed, or there is no such cluster.
        DatasetError: a node differs from this machine, or the cluster was lost.
    """
    if not tasks:
        return
    ray = _ray()
    with _connection(ray, address):
        remote = ray.remote(num_cpus=1)(_make_on_node)
        waiting = {remote.remote(task, plan, Path.cwd()): task for task in tasks}
        try:
            while waiting:
                done, _ = ray.wait(list(waiting), num_returns=1)
                for reference in done:
                    task, result = waiting.pop(reference), _result(ray, reference)
                    on_bytes(bag_bytes(task.bag))
                    yield task, result
        finally:
            for reference in waiting:
                ray.cancel(reference, force=True)


def _ray() -> Any:
    try:
        return import_module('ray')
    except ImportError as error:
        raise ConfigError(
            f'--ray needs the package ray ({error}); install on every node what the cluster has, '
            'such as `pip install ray==2.60.0`, or convert with --workers on this machine'
        ) from error


@contextmanager
def _connection(ray: Any, address: str) -> Iterator[None]:
    if ray.is_initialized():  # by a program that uses this as a library
        yield
        return
    host, _, port = address.removeprefix('ray://').rpartition(':')
    try:
        if port.isdigit():  # Ray itself would wait for minutes
            socket.create_connection((host, int(port)), _ANSWER_S).close()
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, OverflowError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f'there is no Ray cluster at {address!r} that can be used: {error}; valid: host:port '
            'of one that is running, or auto on a machine that belongs to it (`ray status`)'
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _result(ray: Any, reference: Any) -> dict[str, Any] | DatasetError:
    try:
        result: dict[str, Any] | DatasetError = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, (OSError, ConfigError)):
            raise error.cause from error
        raise DatasetError(f'a node of the Ray cluster failed: {error.cause!r}') from error
    except ray.exceptions.RayError as error:
        raise DatasetError(
            f'the Ray cluster lost a task, perhaps for want of memory: {error}; the same command '
            'goes on where it was'
        ) from error
    return result


def _make_on_node(task: Task, plan: Plan, folder: Path) -> dict[str, Any] | DatasetError:
    """Make a part on a node, if the node sees what the machine that asks for it sees.

    The name of a part is a hash of the plan and of place, size and age of the bag's files.

    Raises:
        ConfigError: the node sees another bag, or nowhere to write, or is another version.
    """
    with suppress(OSError):  # it matters where bags are named relative to it; then they are missed
        os.chdir(folder)
    node = f'node {socket.gethostname()}'
    if not task.part.parent.is_dir():
        raise ConfigError(f'{node} does not see {task.part.parent}; {_ALIKE}')
    seen = plan.part_name(task.bag) if task.bag.exists() else NO_BAG
    if seen != task.part.name:
        raise ConfigError(
            f'{node} sees another {task.bag} or none, or has another version of dp_data_tools; '
            f'{_ALIKE}'
        )
    return make_part(task, plan, 1, lambda count: None)
