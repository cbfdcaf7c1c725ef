# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Processes that make parts go when the one that asked for them is killed."""

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
import subprocess
import sys
import time

from dp_core.errors import DatasetError
from dp_data_tools.bag_pool import _result
import psutil
import pytest

PARENT = """
import multiprocessing, os, signal, time
from dp_data_tools.bag_pool import _enter

def work(ready):
    _enter({})
    ready.send(os.getpid())
    time.sleep(60)

if __name__ == '__main__':
    mine, theirs = multiprocessing.Pipe()
    multiprocessing.get_context('spawn').Process(target=work, args=(theirs,)).start()
    print(mine.recv(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_process_outlives_a_killed_conversion(tmp_path):
    (tmp_path / 'parent.py').write_text(PARENT)
    command = [sys.executable, str(tmp_path / 'parent.py')]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        parent.wait()
        for _ in range(200):
            if not psutil.pid_exists(worker) or is_zombie(worker):
                return
            time.sleep(0.05)
    pytest.fail('the worker lives on')


def is_zombie(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_killed_process_is_told():
    future = Future()
    future.set_exception(BrokenProcessPool('died'))
    with pytest.raises(DatasetError, match='a process was killed, .* fewer --workers'):
        _result(future)
