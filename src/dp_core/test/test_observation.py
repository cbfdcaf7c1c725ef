# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A window is checked against its contract before a network sees it."""

from dp_core.contract import ActionGroup
from dp_core.contract import Contract
from dp_core.contract import Stream
from dp_core.errors import ObservationError
from dp_core.observation import ObservationWindow
import numpy as np
import pytest

CONTRACT = Contract(
    'demo',
    0.1,
    2,
    16,
    8,
    (Stream('s', 'vector', length=3), Stream('c', 'image', 'c', size=(8, 12))),
    (ActionGroup('arm', 'vector', ('x',)),),
)


def window(numbers=None, pictures=None):
    numbers = np.zeros((2, 3), np.float32) if numbers is None else numbers
    pictures = np.zeros((2, 8, 12, 3), np.uint8) if pictures is None else pictures
    return ObservationWindow(0, {'s': numbers}, {'c': pictures})


def test_a_window_of_the_contracts_shapes_passes():
    window().validate(CONTRACT)


@pytest.mark.parametrize(
    ('bad', 'words'),
    [
        (window(np.zeros((1, 3), np.float32)), r"'s' has shape \(1, 3\), .* \(2, 3\)"),
        (window(pictures=np.zeros((2, 12, 8, 3), np.uint8)), r"'c' has shape \(2, 12, 8, 3\)"),
        (window(pictures=np.zeros((2, 8, 12, 3), np.float32)), "'c' has float32, valid: uint8"),
        (window(np.full((2, 3), np.nan, np.float32)), "'s' contains NaN"),
        (ObservationWindow(0, {}, {}), "lacks stream 's'"),
    ],
)
def test_a_window_of_another_form_is_refused(bad, words):
    with pytest.raises(ObservationError, match=words):
        bad.validate(CONTRACT)
