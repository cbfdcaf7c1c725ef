# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Makes every prediction hold the interpreter, in whichever process the policy is loaded.

Python imports a module of this name when it starts, if its folder is on PYTHONPATH; processes that
the first one starts inherit that. See `dp_bringup.fault_trials.holding`, which says what the file
named by DP_HOLD holds.
"""

from __future__ import annotations

from collections.abc import Callable
import ctypes
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.machinery import PathFinder
import os
import struct
import sys
import time
from typing import Any

MODULE = 'dp_core.policy'
ORDER, STAMPS = struct.Struct('=qq'), struct.Struct('=qq')
SPIN, CALL = 1, 2


def hold(file: int) -> None:
    """Hold the interpreter as the file orders, and note there when [ns, steady clock]."""
    how, time_ns = ORDER.unpack(os.pread(file, ORDER.size, 0))
    begin_ns = time.monotonic_ns()
    os.pwrite(file, STAMPS.pack(begin_ns, begin_ns + time_ns if how else begin_ns), ORDER.size)
    if how == SPIN:  # others get the interpreter when they have waited for a switch interval
        while time.monotonic_ns() < begin_ns + time_ns:
            pass
    elif how == CALL:  # nobody gets it: a function of C called without letting go of it
        ctypes.PyDLL(None).usleep(time_ns // 1000)


def wrap(sample: Callable[..., Any], file: int) -> Callable[..., Any]:
    """Return the policy's `sample`, followed by a hold."""

    def sample_and_hold(*args: Any, **kwargs: Any) -> Any:
        result = sample(*args, **kwargs)
        hold(file)
        return result

    return sample_and_hold


class Finder(MetaPathFinder):
    """Wraps the policy's class when its module is loaded, and leaves all others alone."""

    def __init__(self, file: int) -> None:
        """Wait for the module."""
        self._file = file

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Find the policy's module as ever, with another last step of loading it."""
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_wrap(module: Any) -> None:
                load(module)
                module.Policy.sample = wrap(module.Policy.sample, self._file)

            spec.loader.exec_module = load_and_wrap  # type: ignore[method-assign]
        return spec


if 'DP_HOLD' in os.environ:
    sys.meta_path.insert(0, Finder(os.open(os.environ['DP_HOLD'], os.O_RDWR)))
