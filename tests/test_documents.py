# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the pages promise is there: files and sections that they link, options that they name."""

from pathlib import Path
import re

from dp_bringup.stacks import Ur5Pusht
from dp_bringup.teaching_stack import Ur5Teaching
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ('*.md', 'docs/**/*.md', 'src/**/*.md')
    for path in ROOT.glob(pattern)
    if '.pytest_cache' not in path.parts
)
OF_OTHERS = {'--ros-args', '--params-file', '--nproc-per-node'}


def name(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    """Return the names by which the sections of a page are linked."""
    for line in page.read_text(encoding='utf-8').splitlines():
        if line.startswith('#'):
            words = re.sub(r'\[([^\]]*)\]\([^)]*\)', r'\1', line.lstrip('# ').lower())
            yield re.sub(r'[^\w\- ]', '', words).replace(' ', '-')


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = re.sub(r'```.*?```', '', page.read_text(encoding='utf-8'), flags=re.DOTALL)
    for link in re.findall(r'\]\(([^)\s]+)\)', text):
        if '://' in link:
            continue
        path, _, section = link.partition('#')
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not section or section in anchors(target), link


def test_options_in_commands_exist():
    known = set(OF_OTHERS)
    for path in [*ROOT.glob('src/*/*/**/*.py'), *ROOT.glob('tools/*.py')]:
        known |= set(re.findall(r"'(--[a-z][\w-]*)'", path.read_text(encoding='utf-8')))
    for stack in (Ur5Pusht, Ur5Teaching):
        known |= {f'--{row.name.replace("_", "-")}' for row in stack.arguments()}
    unknown = set()
    for page in PAGES:
        text = page.read_text(encoding='utf-8').replace('\\\n', ' ')
        for command in re.findall(r'(?:ros2 run |python -m )?\bdp_\w+ [^\n`#]*', text):
            options = re.findall(r'(?<![\w-])--[a-z][\w-]*', command)
            unknown |= {(name(page), option) for option in set(options) - known}
    assert not unknown
