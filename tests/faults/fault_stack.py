# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The processes of the stack ur5_pusht, which a test may kill one by one."""

import dataclasses
import os
import signal

from dp_bringup.ros_domain import free_domain
from dp_bringup.run_local import LocalStack
from dp_bringup.run_local import StackError
from dp_bringup.stacks import Ur5Pusht
from fault_client import FaultClient
from motion_record import until

SEED = 3


def private_domain():
    """Return a domain of our own and the environment that selects it."""
    domain = free_domain()
    environment = {
        **os.environ,
        'ROS_DOMAIN_ID': str(domain),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
    }
    return domain, environment


class FaultStack:
    """sim_node and policy_node as processes, and a client beside them."""

    def __init__(self, checkpoint, folder, speed_scale):
        self.folder = folder
        self.speed_scale = speed_scale
        self._domain, self._environment = private_domain()
        sim, node = Ur5Pusht(policy=str(checkpoint), seed=SEED).nodes()
        self._specs = {'sim_node': sim, 'policy_node': node}
        self._running = {}
        self._count = 0
        self.client = FaultClient(self._domain)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in ('policy_node', 'sim_node'):
            self.stop(name)
        self.client.close()

    @property
    def motion(self):
        """The record of the motion."""
        return self.client.motion

    def start(self, name, **parameters):
        """Start a process; returns the file of its log."""
        self._count += 1
        spec = self._specs[name]
        spec = dataclasses.replace(spec, parameters={**spec.parameters, **parameters})
        folder = self.folder / f'{self._count:03d}'
        self._running[name] = LocalStack([spec], folder, self._environment)
        self._running[name].__enter__()
        return folder / f'{name}.log'

    def stop(self, name):
        """End a process as Ctrl-C does; returns its exit code, 0 when it did not run."""
        local = self._running.pop(name, None)
        return local.stop()[name] if local else 0

    def kill(self, name):
        """End a process without a chance to say a word."""
        os.kill(self._running[name].pids[name], signal.SIGKILL)

    def is_running(self, name):
        """Whether a process that was started has not ended."""
        try:
            self._running[name].check()
        except (KeyError, StackError):
            return False
        return True

    def exit_code(self, name):
        """Wait for a process to end by itself; returns its exit code."""
        until(lambda: not self.is_running(name), f'the end of {name}')
        return self.stop(name)

    def restore(self):
        """Start what does not run, end the fault, reset the scene, and wait until all is ready."""
        fresh = [name for name in self._specs if not self.is_running(name)]
        for name in fresh:
            self.stop(name)
            self.start(name)
        self.client.play('')
        if 'policy_node' not in fresh:
            self.client.cancel_all()
        self.client.reset_scene(SEED)
        self.motion.clear()
        self.client.wait_ready()

    def move(self, chunks=2):
        """Send a goal and wait until the arm moves by it; returns the future of its result."""
        handle = self.client.send(speed_scale=self.speed_scale)
        assert handle.accepted, self.client.status
        self.client.wait_chunks(chunks)
        self.motion.wait_for_motion()
        return handle.get_result_async()

    def ended(self, future):
        """Wait for the result of a goal."""
        return self.client.result(future, 'the result').result
