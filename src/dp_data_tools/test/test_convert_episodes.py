# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Long recordings become episodes: by markers, by pauses, without idle heads and tails."""

import shutil
import weakref

from bag_samples import contract
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import recording
from bag_samples import STORE
from bag_samples import write_bag
from conversion import COMMANDS
from conversion import run
from dp_core.replay_buffer import load_dataset
from dp_data_tools.resample import Resampler
import numpy as np
import pytest
import yaml

BOOL, STRING = 'std_msgs/msg/Bool', 'std_msgs/msg/String'
NUMBERS = contract(camera=False)
TWO_ARMS = contract(
    camera=False,
    actions=[
        {
            'name': name,
            'kind': 'joint_position',
            'dims': [joint],
            'joints': [joint],
            'controller': name,
        }
        for name, joint in (('left', 'a'), ('right', 'b'))
    ],
)


def marks(*entries, kind=STRING):
    """Markers (time [ms], what)."""
    return [('/marks', kind, ms, STORE.types[kind](what)) for ms, what in entries]


def bag_of(path, entries):
    return write_bag(path, sorted(entries, key=lambda entry: entry[2]))


def moving(where, seconds=10.0, silent=lambda ms: False):
    """Arm and commands at 50 Hz that move at 1 /s within the stretches ``where`` [s]."""
    entries, place = [], 0.0
    for ms in range(0, round(seconds * 1000), 20):
        place += 0.02 * any(a <= ms / 1000 < b for a, b in where)
        entries.append(('/joint_states', JOINT_STATE, ms, joints(ms, (place, 0.0))))
        if not silent(ms):
            entries.append(('/commands', JOINT_STATE, ms, joints(ms, (place, 0.0))))
    return entries


def episodes(tmp_path, output='out'):
    return yaml.safe_load((tmp_path / output / 'episodes.yaml').read_text())


def first_positions(tmp_path, output='out'):
    buffer = load_dataset(tmp_path / output)[1]
    firsts = [0, *buffer.episode_ends[:-1]]
    return buffer.data['arm'][firsts, 0].round(2).tolist()


@pytest.mark.parametrize('kind', [BOOL, STRING])
def test_markers_say_where_episodes_begin_and_end(tmp_path, kind):
    words = ('start', 'stop') if kind == STRING else (True, False)
    begins, ends = (500, 600, 2000, 3700), (1500, 1600, 3500)
    entries = marks(*((ms, words[0]) for ms in begins), kind=kind)
    entries += marks(*((ms, words[1]) for ms in ends), kind=kind)
    bag = bag_of(tmp_path / 'bag', [*recording(5.0), *entries])
    action = (*COMMANDS, '--split-markers', 'marks')
    assert run(tmp_path, bag, action=action) == 0
    found = episodes(tmp_path)
    assert [entry['episode'] for entry in found] == [0, 1, 2]
    assert [entry['frames'] for entry in found] == [10, 15, 13]  # the last one by the end
    # The first picture that was recorded after the marker.
    assert first_positions(tmp_path) == pytest.approx([0.5, 2.0, 3.7], abs=0.04)


def test_a_bag_in_which_no_episode_begins_is_told(tmp_path, capsys):
    good = bag_of(tmp_path / 'good', [*recording(1.0), *marks((0, 'start'))])
    never = bag_of(tmp_path / 'never', [*recording(1.0), *marks((500, 'stop'))])
    assert run(tmp_path, [never, good], action=(*COMMANDS, '--split-markers', '/marks')) == 1
    said = capsys.readouterr().err
    assert f"1 failed:\n{never}: no message of ['/marks'] begins an episode\n" in said
    assert [entry['bag'] for entry in episodes(tmp_path)] == ['good']


def test_what_held_the_pictures_of_an_episode_goes_with_its_end(tmp_path, monkeypatch):
    """A bag may hold any number of episodes, and each would keep its last second of pictures."""
    made, alive = [], []

    class Counted(Resampler):
        def __init__(self, *arguments):
            alive.append(sum(reference() is not None for reference in made))
            super().__init__(*arguments)
            made.append(weakref.ref(self))

    monkeypatch.setattr('dp_data_tools.run.Resampler', Counted)
    times = range(0, 5000, 1000)
    entries = marks(*((ms, 'start') for ms in times), *((ms + 900, 'stop') for ms in times))
    gap = recording(5.0, drop=lambda topic, ms: topic == '/front/image_raw' and 2300 < ms < 2700)
    bag = bag_of(tmp_path / 'bag', [*gap, *entries])
    assert run(tmp_path, bag, action=(*COMMANDS, '--split-markers', '/marks')) == 1
    assert [entry['episode'] for entry in episodes(tmp_path)] == [0, 1, 3, 4]
    assert alive == [0] * 5


def test_an_episode_may_be_discarded_and_a_bad_one_costs_only_itself(tmp_path, capsys):
    entries = marks((0, 'start'), (1100, 'discard'), (1500, 'start'), (3000, 'stop'))
    entries += marks((3100, 'start'), (4900, 'stop'))
    gap = recording(5.0, drop=lambda topic, ms: topic == '/front/image_raw' and 2000 < ms < 2400)
    bag = bag_of(tmp_path / 'bag', [*gap, *entries])
    assert run(tmp_path, bag, action=(*COMMANDS, '--split-markers', '/marks')) == 1
    said = capsys.readouterr()
    assert f'{bag}, episode 0: left out: a marker discards it' in said.out
    assert f"{bag}, episode 1: 'front' has no picture for 0.400 s after 1700000002.0" in said.err
    assert "['front' is topic /front/image_raw]" in said.err
    assert [(e['episode'], e['frames']) for e in episodes(tmp_path)] == [(2, 18)]


def test_an_episode_may_be_discarded_after_its_end(tmp_path, capsys):
    entries = marks((0, 'start'), (1500, 'stop'), (1600, 'discard'), (1700, 'discard'))
    entries += marks((2000, 'start'), (3500, 'stop'))
    bag = bag_of(tmp_path / 'bag', [*recording(5.0), *entries])
    assert run(tmp_path, bag, action=(*COMMANDS, '--split-markers', '/marks')) == 0
    assert f'{bag}, episode 0: left out: a marker discards it' in capsys.readouterr().out
    assert [e['episode'] for e in episodes(tmp_path)] == [1]


def test_a_marker_that_is_missing_or_odd_fails_the_bag(tmp_path, capsys):
    plain = bag_of(tmp_path / 'plain', recording(1.0))
    odd = bag_of(tmp_path / 'odd', [*recording(1.0), *marks((500, 'hello'))])
    action = (*COMMANDS, '--split-markers', '/marks')
    assert run(tmp_path, [plain, odd], action=action) == 1
    said = capsys.readouterr().err
    assert f'{plain}: marker topic /marks is missing; the bag has /commands (' in said
    assert f"{odd}: /marks: marker 'hello', valid: " in said


def test_rest_before_and_after_is_trimmed_and_told(tmp_path, capsys):
    bag = bag_of(tmp_path / 'bag', moving([(2.0, 4.0), (6.0, 8.0)]))
    assert run(tmp_path, bag, NUMBERS) == 0
    entry = episodes(tmp_path)[0]
    assert entry['frames'] == 62 + 2 * 5  # rows 19 to 80 move, 0.5 s of rest stay on both sides
    assert entry['trimmed_s'] == [1.4, 1.4]
    assert entry['idle_s'] == [[2.7, 4.5]]
    said = capsys.readouterr().out
    assert '7.2 s, 1.4 s of rest before and 1.4 s after it cut' in said
    assert 'at rest from 2.7 to 4.5 s' in said
    assert run(tmp_path, bag, NUMBERS, 'all', (*COMMANDS, '--idle-speed', '0')) == 0
    assert episodes(tmp_path, 'all')[0]['frames'] == 100


def test_an_episode_that_ends_in_motion_is_marked_as_cut(tmp_path):
    rested = bag_of(tmp_path / 'rested', moving([(2.0, 4.0)]))
    cut = bag_of(tmp_path / 'cut', moving([(2.0, 12.0)]))
    assert run(tmp_path, [rested, cut], NUMBERS) == 0
    assert [entry['ends_moving'] for entry in episodes(tmp_path)] == [False, True]
    assert load_dataset(tmp_path / 'out')[1].no_end_pad.tolist() == [False, True]
    # What rests after its last motion was not cut off, even if none of the rest is kept.
    assert run(tmp_path, [rested, cut], NUMBERS, 'tight', (*COMMANDS, '--keep-idle', '0')) == 0
    assert [entry['ends_moving'] for entry in episodes(tmp_path, 'tight')] == [False, True]


def test_a_long_rest_ends_an_episode_when_asked(tmp_path):
    bag = bag_of(tmp_path / 'bag', moving([(2.0, 4.0), (6.0, 8.0)]))
    pauses = ('--split-pauses', '1.5')
    assert run(tmp_path, bag, NUMBERS, action=(*COMMANDS, *pauses)) == 0
    assert [entry['frames'] for entry in episodes(tmp_path)] == [32, 32]
    assert first_positions(tmp_path) == [0.0, 2.0]


def test_a_silence_of_the_commands_ends_an_episode_when_asked(tmp_path, capsys):
    bag = bag_of(tmp_path / 'bag', moving([(0.0, 10.0)], silent=lambda ms: 4000 < ms < 7000))
    assert run(tmp_path, bag, NUMBERS, 'whole') == 1
    assert "'_action_0' pauses for more than 1.0 s before 1700000007" in capsys.readouterr().err
    pauses = ('--split-pauses', '2')
    assert run(tmp_path, bag, NUMBERS, action=(*COMMANDS, *pauses)) == 0
    assert [entry['frames'] for entry in episodes(tmp_path)] == [41, 29]
    assert first_positions(tmp_path) == pytest.approx([0.02, 7.12], abs=0.001)


def test_a_command_alone_between_two_silences_is_left_out(tmp_path, capsys):
    """One command came, and then no more: every stream was heard, but never at one time."""

    def silent(ms):
        return 4000 < ms < 9500 and ms != 7000

    bag = bag_of(tmp_path / 'bag', moving([(0.0, 12.0)], 12.0, silent))
    assert run(tmp_path, bag, NUMBERS, action=(*COMMANDS, '--split-pauses', '2')) == 0
    assert [(entry['episode'], entry['frames']) for entry in episodes(tmp_path)] == [
        (0, 41),
        (2, 24),
    ]
    said = capsys.readouterr().out
    assert f'{bag}, episode 1: left out: at no time all streams are known' in said


def test_a_silence_of_two_arms_is_one_pause(tmp_path):
    entries = moving([(0.0, 10.0)], silent=lambda ms: 4000 < ms < 7000)
    for topic, kind, ms, message in list(entries):
        if topic == '/commands':  # the other arm's, a little later
            entries.append(('/others', kind, ms + 5, message))
    bag = bag_of(tmp_path / 'bag', entries)
    action = ('--action-topic', 'left=/commands', '--action-topic', 'right=/others')
    assert run(tmp_path, bag, TWO_ARMS, action=(*action, '--split-pauses', '2')) == 0
    assert [entry['frames'] for entry in episodes(tmp_path)] == [41, 29]


@pytest.mark.parametrize('order', [1, -1])
def test_the_commands_of_each_of_two_arms_land_in_its_columns(tmp_path, order):
    """Whatever the order of the options; the messages name the joints as b, a."""
    entries = [entry for entry in recording(2.0) if entry[0] == '/joint_states']
    for ms in range(0, 2000, 20):
        t = ms / 1000
        entries.append(('/left', JOINT_STATE, ms, joints(ms, (t, 7.0))))
        entries.append(('/right', JOINT_STATE, ms, joints(ms, (9.0, 5.0 - 2 * t))))
    bag = bag_of(tmp_path / 'bag', entries)
    options = [('--action-topic', 'left=/left'), ('--action-topic', 'right=/right')][::order]
    assert run(tmp_path, bag, TWO_ARMS, action=[word for pair in options for word in pair]) == 0
    data = load_dataset(tmp_path / 'out')[1].data
    t = data['arm'][:, 0]
    assert len(t) >= 19
    assert data['action'][:, 0] == pytest.approx(t, abs=1e-5)
    assert data['action'][:, 1] == pytest.approx(5.0 - 2 * t, abs=1e-5)


def test_what_never_moves_and_what_is_too_short_is_refused(tmp_path, capsys):
    still = bag_of(tmp_path / 'still', moving([]))
    short = bag_of(tmp_path / 'short', moving([(0.0, 9.0)], 0.5))
    assert run(tmp_path, [still, short], NUMBERS) == 1
    said = capsys.readouterr().err
    assert f'{still}: nothing moves faster than 0.01/s in its 10.0 s; --idle-speed 0 takes' in said
    assert f'{short}: too short: 5 rows, the horizon of the contract is 8' in said
    assert not (tmp_path / 'out').exists()


def test_dropped_episodes_are_left_out_and_told(tmp_path, capsys):
    made = [bag_of(tmp_path / name, recording(1.0)) for name in ('one', 'two', 'three')]
    drops = [{'bag': 'one', 'episode': 0, 'reason': 'the camera is frozen'}, {'bag': 'three'}]
    drops += [{'bag': 'two', 'episode': 7}, {'bag': 'four'}]
    shutil.rmtree(made[2])  # nobody reads what is dropped as a whole
    (tmp_path / 'three').mkdir()
    (tmp_path / 'three' / 'x.mcap').write_bytes(b'')
    (tmp_path / 'drop.yaml').write_text(yaml.safe_dump({'drop': drops}))
    assert run(tmp_path, made, action=(*COMMANDS, '--drop', str(tmp_path / 'drop.yaml'))) == 0
    assert [entry['bag'] for entry in episodes(tmp_path)] == ['two']
    said = capsys.readouterr().out
    assert 'one, episode 0: left out: drop list: the camera is frozen' in said
    assert 'three: left out: drop list: no reason given' in said
    assert 'drop list: two, episode 7 is not among these recordings' in said
    assert 'drop list: four is not among these recordings' in said
    assert np.array_equal(load_dataset(tmp_path / 'out')[1].episode_ends, [10])


def test_of_several_entries_for_one_episode_none_is_called_missing(tmp_path, capsys):
    made = [bag_of(tmp_path / name, recording(1.0)) for name in ('one', 'two', 'three')]
    drops = [{'bag': 'one', 'episode': 0, 'reason': why} for why in ('frozen', 'a gap')]
    drops += [{'bag': 'two', 'episode': 0}, {'bag': 'two', 'reason': 'all of it'}]
    (tmp_path / 'drop.yaml').write_text(yaml.safe_dump({'drop': drops}))
    assert run(tmp_path, made, action=(*COMMANDS, '--drop', str(tmp_path / 'drop.yaml'))) == 0
    said = capsys.readouterr().out
    assert 'one, episode 0: left out: drop list: frozen' in said
    assert 'two: left out: drop list: all of it' in said
    assert 'not among' not in said


def test_bags_of_one_name_are_told_apart_by_their_folders(tmp_path, capsys):
    places = ('monday/one', 'tuesday/one', 'tuesday/two')
    for place in places:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        bag_of(tmp_path / place, recording(1.0))
    folders = [tmp_path / 'monday', tmp_path / 'tuesday']
    drop = tmp_path / 'drop.yaml'
    drop.write_text('drop: [{bag: one}]')
    assert run(tmp_path, folders, action=(*COMMANDS, '--drop', str(drop))) == 1
    assert "bag 'one' may be any of [" in capsys.readouterr().err
    drop.write_text('drop: [{bag: tuesday/two}]')
    assert run(tmp_path, folders, action=(*COMMANDS, '--drop', str(drop))) == 0
    assert [entry['bag'] for entry in episodes(tmp_path)] == ['monday/one', 'tuesday/one']


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('drop: 3', 'has no list `drop`'),
        ('- bag: x', 'has no list `drop`'),
        ('drop: [{episode: 0}]', "entry {'episode': 0}, valid: {bag: name"),
        ('drop: [{bag: x, episode: one}]', "'episode': 'one'}, valid"),
        ('drop: [', 'cannot read drop list'),
    ],
)
def test_a_drop_list_that_makes_no_sense_is_refused(tmp_path, capsys, text, words):
    bag = bag_of(tmp_path / 'bag', recording(1.0))
    (tmp_path / 'drop.yaml').write_text(text)
    assert run(tmp_path, bag, action=(*COMMANDS, '--drop', str(tmp_path / 'drop.yaml'))) == 1
    said = capsys.readouterr().err
    assert str(tmp_path / 'drop.yaml') in said
    assert words in said
