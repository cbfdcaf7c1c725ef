# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`make setup` says in one line what is missing, and does nothing when nothing has changed."""

import os
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[1]
# What the script needs besides Python and a compiler.
TOOLS = (
    'bash cat cc c++ cut date dirname env find grep head mkdir paste printf rm sed sha256sum sort '
    'tail touch tr true uname'
).split()


def path_with(folder, *without):
    """Make a folder of commands that lacks some of them, to stand for PATH."""
    folder.mkdir()
    for command in TOOLS:
        if command not in without and (found := shutil.which(command)):
            (folder / command).symlink_to(found)
    return str(folder)


@pytest.fixture
def copy(tmp_path):
    """Copy what setup.sh reads, without an environment."""
    target = tmp_path / 'copy of the project'
    target.mkdir()
    for folder in ('tools', 'requirements'):
        shutil.copytree(ROOT / folder, target / folder)
    return target


def run_setup(where, **env):
    environment = {'HOME': os.environ.get('HOME', '/'), 'PATH': os.environ['PATH'], **env}
    return subprocess.run(
        [str(where / 'tools' / 'setup.sh')],
        capture_output=True,
        check=False,
        env=environment,
        text=True,
        timeout=100,
    )


def test_a_missing_compiler_is_one_clear_line(copy, tmp_path):
    done = run_setup(copy, PATH=path_with(tmp_path / 'bin', 'c++'))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("setup: error: no C and C++ compiler: 'c++' was not found")
    assert not (copy / '.venv').exists()


def test_a_missing_python_is_one_clear_line(copy, tmp_path):
    done = run_setup(copy, PATH=path_with(tmp_path / 'bin'), CC='true', CXX='true')
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith('setup: error: no Python 3.11, 3.12 or 3.13 found')
    assert 'make setup PYTHON=' in line


def test_an_unsuited_python_is_named_with_the_reason(copy, tmp_path):
    old = tmp_path / 'python3.9'
    old.write_text('#!/bin/sh\necho "is Python 3.9, but the wheels are for 3.11"\n')
    old.chmod(0o755)
    done = run_setup(copy, PYTHON=str(old))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'setup: error: PYTHON={old} is Python 3.9')


def test_a_missing_network_is_one_clear_line_at_the_end(copy):
    nowhere = 'http://127.0.0.1:9/simple'
    done = run_setup(
        copy,
        PYTHON=sys.executable,
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL=nowhere,
        PIP_NO_CACHE_DIR='1',
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith('setup: error: no package could be downloaded: is there a network?')
    assert 'log/setup.log' in last


def test_a_workspace_that_is_not_set_up_says_so(copy):
    shutil.copy(ROOT / 'workspace.sh', copy)
    done = subprocess.run(
        ['bash', '-c', '. ./workspace.sh'], capture_output=True, check=False, cwd=copy, text=True
    )
    assert done.returncode == 1
    assert "run 'make setup' first" in done.stderr


@pytest.mark.skipif(not (ROOT / 'install').exists(), reason='the workspace is not built')
def test_sourcing_the_workspace_twice_changes_nothing_and_drops_a_distribution(tmp_path):
    twice = '. ./workspace.sh; env | sort > "$0.1"; . ./workspace.sh; env | sort > "$0.2"'
    environment = {
        'HOME': '/',
        'PATH': f'/opt/ros/jazzy/bin:{os.defpath}',
        'PYTHONPATH': '/opt/ros/jazzy/lib/python3.12/site-packages',
        'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp',
    }
    subprocess.run(
        ['bash', '-c', twice, str(tmp_path / 'env')], check=True, cwd=ROOT, env=environment
    )
    once = (tmp_path / 'env.1').read_text()
    assert '/opt/ros' not in once
    assert 'RMW_IMPLEMENTATION=rmw_fastrtps_cpp' in once
    assert (tmp_path / 'env.2').read_text() == once
