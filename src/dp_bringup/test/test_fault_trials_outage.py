# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Two computers and an outage between them: its plan and figures, and the network itself."""

from collections import Counter
import os
import socket

import pytest

pytest.importorskip('dp_msgs.msg')

from dp_bringup.fault_trials.network import Network
from dp_bringup.fault_trials.network import NetworkError
from dp_bringup.fault_trials.outage import expected
from dp_bringup.fault_trials.outage import OUTAGES_S
from dp_bringup.fault_trials.outage import plan_outages
from dp_bringup.fault_trials.outage import summarize
from dp_bringup.fault_trials.outage import table

PORT = 9876


def record(number, **values):
    return {
        'number': number,
        'seconds': 0.1,
        'stopped': True,
        'outcome': 'STOPPED',
        'reason': 'stopped by ~/stop',
        'speed': 0.5,
        'back_s': 0.1,
        'brake_after_s': 0.02,
        'rest_s': 0.4,
        'way_m': 0.02,
        'velocity': 0.5,
        'acceleration': 4.0,
        'jerk': 90.0,
        'violations': [],
        'load': 1.0,
        **values,
    }


def test_each_outage_is_tried_as_often_with_a_stop_and_without():
    plans = plan_outages(3, 0)
    counts = Counter((plan.seconds, plan.stopped) for plan in plans)
    assert counts == {(s, stopped): 3 for s in OUTAGES_S for stopped in (True, False)}
    assert [plan.number for plan in plans] == list(range(30))
    assert plans == plan_outages(3, 0) != plan_outages(3, 1)


@pytest.mark.parametrize(
    ('stopped', 'seconds', 'outcome', 'right'),
    [
        (True, 0.1, 'STOPPED', True),
        (True, 1.6, 'JOINT_STATE_STALL', False),
        (False, 0.4, 'GOES_ON', True),
        (False, 0.4, 'JOINT_STATE_STALL', False),
        (False, 0.8, 'OBSERVATION_STALL', True),
        (False, 0.8, 'GOES_ON', False),
    ],
)
def test_a_stop_counts_whatever_the_network_does(stopped, seconds, outcome, right):
    assert expected(record(0, stopped=stopped, seconds=seconds, outcome=outcome)) is right


def test_figures_are_gathered_for_each_outage():
    lost = record(1, brake_after_s=None, rest_s=1.0, violations=['acceleration limit'])
    rows = summarize([record(0), lost, record(2, seconds=0.2)])
    first = rows[0]
    assert (first['seconds'], first['stopped'], first['trials']) == (0.1, True, 2)
    assert first['braked_again'] == 1
    assert first['rest_s']['max'] == 1.0
    assert first['violations'] == ['1: acceleration limit']
    assert sum(row['trials'] for row in rows) == 3
    assert table(rows).splitlines()[2] == (
        '| 0.1 s | yes | 2, 2 | STOPPED 2 | 1: 0.020, 0.020 s | 0.700, 1.000 s | '
        '0.50 rad/s, 4.0 rad/s², 90 rad/s³ | 1 |'
    )


@pytest.fixture
def network():
    try:
        with Network() as network:
            yield network
    except NetworkError as error:
        pytest.skip(f'no networks can be made here: {error}')


def listener(network, computer):
    with network.on(computer):
        result = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    result.bind(('', PORT))
    result.settimeout(0.3)
    return result


def test_what_is_said_while_the_network_is_away_is_lost(network):
    before = os.readlink('/proc/thread-self/ns/net')
    robot = listener(network, 'robot')
    with network.on('policy'):
        policy = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    assert os.readlink('/proc/thread-self/ns/net') == before
    with robot, policy:
        policy.sendto(b'one', ('10.77.0.1', PORT))
        assert robot.recv(9) == b'one'
        network.cut()
        policy.sendto(b'two', ('10.77.0.1', PORT))
        with pytest.raises(TimeoutError):
            robot.recv(9)
        network.join()
        policy.sendto(b'three', ('10.77.0.1', PORT))
        assert robot.recv(9) == b'three'


def test_a_network_leaves_nothing_behind(network):
    prefix = network.prefix('policy')
    assert prefix[:3] == ('ip', 'netns', 'exec')
    network.__exit__(None, None, None)
    assert not os.path.exists(f'/run/netns/{prefix[3]}')
