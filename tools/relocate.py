# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Rewrite the Python and numpy paths of the wheels' builder in this venv's ROS CMake files.

The ROS wheels carry `/opt/python/cp3XX-cp3XX/...` include paths of the machine that built them.
Run it with the venv's Python; a second run changes nothing.
"""

from pathlib import Path
import re
import sys
import sysconfig

import numpy


def main() -> None:
    """Point every CMake file under the venv's share folder at this Python and this numpy."""
    python_include = sysconfig.get_paths()['include']
    numpy_include = numpy.get_include()
    changed = 0
    for path in (Path(sys.prefix) / 'share').rglob('*.cmake'):
        before = path.read_text(errors='surrogateescape')
        after = re.sub(
            r'/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/_core/include',
            numpy_include,
            before,
        )
        after = re.sub(r'/opt/python/cp\d+-cp\d+/include/python3\.\d+', python_include, after)
        if after != before:
            path.write_text(after, errors='surrogateescape')
            changed += 1
    sys.stdout.write(f'relocate: {changed} CMake files now point at {sys.prefix}\n')


if __name__ == '__main__':
    main()
