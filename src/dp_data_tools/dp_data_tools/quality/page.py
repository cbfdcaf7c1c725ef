# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The look of a report: one file without scripts, nothing is fetched."""

from __future__ import annotations

from html import escape

STYLE = """
:root { --ink: #1f2d3a; --soft: #66788a; --line: #e3e8ec; --error: #c0392b; --warning: #d68910;
  --info: #2471a3; --good: #2e8b57; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, 'DejaVu Sans', sans-serif; color: var(--ink); margin: 0;
  background: #f5f7f9; }
main { max-width: 1180px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 26px; margin: 8px 0 2px; }
h2 { font-size: 19px; margin: 36px 0 10px; }
p.lead, .soft { color: var(--soft); margin: 0 0 14px; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 18px 0; }
.card { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 12px 18px;
  min-width: 130px; }
.card b { display: block; font-size: 25px; line-height: 1.2; }
.card span { color: var(--soft); font-size: 13px; }
.error b, .error .tag { color: var(--error); } .warning b, .warning .tag { color: var(--warning); }
.info .tag { color: var(--info); } .good b { color: var(--good); }
section, details.finding, details.episode { background: #fff; border: 1px solid var(--line);
  border-radius: 10px; padding: 14px 18px; margin: 0 0 12px; }
details.finding { border-left: 5px solid var(--info); padding: 10px 16px; margin-bottom: 8px; }
details.finding.error { border-left-color: var(--error); }
details.finding.warning { border-left-color: var(--warning); }
summary { cursor: pointer; }
.tag { font-weight: 600; font-size: 12px; text-transform: uppercase; letter-spacing: .04em;
  margin-right: 8px; }
.advice { color: var(--soft); margin: 4px 0 2px; }
table { border-collapse: collapse; font-size: 13px; width: 100%; }
th { text-align: left; color: var(--soft); font-weight: 500; }
th, td { padding: 3px 12px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; display: block; margin: 6px 0; }
.strip { display: grid; grid-template-columns: repeat(10, 1fr); gap: 4px; margin: 6px 0 12px; }
.strip figure { margin: 0; font-size: 11px; color: var(--soft); text-align: center; }
.strip img { display: block; width: 100%; border-radius: 5px; border: 2px solid transparent; }
.strip .error img { border-color: var(--error); }
.key i { display: inline-block; width: 22px; border-top: 3px solid; margin: 0 5px 3px 14px; }
"""


def page(title: str, body: str) -> str:
    """A whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><style>{STYLE}</style></head>\n'
        f'<body><main>{body}</main></body></html>\n'
    )


def card(value: str, words: str, look: str = '') -> str:
    """A large number with a few words."""
    return f'<div class="card {look}"><b>{escape(value)}</b><span>{escape(words)}</span></div>'


def rows(head: list[str], lines: list[list[str]]) -> str:
    """A table; its first column is text, the others are numbers."""

    def line(cells: list[str], tag: str) -> str:
        first, *others = (escape(cell) for cell in cells)
        numbers = ''.join(f'<{tag} class="number">{cell}</{tag}>' for cell in others)
        return f'<tr><{tag}>{first}</{tag}>{numbers}</tr>'

    return f'<table>{line(head, "th")}{"".join(line(cells, "td") for cells in lines)}</table>'
