# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The quasi-static model of pushing."""

from dp_sim import push_model
from dp_sim.push_model import Contacts
import numpy as np
import pytest


def contact(x, y, normal, direction, low=-1.0, high=1.0):
    return Contacts(
        np.array([[x, y]]),
        np.array([normal], dtype=float),
        np.array([low]),
        np.array([high]),
        np.array([direction], dtype=float),
    )


def test_push_through_the_centroid_does_not_turn():
    poses = push_model.push(np.zeros((1, 3)), contact(0.0, 0.0804, (0, -1), (0, -1)))[0]
    np.testing.assert_allclose(poses[:, 1], -push_model.LENGTHS, atol=1e-12)
    np.testing.assert_allclose(poses[:, [0, 2]], 0.0, atol=1e-12)


def test_push_beside_the_centroid_turns_by_the_limit_surface():
    # First 3 mm, sticking, at x = 5 cm: turn = step x / (C^2 + x^2 + y^2) (1 rad per metre ...).
    pose = push_model.push(np.zeros((1, 3)), contact(0.05, 0.0804, (0, -1), (0, -1)))[0, 0]
    assert pose[2] < 0  # pushing -y on the +x side turns clockwise
    assert pose[0] == pytest.approx(0.0, abs=3e-3)
    assert -0.003 < pose[1] < 0


def test_mirrored_pushes_have_mirrored_results():
    right = push_model.push(np.zeros((1, 3)), contact(0.05, 0.0804, (0, -1), (0.2, -0.98)))[0]
    left = push_model.push(np.zeros((1, 3)), contact(-0.05, 0.0804, (0, -1), (-0.2, -0.98)))[0]
    np.testing.assert_allclose(right * (-1, 1, -1), left, atol=1e-12)


def test_pushes_turn_with_the_world():
    base = push_model.push(np.zeros((1, 3)), contact(0.05, 0.0804, (0, -1), (0.2, -0.98)))[0]
    turned = push_model.push(
        np.array([[0.1, -0.2, 1.0]]), contact(0.05, 0.0804, (0, -1), (0.2, -0.98))
    )[0]
    np.testing.assert_allclose(turned[:, 2], base[:, 2] + 1.0, atol=1e-12)
    expected = push_model.turn(base[:, :2], 1.0) + (0.1, -0.2)
    np.testing.assert_allclose(turned[:, :2], expected, atol=1e-12)


def test_block_stays_when_the_pusher_has_left_its_edge():
    poses = push_model.push(
        np.zeros((1, 3)), contact(0.0, 0.0804, (0, -1), (0, -1), low=0.5, high=1.0)
    )
    assert not poses.any()


def test_contacts_touch_the_outline_from_outside():
    contacts = push_model.contacts()
    assert len(contacts.low) > 150
    inwards = (contacts.direction * contacts.normal).sum(axis=1)
    np.testing.assert_allclose(inwards, np.where(inwards > 0.99, 1.0, np.cos(0.25)), atol=1e-9)
