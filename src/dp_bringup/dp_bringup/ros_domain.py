# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Keep an embedded run apart from robots on the network and from other runs on this machine."""

from __future__ import annotations

import os
import random
import socket

from dp_core.errors import ConfigError

DOMAINS = range(1, 102)  # above, the ports may be taken by the operating system
VALID = range(0, 233)  # of all domains, by their ports
FIRST_PORT, PORTS_PER_DOMAIN = 7400, 250
UNICAST_OFFSET = 10  # of the port that a domain's first participant listens on


def private_environment() -> dict[str, str]:
    """Return the variables of a run that meets no robot: a free domain, and this machine only.

    A domain that the shell exports is that of the laboratory's robots, and so not taken: what is
    simulated here has the names of their joints and controllers.
    """
    return {'ROS_DOMAIN_ID': str(free_domain()), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}


def environment_of(domain: int | None) -> dict[str, str]:
    """Return the variables of a run in a domain that somebody chose; None for a private one.

    Raises:
        ConfigError: there is no such domain.
    """
    if domain is None:
        return private_environment()
    if domain not in VALID:
        raise ConfigError(f'--domain is {domain}, valid: {VALID.start} to {VALID.stop - 1}')
    return {'ROS_DOMAIN_ID': str(domain)}


def free_domain() -> int:
    """Return a domain that nobody on this machine seems to use."""
    exported = os.environ.get('ROS_DOMAIN_ID', '')
    others = [domain for domain in DOMAINS if str(domain) != exported]
    candidates = random.SystemRandom().sample(others, len(others))
    return next((domain for domain in candidates if _is_free(domain)), candidates[0])


def _is_free(domain: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', FIRST_PORT + PORTS_PER_DOMAIN * domain + UNICAST_OFFSET))
        except OSError:
            return False
    return True
