# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Errors over a motion, in numbers a person can check."""

from dp_core.errors import ObservationError
from dp_core.tracking_error import TrackingError
import numpy as np
import pytest

NAN = float('nan')


def test_largest_and_rms_of_two_controllers_by_name():
    error = TrackingError(('a', 'b', 'c'))
    error.add(('b', 'a'), (1.0, 2.0), (1.3, 2.0))  # b: 0.3
    error.add(('b', 'a'), (1.0, 2.0), (0.6, 2.1))  # b: -0.4, a: 0.1
    assert error.samples == 0 and np.isnan(error.largest[2]) and np.isnan(error.rms[2])
    error.add(('c',), (5.0,), (5.2,))
    assert error.samples == 1
    assert error.largest == pytest.approx([0.1, 0.4, 0.2])
    assert error.rms == pytest.approx([np.sqrt(0.01 / 2), np.sqrt((0.09 + 0.16) / 2), 0.2])


@pytest.mark.parametrize(
    ('names', 'desired', 'actual', 'words'),
    [
        (('a', 'x'), (0.0, 0.0), (0.0, 0.0), r"joints \['x'\] are told, valid: \['a', 'b'\]"),
        (('a', 'b'), (0.0, 0.0), (0.0,), '2 joints, but 2 desired and 1 actual'),
        (('a',), (NAN,), (0.0,), r"NaN or infinity in the error of \['a'\]"),
    ],
)
def test_what_cannot_be_used_is_refused_and_changes_nothing(names, desired, actual, words):
    error = TrackingError(('a', 'b'))
    with pytest.raises(ObservationError, match=words):
        error.add(names, desired, actual)
    assert error.samples == 0 and np.isnan(error.largest).all()
