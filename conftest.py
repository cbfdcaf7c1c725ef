# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Keep test runs apart: from one another, from robots on the network and from the user's logs."""

import os
import random
import signal
import tempfile

os.environ['ROS_DOMAIN_ID'] = str(random.SystemRandom().randint(1, 100))
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ['ROS_LOG_DIR'] = tempfile.mkdtemp(prefix='dp_test_log_')
# Torch threads would take the cores from the nodes under test.
os.environ.setdefault('OMP_NUM_THREADS', '1')
# Tests started in the background, or under nohup, ignore these, and so would what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
