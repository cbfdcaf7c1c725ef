# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Keys, buttons and the definitions of messages."""

import os
from pathlib import Path
import pty
import re

from bag_samples import IMAGE
from bag_samples import JOINT_STATE
from bag_samples import STORE
from dp_core.errors import ConfigError
from dp_core.errors import RecordingError
import dp_data_tools
from dp_data_tools.cli import main
from dp_data_tools.recording import inputs
from dp_data_tools.recording.definitions import full_definition
import pytest


def test_each_press_of_a_button_is_one_command():
    buttons = inputs.Buttons({'start': 2, 'stop': 3, 'discard': 0})
    assert buttons.commands([1, 0, 1, 0]) == []  # held when the recorder began
    assert buttons.commands([0, 0, 0, 0]) == []
    assert buttons.commands([0, 1, 1, 0]) == ['start']
    assert buttons.commands([0, 1, 1, 0]) == []
    assert buttons.commands([1, 0, 0, 1]) == ['discard', 'stop']
    shared = inputs.Buttons(inputs.parse_buttons('start=1,stop=1'))
    shared.commands([0, 0])
    assert shared.commands([0, 1]) == ['toggle']


def test_buttons_are_named_by_command():
    assert inputs.parse_buttons('start=7, discard=1') == {'start': 7, 'discard': 1}
    assert inputs.parse_buttons('') == {}
    with pytest.raises(ConfigError, match="'jump=3' is none"):
        inputs.parse_buttons('jump=3')
    with pytest.raises(ConfigError, match="button 1 means .'discard', 'start'."):
        inputs.parse_buttons('start=1,discard=1')


def test_keys_are_commands_and_the_status_is_one_line(monkeypatch):
    master, slave = pty.openpty()
    terminal = os.fdopen(slave, 'r')
    screen = os.fdopen(os.dup(slave), 'w')
    monkeypatch.setattr(inputs.sys, 'stdin', terminal)
    monkeypatch.setattr(inputs.sys, 'stderr', screen)
    with inputs.Keyboard() as keyboard:
        os.write(master, b'sxM q')
        assert keyboard.commands() == ['start', 'mark_success', 'toggle', 'quit']
        assert keyboard.commands() == []
        keyboard.status('idle')
        keyboard.say('kept')
    wanted, shown = '\r\x1b[Kidle\r\x1b[Kkept\r\n\r\x1b[Kidle\r\x1b[K', ''
    while len(shown) < len(wanted):  # a terminal passes on in pieces
        shown += os.read(master, 1000).decode()
    assert shown == wanted
    for file in (terminal, screen):
        file.close()
    os.close(master)


def write_types(folder):
    texts = {
        'a_msgs/msg/Top.msg': 'std_msgs/Header header\nPart[<=3] parts # Not\nfloat64[] x',
        'a_msgs/msg/Part.msg': 'string<=5 name\nb_msgs/Leaf[2] leaves\nb_msgs/Leaf again',
        'b_msgs/msg/Leaf.msg': 'uint8 value',
        'std_msgs/msg/Header.msg': 'builtin_interfaces/Time stamp\nstring frame_id',
        'builtin_interfaces/msg/Time.msg': 'int32 sec\nuint32 nanosec',
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_a_definition_carries_every_type_once(tmp_path):
    write_types(tmp_path)
    text = full_definition('a_msgs/msg/Top', lambda package: tmp_path / package)
    assert re.findall('MSG: (.*)', text) == [
        'std_msgs/Header',
        'a_msgs/Part',
        'builtin_interfaces/Time',
        'b_msgs/Leaf',
    ]
    assert text.startswith('std_msgs/Header header\nPart')
    assert text.count('=' * 80) == 4
    with pytest.raises(RecordingError, match='no definition of c_msgs/Other'):
        full_definition('c_msgs/msg/Other', lambda package: tmp_path / package)
    with pytest.raises(RecordingError, match="'Other' is none, valid: package/msg/Type"):
        full_definition('Other', lambda package: tmp_path / package)


def test_verbs_explain_themselves_and_refuse_what_is_wrong(tmp_path, capsys):
    for verb in ('record', 'recover'):
        with pytest.raises(SystemExit, match='0'):
            main([verb, '--help'])
        assert f'dp_data_tools {verb} demos' in capsys.readouterr().out
    assert main(['record', str(tmp_path), '--contract', str(tmp_path / 'none.yaml')]) == 1
    assert 'none.yaml' in capsys.readouterr().err


def test_the_version_is_that_of_the_package():
    setup = (Path(__file__).parents[1] / 'setup.py').read_text(encoding='utf-8')
    assert f"version='{dp_data_tools.__version__}'" in setup


@pytest.mark.parametrize('kind', [JOINT_STATE, IMAGE])
def test_types_of_this_installation_are_defined_as_rosbags_defines_them(kind):
    packages = pytest.importorskip('ament_index_python.packages')
    try:
        share = Path(packages.get_package_share_directory('sensor_msgs'))
    except LookupError:
        pytest.skip('needs sensor_msgs')
    text = full_definition(kind, lambda package: share.parent / package)
    ours = STORE.generate_msgdef(kind, ros_version=2)[0]

    def fields(definition):
        lines = (line.split('#')[0].split() for line in definition.splitlines())
        return [words[:2] for words in lines if len(words) > 1 and '=' not in ''.join(words)]

    assert fields(text) == fields(ours)
