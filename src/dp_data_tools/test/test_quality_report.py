# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The HTML report: one well-formed file that fetches nothing and shows what was found, where."""

import base64
from html.parser import HTMLParser
import re

import cv2
from dp_data_tools.cli import main
from dp_data_tools.quality.chart import Chart
from dp_data_tools.quality.chart import Curve
from dp_data_tools.quality.chart import sheet
from dp_data_tools.quality.chart import ticks
from dp_data_tools.quality.episode import Episode
from dp_data_tools.quality.episode import Pictures
from dp_data_tools.quality.episode import RADIAN
from dp_data_tools.quality.episode import Track
from dp_data_tools.quality.finding import ERROR
from dp_data_tools.quality.finding import Finding
from dp_data_tools.quality.finding import INFO
from dp_data_tools.quality.finding import WARNING
from dp_data_tools.quality.plots import ACTION
from dp_data_tools.quality.plots import lengths_drawing
from dp_data_tools.quality.plots import numbers_drawing
from dp_data_tools.quality.plots import panels_of
from dp_data_tools.quality.plots import STATE
from dp_data_tools.quality.plots import thinned
from dp_data_tools.quality.plots import timing_drawing
from dp_data_tools.quality.report import film_strip
from dp_data_tools.quality.report import report
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from quality_samples import episode
from test_quality_bags import between
from test_quality_bags import CAMERA
from test_quality_bags import messages
from test_quality_timing import bag
from test_quality_timing import even
from test_quality_timing import stamps

VOID = {'meta', 'img', 'br', 'link', 'input', 'hr'}


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects what a test asks for."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.sources, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.sources += [values[k] for k in ('src', 'href', 'xlink:href') if k in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def picture(value):
    pixels = np.full((48, 64, 3), value, np.uint8)
    return cv2.imencode('.jpg', pixels)[1].tobytes()


def camera(times=(0.0, 1.0, 2.0)):
    count = len(times)
    numbers = np.full(count, 100.0)
    return Pictures(
        '/cam',
        np.array(times),
        numbers,
        numbers,
        np.zeros(count, np.bool_),
        ((0, '64 x 48 jpeg'),),
        thumbnails=tuple((t, picture(50 * k)) for k, t in enumerate(times)),
    )


FROZEN = Finding(
    'frozen', ERROR, 'demo', 0, '/cam', 'the same <picture>', 1.0, 1.0, 0.3, 's', ((0.9, 1.1),)
)


def test_a_report_is_one_file_that_fetches_nothing():
    text = report([('demo', [episode(pictures=(camera(),))], [FROZEN])])
    page = Page(text)
    assert 'script' not in page.tags
    assert all(s.startswith(('data:', '#')) for s in page.sources)
    fetched = re.findall(r'(?:url\(|@import)\s*["\']?(?!#)(\w+)', text)
    assert fetched == []
    assert {'svg', 'img', 'table', 'details'} <= set(page.tags)


def test_words_of_bags_cannot_become_markup():
    name = '<script>alert(1)</script>'
    made = Episode(name, 0, name, 1.0, states=episode().states)
    text = report([(name, [made], [FROZEN])])
    assert '<script>' not in text
    assert 'the same &lt;picture&gt;' in text
    Page(text)


def test_the_report_says_how_much_and_how_bad():
    findings = [FROZEN, Finding('gap', WARNING, 'demo', 1, '/cam', 'gap')]
    words = ' '.join(Page(report([('demo', [episode(0), episode(1)], findings)])).words)
    assert 'Repair this before training.' in words
    for figure in ('2 episodes', '40.0 s recorded', '1 errors', '1 warnings'):
        assert figure in words
    words = ' '.join(Page(report([('demo', [episode()], findings[1:])])).words)
    assert 'have a look at the warnings' in words
    words = ' '.join(Page(report([('demo', [episode()], [])])).words)
    assert 'Nothing speaks against training.' in words
    assert 'Nothing was found.' in words


def test_the_worst_episodes_are_drawn_and_counted():
    episodes = [episode(k, 2.0) for k in range(20)]
    findings = [
        Finding('frozen', ERROR, 'demo', 17, '/cam', 'frozen'),
        Finding('gap', WARNING, 'demo', 9, '/cam', 'gap'),
        Finding('offset', INFO, 'demo', 4, 'arm', 'small'),
    ]
    text = report([('demo', episodes, findings)], drawn=3)
    order = [int(k) for k in re.findall(r'<b>demo \[(\d+)\]</b>', text)]
    assert order == [17, 9, 0]
    assert '3 of 20 episodes, those with the worst findings first.' in text
    assert '2.0 to 2.0 s, usually 2.0 s.' in text


def test_all_places_of_a_finding_are_listed_with_figures():
    findings = [
        Finding('gap', WARNING, 'demo', k, '/cam', 'gap', 1.5, 100.0 + k, 50.0, 'ms')
        for k in range(6)
    ]
    text = report([('demo', [episode(k, 2.0) for k in range(6)], findings)])
    for k in range(6):
        assert f'<td>demo[{k}]</td><td class="number">1.50 s</td>' in text
        assert f'<td class="number">{100 + k} ms</td><td class="number">50 ms</td>' in text


def test_a_film_strip_frames_what_is_bad():
    strip = film_strip(camera(), [FROZEN])
    page = Page(strip)
    assert '/cam, 64 x 48 jpeg' in ''.join(page.words)
    looks = re.findall(r'<figure class="(\w*)">', strip)
    assert looks == ['', 'error', '']
    data = base64.b64decode(page.sources[1].partition(',')[2])
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.mean() == pytest.approx(50, abs=1)
    assert film_strip(camera(())) == ''


def test_the_same_episode_is_drawn_the_same_way():
    one, two = (numbers_drawing(episode(), [FROZEN]) for _ in 'ab')
    assert one == two
    assert one.startswith('<svg')
    Page(one)


def points(text):
    """Points of every line of a drawing (N, 2)."""
    found = re.findall(r'<polyline points="([^"]*)"', text)
    return [np.array([p.split(',') for p in line.split()], float) for line in found]


def test_the_drawing_of_two_lines_and_a_span():
    times_s = np.array([0.0, 5.0, 10.0])
    chart = Chart(
        'up & down',
        (0.0, 10.0),
        (-1.0, 1.0),
        (Curve(times_s, np.array([-1.0, 1.0, 0.0]), STATE), Curve(times_s, times_s, ACTION, True)),
        spans=((2.0, 4.0, '#c0392b'), (7.0, 7.0, '#c0392b')),
    )
    text = sheet([chart])
    Page(text)
    up, beyond = points(text)
    # 46 left, 10 right of 1140; 20 above and 26 below of 130: y grows downwards.
    assert up.tolist() == [[46.0, 104.0], [588.0, 20.0], [1130.0, 62.0]]
    assert beyond[:, 1].tolist() == [62.0, 20.0, 20.0]  # what is beyond stays on the edge
    assert text.count('stroke-dasharray') == 1
    assert re.findall(r'<rect x="([\d.]+)" y="20" width="([\d.]+)"', text) == [
        ('262.8', '216.8'),
        ('804.8', '2.0'),  # a moment can be seen as well
    ]
    assert 'up &amp; down' in text


def test_charts_stand_side_by_side():
    chart = Chart('c', (0.0, 1.0), (0.0, 1.0))
    assert re.findall(r'translate\((\d+) (\d+)\)', sheet([chart] * 4)) == [
        ('0', '0'),
        ('380', '0'),
        ('760', '0'),
        ('0', '130'),
    ]
    assert sheet([]) == ''


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_inside(low, length):
    found = ticks(low, low + length, 4)
    assert 1 <= len(found) <= 6
    slack = 1e-6 * (abs(low) + length)
    assert all(low - slack <= t <= low + length + slack for t in found)
    if len(found) > 1:
        digits = f'{found[1] - found[0]:.3e}'
        assert digits[0] in '1259'  # 9.99...: differences of large numbers round


def test_known_ticks():
    assert ticks(0.0, 10.0, 5) == [0, 2, 4, 6, 8, 10]
    assert ticks(-0.3, 0.42, 3) == pytest.approx([0.0])
    assert ticks(3.0, 3.0, 3) == [3.0]


def test_what_hardly_moves_is_a_straight_line():
    made = episode()
    still = made.states[0].values * 0 + 1.0 + 1e-9 * np.random.default_rng(0).random((1000, 2))
    still = Track('arm', ('a', 'b'), made.states[0].times_s, still, RADIAN)
    for line in points(numbers_drawing(episode(states=(still,), actions=(), pairs=()), [])):
        assert np.ptp(line[:, 1]) == 0.0


def test_state_and_action_share_a_panel():
    made = episode()
    assert panels_of(made) == [
        [('arm', 'a'), ('action', 'a')],
        [('arm', 'b'), ('action', 'b')],
    ]
    wide = Track('block', tuple('uvw'), made.states[0].times_s, np.zeros((1000, 3)), RADIAN)
    alone = Track('grip', ('g',), made.states[0].times_s, np.zeros((1000, 1)), RADIAN)
    made = episode(states=(wide, *made.states), actions=(*made.actions, alone))
    places = [panel[0] for panel in panels_of(made)]
    assert places[:3] == [('arm', 'a'), ('arm', 'b'), ('block', 'u')]
    assert places[-1] == ('grip', 'g')


def test_every_panel_has_its_title_and_findings_only_their_own():
    title = re.compile(r'>(arm/\w)</text>')
    mine = Finding('jerk', WARNING, 'demo', 0, 'arm/b', 'jerk', spans=((1.0, 2.0),))
    clean, marked = (numbers_drawing(episode(), found) for found in ([], [mine]))
    assert title.findall(clean) == title.findall(marked) == ['arm/a', 'arm/b']
    assert clean.count('#d68910') == 0
    assert marked.count('#d68910') == 2  # a band, and its foot


def test_nothing_to_draw_is_no_drawing():
    empty = Episode('demo', 0, '', 0.0)
    assert numbers_drawing(empty, []) == ''
    assert timing_drawing([]) == ''
    Page(report([('demo', [empty], [])]))
    Page(report([('nothing', [], [])]))


@given(st.integers(1, 20_000), st.integers(0, 19_999))
def test_thinning_keeps_every_spike(count, at):
    values = np.sin(np.arange(count) / 100)
    values[at % count] = 7.0
    times_s, kept = thinned(np.arange(count) / 500, values)
    assert len(kept) == len(times_s) <= 800
    assert kept.max() == 7.0
    assert kept.min() == values.min()
    assert (np.diff(times_s) > 0).all()
    assert times_s[kept.argmax()] == (at % count) / 500


def test_timing_of_topics():
    text = timing_drawing(bag(stamps(even()), stamps(even(90, 33.3), topic='/cam')).stamps)
    assert '/arm, 50.0 Hz, 300 messages' in text
    assert '/cam, 30.0 Hz, 90 messages' in text
    table = report([('bag', [bag(stamps(even(101), 12.0))], [])])
    cells = re.findall(r'<td class="number">([^<]*)</td>', table)
    assert cells == ['101', '50.0 Hz', '20 ms', '12.0 ms', '12.0 ms']


def test_lengths_wear_the_colour_of_their_worst_finding():
    episodes = [episode(k, 1.0 + k) for k in range(3)]
    text = lengths_drawing(episodes, [None, WARNING, ERROR])
    bars = re.findall(r'fill="(#85c1a0|#d68910|#c0392b)"', text)
    assert bars == ['#85c1a0', '#d68910', '#c0392b']


def test_check_writes_the_report(tmp_path, capsys):
    from bag_samples import write_bag

    takes = tmp_path / 'takes'
    write_bag(takes / 'good', messages(3.0))
    write_bag(takes / 'black', messages(3.0, between(CAMERA, 990, 1510, value=2), seed=1))
    out = tmp_path / 'new' / 'report.html'
    assert main(['check', str(takes), '--html', str(out), '--plots', '1']) == 1
    assert f'{out}: open it in a browser' in capsys.readouterr().out
    text = out.read_text()
    Page(text)
    assert re.findall(r'<b>[^<]*/(\w+) \[0\]</b>', text) == ['black']
    assert text.count('<figure class="error">') == 2
    assert not list(out.parent.glob('*.partial'))


def test_a_report_that_cannot_be_written_is_told(tmp_path, capsys):
    from bag_samples import write_bag

    bag_path = write_bag(tmp_path / 'bag', messages(2.0))
    (tmp_path / 'file').write_text('')
    assert main(['check', str(bag_path), '--html', str(tmp_path / 'file' / 'x.html')]) == 1
    assert 'cannot write' in capsys.readouterr().err
