# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The lamp in the corner shows what was switched at the time of the picture."""

from dp_sim.marker import Marker
import numpy as np


def painted(marker, time_ns):
    image = np.full((20, 40, 3), 100, np.uint8)
    marker.paint(image, time_ns)
    return image


def test_nothing_is_painted_before_the_first_switching():
    marker = Marker()
    assert (painted(marker, 5) == 100).all()
    marker.switch(10, True)
    assert (painted(marker, 9) == 100).all()


def test_the_lamp_is_as_it_was_at_the_time_of_the_picture():
    marker = Marker()
    marker.switch(10, True)
    marker.switch(20, False)
    assert [painted(marker, t)[0, 0, 0] for t in (10, 19, 20, 99)] == [255, 255, 0, 0]


def test_switchings_of_a_clock_that_was_set_are_forgotten():
    marker = Marker()
    marker.switch(1000, True)
    marker.forget()
    assert (painted(marker, 2000) == 100).all()
    marker.switch(10, False)
    assert painted(marker, 20)[0, 0, 0] == 0


def test_only_the_corner_is_covered():
    marker = Marker()
    marker.switch(0, True)
    image = painted(marker, 1)
    assert (image[:3, :6] == 255).all()
    assert (image[3:] == 100).all() and (image[:, 6:] == 100).all()
