# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What is recorded to measure latencies by, and each delay that one recording tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
from dp_core.calibration.delay import Delay
from dp_core.calibration.delay import estimate_delay
from dp_core.calibration.delay import Search
from dp_core.calibration.delay import Signal
from dp_core.errors import CalibrationError
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Pictures are shrunk to (height, width) [pixel]: motion is seen in it, noise is averaged away.
PICTURE = (48, 64)
COMPONENTS = 6
# A picture, or a pose, is a curve of the joint's angle, as it is bent by perspective and edges.
POWERS = 3
# An arm that moved less than this part of what was commanded stands still.
MIN_GAIN, MAX_GAIN = 0.5, 1.5
# What a camera sees may be mostly something else, if only it is seen clearly.
SEEN = Search(min_explained=0.2)
FOLLOWED = Search(min_explained=0.9)


@dataclass(frozen=True)
class Recording:
    """Everything with the stamps it came with, in seconds since some common instant.

    Attributes:
        joint_states: positions of the joint that moved (N, 1) [rad].
        commanded: its commanded positions (M, 1) [rad].
        streams: by name: poses (N, dim), or pictures (N, pixels) as `small_picture` gives them.
        group: action group of the joint.
    """

    joint_states: Signal
    commanded: Signal
    streams: Mapping[str, Signal]
    group: str


@dataclass(frozen=True)
class LampRecording:
    """A lamp that cameras see, with the stamps that everything came with.

    Attributes:
        switched: when the lamp was switched (N, 1), on as 1 and off as 0.
        pictures: by name of the stream (N, pixels), as `small_picture` gives them.
    """

    switched: Signal
    pictures: Mapping[str, Signal]


def small_picture(image: NDArray[np.uint8]) -> Array:
    """Reduce a picture (H, W, 3) to a few grey numbers (pixels,)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, PICTURE[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float64).ravel()


def delay_of_motion(recording: Recording) -> Delay:
    """Delay of the joint states after the commands.

    Raises:
        CalibrationError: the arm did not follow, or the delay is not clear.
    """
    commanded, measured = recording.commanded, recording.joint_states
    gain = float(np.ptp(measured.values) / max(float(np.ptp(commanded.values)), 1e-9))
    if gain < MIN_GAIN:
        raise CalibrationError(
            f'the joint was commanded to move over {np.ptp(commanded.values):.4f} rad and moved '
            f'over {np.ptp(measured.values):.4f}: the arm does not follow (protective stop, '
            'brakes, another controller?)'
        )
    delay = estimate_delay(measured, commanded, FOLLOWED)
    if not MIN_GAIN < delay.gain < MAX_GAIN:
        raise CalibrationError(
            f'the joint moves {delay.gain:.2f} times as far as commanded, valid: {MIN_GAIN} to '
            f'{MAX_GAIN}'
        )
    return delay


def delay_of_stream(stream: Signal, joint_states: Signal) -> Delay:
    """Delay of pictures or poses after the joint states of the joint that moves them.

    Raises:
        CalibrationError: they do not move with the joint, or the delay is not clear.
    """
    angle = joint_states.values[:, 0] - joint_states.values[:, 0].mean()
    angle = angle / max(float(np.abs(angle).max()), 1e-9)
    bent = Signal(joint_states.times_s, angle[:, None] ** np.arange(1, POWERS + 1))
    return estimate_delay(_principal(stream), bent, SEEN)


def delay_of_lamp(recording: LampRecording, name: str) -> Delay:
    """Delay of the lamp in the pictures of a stream after the signal that switched it.

    Raises:
        CalibrationError: there are no pictures, no lamp is seen, or the delay is not clear.
    """
    pictures, switched = recording.pictures[name], recording.switched
    if len(pictures.times_s) < 2:
        raise CalibrationError(
            f'stream {name!r} has {len(pictures.times_s)} pictures from while the lamp blinked, '
            'valid: 2 or more; the camera died, or its clock is not that of this computer'
        )
    period_s = float(np.median(np.diff(pictures.times_s)))
    fine_s = np.arange(switched.times_s[0], switched.times_s[-1], 0.001)
    last = np.searchsorted(switched.times_s, fine_s, side='right') - 1
    on = switched.values[last, 0]
    # A picture shows the lamp on or off; over many switchings, as a ramp as long as its period.
    box = np.ones(max(1, round(period_s / 0.001)))
    box = box / box.sum()
    padded = np.pad(on, (len(box) // 2, len(box) - 1 - len(box) // 2), mode='edge')
    return estimate_delay(
        _principal(pictures), Signal(fine_s, np.convolve(padded, box, mode='valid')[:, None]), SEEN
    )


def _principal(stream: Signal) -> Signal:
    """Reduce many numbers (N, C) to the few in which they vary most."""
    values = stream.values - stream.values.mean(axis=0)
    if values.shape[1] <= COMPONENTS:
        return Signal(stream.times_s, values)
    if not values.any():
        raise CalibrationError('the picture never changes: the camera is frozen or dark')
    left, strength, _ = np.linalg.svd(values, full_matrices=False)
    return Signal(stream.times_s, (left * strength)[:, :COMPONENTS])
