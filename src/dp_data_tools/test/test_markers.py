# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What a recording says about its episodes."""

from types import SimpleNamespace

from dp_core.errors import DatasetError
from dp_data_tools.bag_reader import Topic
from dp_data_tools.markers import BEGIN
from dp_data_tools.markers import DISCARD
from dp_data_tools.markers import END
from dp_data_tools.markers import meaning
from dp_data_tools.markers import require_markers
import pytest

BOOL, STRING = 'std_msgs/msg/Bool', 'std_msgs/msg/String'
START_EVENT = '/recorder/start_episode/_service_event'


def event(kind=1, **request):
    info = SimpleNamespace(event_type=kind)
    return SimpleNamespace(info=info, request=[SimpleNamespace(**request)], response=[])


def test_a_bool_is_true_during_an_episode():
    assert meaning('/m', BOOL, SimpleNamespace(data=True)) == BEGIN
    assert meaning('/m', BOOL, SimpleNamespace(data=False)) == END


@pytest.mark.parametrize(
    ('text', 'means'),
    [('start', BEGIN), ('Stop', END), ('keep: 3', END), ('success', END), ('DISCARD it', DISCARD)],
)
def test_words(text, means):
    assert meaning('/m', STRING, SimpleNamespace(data=text)) == means


@pytest.mark.parametrize('text', ['', 'pause'])
def test_another_word_is_refused(text):
    with pytest.raises(DatasetError, match=f"/m: marker '{text}', valid: .*'discard'.*'start'"):
        meaning('/m', STRING, SimpleNamespace(data=text))


def test_requests_of_services_count_and_their_answers_do_not():
    trigger, set_bool = 'std_srvs/srv/Trigger_Event', 'std_srvs/srv/SetBool_Event'
    assert meaning(START_EVENT, trigger, event()) == BEGIN
    assert meaning('/discard/_service_event', trigger, event()) == DISCARD
    assert meaning(START_EVENT, trigger, event(kind=2)) == ''
    assert meaning('/r/_service_event', set_bool, event(data=False)) == END


def test_topics_that_mark_nothing_are_refused():
    recorded = {
        name: Topic(name, kind, 1)
        for name, kind in {
            '/m': BOOL,
            START_EVENT: 'std_srvs/srv/Trigger_Event',
            '/wave/_service_event': 'std_srvs/srv/Trigger_Event',
            '/js': 'sensor_msgs/msg/JointState',
        }.items()
    }
    require_markers(['/m', START_EVENT], recorded)
    with pytest.raises(DatasetError, match=r'marker topic /n is missing; the bag has /m \(std'):
        require_markers(['/n'], recorded)
    for wrong in ('/js', '/wave/_service_event'):
        with pytest.raises(DatasetError, match=f'marker topic {wrong} is of type .*, valid: std'):
            require_markers([wrong], recorded)
