# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""dp_msgs says what every field means, in which unit, and names every error."""

from pathlib import Path
import re

import pytest

MSGS = Path(__file__).parents[1] / 'src' / 'dp_msgs'
FILES = sorted(path for kind in ('action', 'msg', 'srv') for path in MSGS.glob(f'{kind}/*.{kind}'))
NUMBER = re.compile(r'^(u?int\d+|float\d+|bool|builtin_interfaces/|std_msgs/Header)')
UNIT = re.compile(r'\[[^\]]+\]')
# Names and indices into constants carry no unit.
NO_UNIT = {'error_code', 'state', 'success'}


def fields(path):
    """Yield (line number, type, name, is a constant, comment above it) of each field of a file."""
    comment = []
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), start=1):
        if line.startswith('#'):
            comment.append(line.lstrip('# '))
        elif not line.strip() or line == '---':
            comment = []
        else:
            kind, name = line.split()[:2]
            yield number, kind, name.split('=')[0], '=' in name, ' '.join(comment)
            comment = []


def test_there_are_interfaces_to_check():
    assert [path.name for path in FILES] == [
        'ExecutePolicy.action',
        'ActionChunk.msg',
        'PolicyStatus.msg',
        'SceneStatus.msg',
        'ResetScene.srv',
    ]


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_each_field_is_explained_in_a_comment_with_its_unit(path):
    silent = []
    for number, kind, name, is_constant, comment in fields(path):
        where = f'{path.name}:{number} {name}'
        if len(comment.split()) < 3:
            silent.append(f'{where}: no comment that says what it means')
        elif not is_constant and NUMBER.match(kind) and name not in NO_UNIT:
            if not UNIT.search(comment):
                silent.append(f'{where}: no unit in brackets, such as [rad] or [1] for a number')
    assert not silent, '\n'.join(silent)


def test_error_codes_are_distinct_and_in_the_block_of_this_suite():
    text = (MSGS / 'action' / 'ExecutePolicy.action').read_text(encoding='utf-8')
    codes = {
        name: int(value) for name, value in re.findall(r'^uint16 ([A-Z_]+)=(\d+)$', text, re.M)
    }
    assert codes.pop('NONE') == 0
    assert len(codes) >= 13
    assert len(set(codes.values())) == len(codes)
    assert all(700 <= code <= 799 for code in codes.values())


def test_the_built_messages_carry_the_constants():
    action = pytest.importorskip('dp_msgs.action', reason='dp_msgs is not built')
    assert action.ExecutePolicy.Result.NONE == 0
    assert action.ExecutePolicy.Result.INTERNAL == 799
    assert action.ExecutePolicy.Feedback.BRAKING == 3
