# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Real processes: none may survive its parent, however that one ends."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from dp_bringup.processes import ChildProcess
import pytest

PATIENCE_S = 20.0
DEAF = 'import signal, time\nfor n in (2, 15): signal.signal(n, signal.SIG_IGN)\n'
WAIT = 'print("up", flush=True)\nfor _ in range(600): time.sleep(0.1)\n'
# A child that ends on request but has itself started a deaf child in its process group.
FAMILY = f"""import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', {DEAF + WAIT!r}])
print(child.pid, flush=True)
time.sleep(60)
"""


def python(code, folder, name='child'):
    return ChildProcess(name, [sys.executable, '-c', code], folder / f'{name}.log', os.environ)


def is_alive(pid):
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != 'Z'


def until(condition, what):
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, f'{what} not within {PATIENCE_S} s'
        time.sleep(0.02)


def up(child):
    until(lambda: child.last_lines(), f'{child.name} up')
    return child


def test_a_willing_process_ends_at_the_first_request(tmp_path):
    child = up(python(f'import time\n{WAIT}', tmp_path))
    assert child.stop() != -signal.SIGKILL
    assert 'KeyboardInterrupt' in child.last_lines()
    assert not is_alive(child.pid)


def test_a_deaf_process_is_killed_in_the_end(tmp_path):
    child = up(python(DEAF + WAIT, tmp_path))
    code = child.stop(((signal.SIGINT, 0.2), (signal.SIGTERM, 0.2), (signal.SIGKILL, 2.0)))
    assert code == -signal.SIGKILL
    assert not is_alive(child.pid)


def test_what_a_process_started_ends_with_it(tmp_path):
    child = up(python(FAMILY, tmp_path))
    grandchild = int(child.last_lines().split()[0])
    assert is_alive(grandchild)
    child.stop()
    until(lambda: not is_alive(grandchild), 'end of the grandchild')


def test_ctrl_c_in_the_terminal_reaches_the_parent_alone(tmp_path):
    child = up(python(f'import time\n{WAIT}', tmp_path))
    assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    child.stop()


PARENT = """import os, sys, time
from pathlib import Path
from dp_bringup.processes import ChildProcess
folder = Path(sys.argv[1])
children = [
    ChildProcess(str(i), [sys.executable, '-c', sys.argv[2]], folder / f'{i}.log', os.environ)
    for i in range(3)]
Path(folder, 'pids').write_text(' '.join(str(child.pid) for child in children))
time.sleep(60)
"""


@pytest.mark.parametrize('code', [f'import time\n{WAIT}', DEAF + WAIT], ids=['willing', 'deaf'])
def test_kill_9_of_the_parent_leaves_no_process(tmp_path, code):
    parent = subprocess.Popen([sys.executable, '-c', PARENT, str(tmp_path), code])
    logs = [tmp_path / f'{i}.log' for i in range(3)]
    until(lambda: all(log.exists() and 'up' in log.read_text() for log in logs), 'three children')
    until(lambda: (tmp_path / 'pids').exists() and (tmp_path / 'pids').read_text(), 'their ids')
    pids = [int(pid) for pid in (tmp_path / 'pids').read_text().split()]
    assert len(pids) == 3 and all(map(is_alive, pids))
    parent.kill()
    parent.wait()
    until(lambda: not any(map(is_alive, pids)), 'end of all children')
