# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Only recordings of the outcome that is asked for become episodes; the others are listed."""

from bag_samples import recording
from bag_samples import write_bag
from conversion import COMMANDS
from conversion import run
from dp_core.replay_buffer import load_dataset
from dp_data_tools.outcome import outcome_of
import pytest
from recording_samples import Clock
from recording_samples import make_recorder
from recording_samples import play
from recording_samples import samples
import yaml


@pytest.fixture
def takes(tmp_path):
    """A marked take of 2 s, an unmarked one, and a plain bag."""
    clock = Clock()
    recorder = make_recorder(tmp_path / 'takes', clock)
    for seconds, outcome in ((2.0, 'success'), (1.0, 'unmarked')):
        messages, topics = samples(seconds=seconds)
        for each in topics:
            recorder.know(each)
        recorder.begin()
        play(recorder, clock, messages)
        recorder.keep(outcome)
    write_bag(tmp_path / 'takes' / 'plain', recording(1.0))
    return tmp_path / 'takes'


def test_only_successes_are_taken_and_the_others_listed(tmp_path, takes, capsys):
    assert run(tmp_path, takes, action=(*COMMANDS, '--outcome', 'success')) == 0
    said = capsys.readouterr().out
    assert "episode_000001: left out: its outcome is 'unmarked', not 'success'" in said
    assert 'plain: left out: no outcome is stored in its metadata.yaml' in said
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [20]
    conversion = yaml.safe_load((tmp_path / 'out' / 'conversion.yaml').read_text())
    assert [entry['bag'] for entry in conversion['left_out']] == ['episode_000001', 'plain']


def test_a_later_mark_counts_and_a_missing_bag_still_fails(tmp_path, takes, capsys):
    recorder = make_recorder(takes)
    recorder.mark('episode_000001', 'success')
    bags = [takes, tmp_path / 'nowhere']
    assert run(tmp_path, bags, action=(*COMMANDS, '--outcome', 'success')) == 1
    assert 'nowhere' in capsys.readouterr().err
    assert load_dataset(tmp_path / 'out')[1].episode_ends.tolist() == [20, 30]


def test_nothing_of_the_outcome_is_told(tmp_path, takes, capsys):
    assert run(tmp_path, takes / 'plain', action=(*COMMANDS, '--outcome', 'success')) == 1
    assert 'nothing to write' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(tmp_path, takes, action=(*COMMANDS, '--outcome', 'succes'))


def test_a_file_has_the_outcome_of_its_folder_and_bad_metadata_none(tmp_path, takes):
    file = next((takes / 'episode_000000').glob('*.mcap'))
    assert outcome_of(file) == outcome_of(file.parent) == 'success'
    (takes / 'plain' / 'metadata.yaml').write_text('[')
    assert outcome_of(takes / 'plain') is None
    (takes / 'plain' / 'metadata.yaml').write_text('[1]')
    assert outcome_of(takes / 'plain') is None
