# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees of the commands."""

import subprocess
import sys

from bag_samples import JOINT_STATE
from bag_samples import recording
from bag_samples import write_bag
from dp_data_tools.cli import main
from dp_data_tools.cli import VERBS
import pytest


def test_info_lists_topics_types_counts_and_rates(tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', recording(2.0))
    assert main(['info', str(bag)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith('410 messages')
    assert said[1].split() == ['/commands', JOINT_STATE, '100', '50.2', 'Hz']
    assert said[3].split()[:3] == ['/joint_states', JOINT_STATE, '250']
    assert main(['info', str(tmp_path / 'nowhere')]) == 1


def test_help_shows_an_example(capsys):
    for arguments in (['--help'], ['convert', '--help']):
        with pytest.raises(SystemExit) as leave:
            main(arguments)
        assert leave.value.code == 0
        assert 'dp_data_tools convert take_* --contract contract.yaml' in capsys.readouterr().out
    for verb in VERBS:
        with pytest.raises(SystemExit):
            main([verb, '--help'])
        assert f'\n  dp_data_tools {verb} ' in capsys.readouterr().out
    with pytest.raises(SystemExit) as leave:
        main(['convert'])
    assert leave.value.code == 2


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    bag = write_bag(tmp_path / 'bag', recording(1.0))
    command = [sys.executable, '-u', '-m', 'dp_data_tools.cli', 'info', str(bag)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.wait(timeout=60), process.stderr.read()) == (141, b'')
