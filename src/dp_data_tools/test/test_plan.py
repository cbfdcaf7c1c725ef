# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is made of a bag has a name that depends on all that decides it."""

from pathlib import Path
import subprocess
import sys

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
