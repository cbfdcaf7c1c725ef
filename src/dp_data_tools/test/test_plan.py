# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is made of a bag has a name that depends on all that decides it."""

from pathlib import Path
import subprocess
import sys

from bag_samples import recording
from bag_samples import write_bag
from conversion import run
from dp_data_tools import plan
from dp_data_tools.plan import code_files

LOADED = """
import sys
import dp_data_tools.convert_bag
for name, module in sys.modules.items():
    if name.startswith(('dp_core.', 'dp_data_tools.')) and module.__package__ != name:
        print(module.__file__)
"""


def test_the_code_that_counts_is_all_that_a_conversion_loads():
    """What other code has made is not used; a module elsewhere must be named in `code_files`."""
    command = [sys.executable, '-c', LOADED]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    loaded = {Path(path).resolve() for path in said.splitlines()}
    assert len(loaded) > 20
    assert not loaded - {path.resolve() for path in code_files()}


def test_what_an_editor_hides_is_no_code(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, '__file__', str(tmp_path / 'plan.py'))
    (tmp_path / 'plan.py').touch()
    (tmp_path / '.#plan.py').symlink_to('somebody@here')
    assert [file.name for file in code_files() if file.parent == tmp_path] == ['plan.py']


def test_code_that_cannot_be_read_is_no_failure_of_a_bag(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(plan, 'code_files', lambda: [tmp_path / 'gone.py'])
    plan.code_hash.cache_clear()
    assert run(tmp_path, write_bag(tmp_path / 'bag', recording(0.5))) == 1
    said = capsys.readouterr().err
    assert f'convert: cannot read {tmp_path}/gone.py of this program: No such file' in said
