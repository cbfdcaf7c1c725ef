# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of sim_node that can be changed while it runs: faults, and the speed slider."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Protocol

from dp_sim.faults import check_fault
from dp_sim.faults import is_outside
from dp_sim.faults import robot_condition
from dp_sim.physics_loop import PhysicsLoop
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter


class Spoiled(Protocol):
    """Something that looks at its `fault` whenever it speaks or hears."""

    fault: str


class FaultPlayer:
    """Tells everybody which fault is played, and ends it in time."""

    def __init__(
        self,
        node: Node,
        loop: PhysicsLoop,
        spoiled: Sequence[Spoiled],
        values: Mapping[str, Any],
        *,
        is_stand_in: bool,
    ) -> None:
        """Take over the parameters.

        Args:
            node: their owner.
            loop: the physics, which the robot's own faults are played in.
            spoiled: who plays the others.
            values: of the parameters at start.
            is_stand_in: whether controller and joint states are ours.

        Raises:
            ValueError: a fault that cannot be played.
        """
        self._node = node
        self._loop = loop
        self._spoiled = spoiled
        self._is_stand_in = is_stand_in
        self._values = {k: values[k] for k in ('fault', 'fault_s', 'speed_slider')}
        self._end_ns = 0  # simulated time at which the fault ends; 0 for never
        self._check(self._values)
        self._play()
        node.add_on_set_parameters_callback(self._on_check)
        node.add_post_set_parameters_callback(self._on_set)

    def tick(self, now_ns: int) -> None:
        """End a fault that has lasted its time; called in the physics thread."""
        if 0 < self._end_ns <= now_ns:
            self._values['fault'] = ''
            self._play()

    def shift(self, offset_ns: int) -> None:
        """Let the fault last as long although simulated time is set to so much more."""
        if self._end_ns:
            self._end_ns += offset_ns

    def _on_check(self, parameters: list[Parameter]) -> SetParametersResult:
        try:
            self._check({row.name: row.value for row in parameters})
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _check(self, values: Mapping[str, Any]) -> None:
        fault = check_fault(values.get('fault', ''))
        if not self._is_stand_in and is_outside(fault):
            raise ValueError(f'fault {fault!r} is of parts that are outside with ros2_control')
        slider = values.get('speed_slider', 100.0)
        if not self._is_stand_in and slider != 100.0:
            raise ValueError(f'speed_slider is {slider}; valid with ros2_control: 100.0')

    def _on_set(self, parameters: list[Parameter]) -> None:
        values = {row.name: row.value for row in parameters if row.name in self._values}
        self._values |= values
        if 'fault' in values or 'speed_slider' in values:
            self._play(restarts='fault' in values)

    def _play(self, *, restarts: bool = True) -> None:
        fault, now_ns = self._values['fault'], self._loop.now_ns
        self._loop.condition = robot_condition(fault, self._values['speed_slider'])
        if not restarts:
            return
        ends = fault and self._values['fault_s'] and now_ns  # no time before the first tick
        self._end_ns = now_ns + round(self._values['fault_s'] * 1e9) if ends else 0
        for each in self._spoiled:
            each.fault = fault
        if fault:
            self._node.get_logger().warning(f'playing the fault {fault!r}')
