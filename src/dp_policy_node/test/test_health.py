# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What /diagnostics says of each thing that is watched, well and unwell."""

from types import SimpleNamespace

from dp_core.watchdog import Fault
from dp_core.watchdog import Verdict
import pytest

pytest.importorskip('dp_msgs.msg')

from dp_msgs.msg import PolicyStatus
from dp_policy_node import health


def values(diagnostic):
    return {row.key: row.value for row in diagnostic.values}


def inputs(missing='', complaint=None):
    return SimpleNamespace(
        ages_s=lambda now_ns: {'front': 0.09, 'side': 0.04, 'joints': 0.002},
        why_missing=lambda now_ns, max_age_s: missing,
        refused_messages=3, complaint=complaint,
    )  # fmt: skip


def test_observations_tell_the_age_of_each_stream_and_their_skew():
    well = health.observations(inputs(), 0, 0.5)
    assert (well.level, well.message) == (health.OK, 'complete')
    assert values(well)['front age [ms]'] == '90.0'
    assert values(well)['skew [ms]'] == '88.0'
    complaint = SimpleNamespace(reason='NaN')
    unwell = health.observations(inputs("'front' is 0.6 s old", complaint), 0, 0.5)
    assert (unwell.level, unwell.message) == (health.WARN, "'front' is 0.6 s old")
    assert values(unwell)['last refusal'] == 'NaN'


@pytest.mark.parametrize(
    ('alive', 'expired', 'level', 'words'),
    [(True, 0, health.OK, 'in time'), (True, 2, health.WARN, 'last 2 chunks'),
     (False, 0, health.ERROR, 'died')],
)  # fmt: skip
def test_inference(alive, expired, level, words):
    worker = SimpleNamespace(is_alive=alive, expired_in_row=expired, busy_s=0.01)
    status = PolicyStatus(inference_time_p95=0.05)
    told = health.inference(SimpleNamespace(worker=worker), status)
    assert told.level == level and words in told.message
    assert values(told)['p95 [ms]'] == '50.0'


def test_limits_count_what_they_changed():
    untouched = health.limits(PolicyStatus(chunks=9))
    assert (untouched.level, untouched.message) == (health.OK, 'never touched')
    told = health.limits(PolicyStatus(refused_chunks=1, clamped_steps=4))
    assert (told.level, told.message) == (health.OK, '1 refused chunks, 4 clamped steps')
    assert values(told)['slowed chunks'] == '0'


def robot(deaf='', lost='', moves_arm=True):
    output = SimpleNamespace(why_deaf=lambda: deaf, why_refused=lambda: '', moves_arm=moves_arm)
    return SimpleNamespace(
        output=output, controllers=SimpleNamespace(why_lost=lambda timeout_s: lost)
    )


def test_controller():
    status = PolicyStatus(tracking_error=0.0123, speed_scaling=1.0, feedback='joint_states')
    well = health.controller(robot(), status, 0.5)
    assert (well.level, well.message) == (health.OK, 'follows')
    assert values(well) == {
        'reference by': 'joint_states', 'tracking error [mrad]': '12.3',
        'speed scaling [1]': '1.00',
    }  # fmt: skip
    for unwell in (robot(deaf='nobody'), robot(lost='nobody')):
        told = health.controller(unwell, status, 0.5)
        assert (told.level, told.message) == (health.ERROR, 'nobody')
    assert 'dry run' in health.controller(robot(moves_arm=False), status, 0.5).message


def test_safety():
    verdict = Verdict(Fault.DEADMAN, 'let go')
    heard = SimpleNamespace(check=lambda: verdict, values=lambda: {'pedal': 0.0, 'other': None})
    told = health.safety(heard)
    assert (told.level, told.message) == (health.ERROR, 'let go')
    assert values(told) == {'pedal': '0', 'other': 'never heard'}
    nothing = SimpleNamespace(check=lambda: None, values=dict)
    assert health.safety(nothing).message == 'nothing is watched'
