# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What publishers offer decides how they are heard; no node is started."""

from types import SimpleNamespace

from dp_core.errors import RecordingError
import pytest

pytest.importorskip('rclpy')

from dp_data_tools.ros import endpoints
from rclpy.qos import DurabilityPolicy
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy

RELIABLE = QoSProfile(depth=10)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def publisher(profile, msgtype='sensor_msgs/msg/JointState'):
    type_hash = SimpleNamespace(version=1, value=bytes(range(32)))
    return SimpleNamespace(topic_type=msgtype, qos_profile=profile, topic_type_hash=type_hash)


@pytest.mark.parametrize(
    ('offered', 'reliability', 'durability'),
    [
        ([RELIABLE], 'RELIABLE', 'VOLATILE'),
        ([qos_profile_sensor_data], 'BEST_EFFORT', 'VOLATILE'),
        ([LATCHED, LATCHED], 'RELIABLE', 'TRANSIENT_LOCAL'),
        ([LATCHED, RELIABLE], 'RELIABLE', 'VOLATILE'),
        ([LATCHED, qos_profile_sensor_data], 'BEST_EFFORT', 'VOLATILE'),
    ],
)
def test_a_subscription_asks_for_what_all_publishers_offer(offered, reliability, durability):
    found = endpoints.matching_qos([publisher(each) for each in offered], 'a/msg/B')
    assert (found.reliability.name, found.durability.name) == (reliability, durability)
    assert found.depth == endpoints.DEPTH
    pictures = endpoints.matching_qos([publisher(RELIABLE)], 'sensor_msgs/msg/Image')
    assert pictures.depth == endpoints.PICTURE_DEPTH


def test_a_publisher_that_offers_less_than_asked_cannot_be_heard():
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    assert endpoints.is_deaf(RELIABLE, best_effort)
    assert endpoints.is_deaf(LATCHED, RELIABLE)
    assert not endpoints.is_deaf(best_effort, RELIABLE)
    assert not endpoints.is_deaf(RELIABLE, LATCHED)


def test_a_topic_is_described_as_rosbag2_describes_it():
    found = endpoints.describe('/joints', [publisher(RELIABLE), publisher(LATCHED)])
    assert found.type_hash == 'RIHS01_' + bytes(range(32)).hex()
    assert found.definition.startswith('#') and 'MSG: std_msgs/Header' in found.definition
    assert found.has_header
    first, second = found.offered_qos
    assert (first['reliability'], first['durability']) == ('reliable', 'volatile')
    assert second['durability'] == 'transient_local'
    assert first['deadline'] == {'sec': 0, 'nsec': 0}


def test_types_that_disagree_or_are_not_installed_are_refused_by_name():
    pair = [publisher(RELIABLE), publisher(RELIABLE, 'std_msgs/msg/String')]
    with pytest.raises(RecordingError, match=r'/joints is published as .*JointState.*String'):
        endpoints.describe('/joints', pair)
    with pytest.raises(RecordingError, match='no definition of other_msgs/Thing'):
        endpoints.describe('/thing', [publisher(RELIABLE, 'other_msgs/msg/Thing')])
    with pytest.raises(RecordingError, match='other_msgs/msg/Thing is not installed'):
        endpoints.message_class('other_msgs/msg/Thing')
    with pytest.raises(RecordingError, match='sensor_msgs/msg/Thing is not installed'):
        endpoints.message_class('sensor_msgs/msg/Thing')


def test_the_bench_counts_numbers_that_are_missing(tmp_path):
    from bag_samples import IMAGE
    from bag_samples import JOINT_STATE
    from bag_samples import joints
    from bag_samples import STORE
    from bag_samples import write_bag
    from dp_data_tools.ros import record_bench

    rows = []
    for k in range(20):
        if k not in (4, 5, 11):
            rows.append(('/joint_states', JOINT_STATE, k + 0.5, joints(k, (0.0, float(k)))))
        if k != 7:
            header = STORE.types['std_msgs/msg/Header'](
                STORE.types['builtin_interfaces/msg/Time'](1_700_000_000, k), str(100 + k)
            )
            pixels = joints(0, (0.0, 0.0)).position[:0].astype('uint8')
            image = STORE.types[IMAGE](header, 0, 0, 'rgb8', 0, 0, pixels)
            rows.append(('/left/image_raw', IMAGE, k + 0.5, image))
    found = record_bench._count(write_bag(tmp_path / 'bag', rows))
    assert found['lost_by_topic'] == {'/joint_states': 3, '/left/image_raw': 1}
    assert found['lost'] == 4
    assert found['messages'] == {'/joint_states': 17, '/left/image_raw': 19}
