# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Bags with one fault each, and what is found in them."""

from bag_samples import IMAGE
from bag_samples import JOINT_STATE
from bag_samples import joints
from bag_samples import picture
from bag_samples import write_bag
from dp_data_tools.quality.examine import examine
from dp_data_tools.quality.scan import scan_bag
import numpy as np
from quality_samples import motion

CAMERA = '/front/image_raw'


def noisy(ms, seed, value=None, size=8, compressed=False):
    """A picture of noise, as every real one is; or of one grey value."""
    made = picture(ms, value or 0, compressed)
    if value is None and not compressed:
        made.data = np.random.default_rng(seed).integers(60, 200, 192, np.uint8)
    if size != 8:
        made.height, made.width, made.step = size, size, 3 * size
        made.data = np.random.default_rng(seed).integers(60, 200, 3 * size * size, np.uint8)
    return made


def messages(seconds=6.0, change=lambda topic, k, ms: {}, seed=0):
    """Joint states at 125 Hz, commands 100 ms ahead at 50 Hz, pictures at 30 Hz, 5 ms on the way.

    ``change(topic, k, ms)`` injects: ``drop``, ``way`` [ms], ``stamp`` [ms], ``names``,
    ``positions``, ``value``, ``size``, ``seed`` of the picture.
    """
    out = []
    for topic, rate, ahead_s in (('/joint_states', 125, 0.0), ('/commands', 50, 0.1)):
        times_s = np.arange(round(seconds * rate)) / rate
        for k, values in enumerate(motion(times_s + ahead_s, seed)):
            ms = 1000 * times_s[k]
            new = change(topic, k, ms)
            message = joints(
                new.get('stamp', ms), new.get('positions', values), new.get('names', ('a', 'b'))
            )
            if not new.get('drop'):
                out.append((topic, JOINT_STATE, ms + new.get('way', 5.0), message))
    for k in range(round(seconds * 30)):
        ms = k * 1000 / 30
        new = change(CAMERA, k, ms)
        looks = new.get('seed', k), new.get('value'), new.get('size', 8)
        message = noisy(new.get('stamp', ms), *looks)
        if not new.get('drop'):
            out.append((CAMERA, IMAGE, ms + new.get('way', 5.0), message))
    return sorted(out, key=lambda entry: entry[2])


def findings(tmp_path, change=lambda topic, k, ms: {}, seconds=6.0, **options):
    bag = write_bag(tmp_path / 'bag', messages(seconds, change))
    return examine([scan_bag(bag)], 'bag', **options)


def on(name, **new):
    """Inject into every message of one topic."""
    return lambda topic, k, ms: new if topic == name else {}


def between(name, start, end, **new):
    """Inject into the messages of one topic in a time [ms]."""
    return lambda topic, k, ms: new if topic == name and start < ms < end else {}
