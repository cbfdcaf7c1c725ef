# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Keep an embedded run apart from robots on the network and from other runs on this machine."""

from __future__ import annotations

from collections.abc import Mapping
import random
import socket

DOMAINS = range(1, 102)  # above, the ports may be taken by the operating system
FIRST_PORT, PORTS_PER_DOMAIN = 7400, 250
UNICAST_OFFSET = 10  # of the port that a domain's first participant listens on


def private_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to add: a free domain and this machine only, unless the user chose."""
    added = {}
    if not environment.get('ROS_DOMAIN_ID'):
        added['ROS_DOMAIN_ID'] = str(free_domain())
    if not environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE'):
        added['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    return added


def free_domain() -> int:
    """Return a domain that nobody on this machine seems to use."""
    candidates = random.SystemRandom().sample(DOMAINS, len(DOMAINS))
    return next((domain for domain in candidates if _is_free(domain)), candidates[0])


def _is_free(domain: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', FIRST_PORT + PORTS_PER_DOMAIN * domain + UNICAST_OFFSET))
        except OSError:
            return False
    return True
