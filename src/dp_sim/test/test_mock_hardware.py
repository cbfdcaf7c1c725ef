# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import xml.etree.ElementTree as ElementTree

from dp_core.kinematics import KinematicChain
from dp_sim.assets import URDF_PATH
from dp_sim.mock_hardware import with_mock_hardware
from dp_sim.simulation import JOINTS
import numpy as np
import pytest

POSITIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def test_every_joint_gets_a_position_command_and_starts_where_it_was_told():
    text = with_mock_hardware(URDF_PATH.read_text(encoding='utf-8'), JOINTS, POSITIONS)
    block = ElementTree.fromstring(text).find('ros2_control')
    assert block.find('hardware/plugin').text == 'mock_components/GenericSystem'
    assert [joint.get('name') for joint in block.iter('joint')] == list(JOINTS)
    for joint, value in zip(block.iter('joint'), POSITIONS):
        assert [row.get('name') for row in joint.findall('command_interface')] == ['position']
        states = {
            row.get('name'): row.find('param').text for row in joint.findall('state_interface')
        }
        assert float(states['position']) == value
        assert float(states['velocity']) == 0.0


def test_the_kinematics_stay_the_same():
    plain = URDF_PATH.read_text(encoding='utf-8')
    chains = [
        KinematicChain.from_urdf(urdf, 'world', 'pusher_tip', JOINTS)
        for urdf in (plain, with_mock_hardware(plain, JOINTS, POSITIONS))
    ]
    q = np.array(POSITIONS)
    np.testing.assert_array_equal(chains[0].forward(q), chains[1].forward(q))


@pytest.mark.parametrize('urdf', ['<robot>', '<robot><ros2_control/></robot>'])
def test_a_description_that_does_not_suit_is_refused(urdf):
    with pytest.raises(ValueError, match='</robot>'):
        with_mock_hardware(urdf, ('a',), (0.0,))
