# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The URDF and the MJCF describe the same robot."""

from xml.etree import ElementTree

from dp_core.kinematics import KinematicChain
from dp_sim.assets import MJCF_PATH
from dp_sim.assets import URDF_PATH
from dp_sim.simulation import JOINTS
import mujoco
import numpy as np
import pytest

URDF = URDF_PATH.read_text(encoding='utf-8')
ROOT = ElementTree.fromstring(URDF)
LINKS = [link.get('name') for link in ROOT.iter('link') if link.get('name') != 'world']


@pytest.fixture(scope='module')
def model():
    return mujoco.MjModel.from_xml_path(str(MJCF_PATH))


def test_every_link_is_at_the_same_place_in_both_models(model):
    data = mujoco.MjData(model)
    chains = {link: KinematicChain.from_urdf(URDF, 'world', link) for link in LINKS}
    rng = np.random.default_rng(0)
    for _ in range(20):
        q = dict(zip(JOINTS, rng.uniform(-3, 3, 6)))
        for name, value in q.items():
            data.joint(name).qpos = value
        mujoco.mj_kinematics(model, data)
        for link, chain in chains.items():
            pose = chain.forward(np.array([q[name] for name in chain.joint_names]))
            body = data.body(link)
            np.testing.assert_allclose(pose[:3, 3], body.xpos, atol=1e-6, err_msg=link)
            np.testing.assert_allclose(pose[:3, :3].ravel(), body.xmat, atol=1e-6, err_msg=link)


def test_masses_centres_and_inertias_agree(model):
    for link in ROOT.iter('link'):
        inertial = link.find('inertial')
        if inertial is None:
            continue
        body = model.body(link.get('name'))
        assert body.mass[0] == pytest.approx(float(inertial.find('mass').get('value')))
        centre = [float(v) for v in inertial.find('origin').get('xyz').split()]
        np.testing.assert_allclose(body.ipos, centre, atol=1e-9)
        inertia = [float(inertial.find('inertia').get(k)) for k in ('ixx', 'iyy', 'izz')]
        np.testing.assert_allclose(np.sort(body.inertia), np.sort(inertia), rtol=1e-5)


def test_public_masses_of_the_ur5e(model):
    masses = [
        model.body(name).mass[0]
        for name in (
            'shoulder_link',
            'upper_arm_link',
            'forearm_link',
            'wrist_1_link',
            'wrist_2_link',
            'wrist_3_link',
        )
    ]
    assert masses == pytest.approx([3.761, 8.058, 2.846, 1.37, 1.3, 0.365])


def test_joint_limits_agree(model):
    limits = KinematicChain.from_urdf(URDF, 'world', 'pusher_tip', JOINTS).limits
    ranges = np.array([model.joint(name).range for name in JOINTS])
    np.testing.assert_allclose(limits.lower, ranges[:, 0], atol=1e-12)
    np.testing.assert_allclose(limits.upper, ranges[:, 1], atol=1e-12)
    np.testing.assert_allclose(limits.velocity, np.pi)
    elbow = np.pi * np.array([2, 2, 1, 2, 2, 2])
    np.testing.assert_allclose(limits.upper, elbow)
    for joint in ROOT.iter('joint'):
        if joint.get('type') == 'revolute':
            force = model.actuator(joint.get('name')).forcerange[1]
            assert force == float(joint.find('limit').get('effort'))


def test_stretched_arm_reaches_as_far_as_the_public_numbers_say():
    chain = KinematicChain.from_urdf(URDF, 'base_link', 'tool0', JOINTS)
    x, y, z = chain.forward(np.zeros(6))[:3, 3]
    assert x == pytest.approx(0.425 + 0.3922)
    assert y == pytest.approx(0.1333 + 0.0996)
    assert z == pytest.approx(0.1625 - 0.0997)


def test_model_needs_no_meshes(model):
    assert model.nmesh == 0
    assert '<mesh' not in URDF
