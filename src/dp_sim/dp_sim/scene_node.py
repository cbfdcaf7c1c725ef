# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Node sim_node: wires simulation, controller, publishers and cameras together.

Threads: the main one runs the executor (trajectories, services, parameters), one the physics at
500 Hz, one the cameras, one writes episodes. The node joint_trajectory_controller lives in the
same process, so a name given on the command line must be given per node (`-r sim_node:__node:=…`).
With `controller: ros2_control` there is none: a real one moves mock hardware, whose description
comes from here, and the simulated arm follows its joint states.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
import threading
from typing import Any

from action_msgs.msg import GoalStatus
from action_msgs.msg import GoalStatusArray
from dp_msgs.srv import ResetScene
from dp_sim.arm_controller import ArmController
from dp_sim.camera_output import CameraOutput
from dp_sim.camera_output import CAMERAS
from dp_sim.camera_output import CameraSettings
from dp_sim.demonstration import demonstration_start
from dp_sim.fault_player import FaultPlayer
from dp_sim.followed_controller import FollowedController
from dp_sim.joint_follower import JointFollower
from dp_sim.latency import Latencies
from dp_sim.mock_hardware import with_mock_hardware
from dp_sim.parameters import declare
from dp_sim.parameters import SIM_NODE
from dp_sim.physics_loop import Outputs
from dp_sim.physics_loop import PhysicsLoop
from dp_sim.rendering import RenderError
from dp_sim.robot_status import RobotStatus
from dp_sim.scene import draw_start
from dp_sim.scene_log import SceneLog
from dp_sim.scene_log import write_log
from dp_sim.scene_publisher import ScenePublisher
from dp_sim.scene_state import SceneScore
from dp_sim.scene_state import SceneState
from dp_sim.simulation import Simulation
from dp_sim.stand_in import make_stand_in
from dp_sim.stand_in import StandIn
from dp_sim.start_motion import start_positions
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import qos_profile_action_status_default
from std_msgs.msg import Bool

RESET_TIMEOUT_S = 10.0
# A goal whose trajectory has run out for so long is one of a policy node that died [ns].
LOST_GOAL_NS = 3_000_000_000
RUNNING = (GoalStatus.STATUS_ACCEPTED, GoalStatus.STATUS_EXECUTING, GoalStatus.STATUS_CANCELING)


class SimNode(Node):
    """The scene as a ROS node."""

    def __init__(self) -> None:
        """Build the scene; nothing moves before `start`."""
        super().__init__('sim_node')
        self._values = declare(self, SIM_NODE)
        self._is_demonstrated = self._values['starts'] == 'demonstration'
        simulation = Simulation(demonstration_start if self._is_demonstrated else draw_start)
        self._chain = simulation.chain
        self._stand_in: StandIn | None = None
        self._follower: JointFollower | None = None
        controller, urdf = self._make_controller(simulation)
        self._publisher = ScenePublisher(
            self, simulation.joint_names, urdf, tells_joints=self._follower is None
        )
        self._status = RobotStatus(self, tells_factor=self._values['controller'] == 'stand_in')
        self._cameras = CameraOutput(self, Simulation(), self._camera_settings())
        outputs = Outputs(
            state=self._on_state,
            score=self._on_score,
            frame=self._cameras.offer,
            episode=self._on_episode if self._values['log_dir'] else None,
            clock=self._on_clock,
        )
        self._loop = PhysicsLoop(
            simulation,
            controller,
            outputs,
            state_rate_hz=self._values['state_rate'],
            frame_rate_hz=self._values['camera_rate'],
            factor=self._values['realtime_factor'],
            latencies=Latencies(
                command_s=self._values['command_latency'],
                joint_state_s=self._values['joint_state_latency'],
                camera_s=self._camera_latencies(),
            ),
        )
        self._thread = threading.Thread(
            target=self._loop.run, args=(self._values['seed'],), name='physics'
        )
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix='episode_writer')
        self._running: frozenset[bytes] = frozenset()
        self._followed_ns = 0  # simulated time at which no running goal had run out
        spoiled = [each for each in (self._publisher, self._cameras, self._stand_in) if each]
        is_stand_in = self._stand_in is not None
        self._faults = FaultPlayer(
            self, self._loop, spoiled, self._values, is_stand_in=is_stand_in
        )
        if self._stand_in is not None:
            self._stand_in.connect(self._loop.receive)
        self._create_interfaces()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes to be spun: this one, and the controller where we stand in for it."""
        return (self,) if self._stand_in is None else (self._stand_in, self)

    @property
    def is_alive(self) -> bool:
        """Whether the physics thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the cameras and the physics.

        Raises:
            RenderError: there shall be pictures, and this machine cannot render.
        """
        self._cameras.start()
        if self._values['needs_cameras'] and self._cameras.dark_because:
            raise RenderError(f'needs_cameras is true: {self._cameras.dark_because}')
        self._thread.start()

    def close(self) -> None:
        """Stop all threads and write what is to be written."""
        self._loop.stop()
        if self._thread.ident is not None:
            self._thread.join()
        self._cameras.stop()
        self._writer.shutdown(wait=True)
        pacer = self._loop.pacer
        self.get_logger().info(
            f'stopped; {pacer.late_steps} physics steps began more than 10 ms late, '
            f'the worst {pacer.worst_s * 1e3:.1f} ms'
        )

    def _make_controller(self, simulation: Simulation) -> tuple[ArmController, str]:
        """Return what moves the arm, and the robot's description."""
        joints = tuple(simulation.joint_names)
        if self._values['controller'] != 'ros2_control':
            self._stand_in, controller = make_stand_in(self._values['controller'], joints)
            return controller, simulation.urdf
        if self._values['realtime_factor'] != 1.0:
            raise ValueError(
                f'realtime_factor is {self._values["realtime_factor"]}; valid with controller '
                "'ros2_control', which runs on the system clock: 1.0"
            )
        if self._is_demonstrated:
            raise ValueError("starts is 'demonstration', valid with 'ros2_control': 'evaluation'")
        late = [n for n in ('command_latency', 'joint_state_latency') if self._values[n]]
        if late:
            raise ValueError(
                f"{late} are of parts that are outside with controller 'ros2_control'"
            )
        followed = FollowedController(len(joints))
        self._follower = JointFollower(self, joints, self._chain, followed.hear)
        start = start_positions(self._chain, self._values['seed'])
        return followed, with_mock_hardware(simulation.urdf, joints, start)

    def _camera_settings(self) -> CameraSettings:
        values = self._values
        return CameraSettings(
            height=values['image_height'],
            width=values['image_width'],
            compressed_format=values['compressed_format'],
            jpeg_quality=values['jpeg_quality'],
            latency_s=self._camera_latencies(),
        )

    def _camera_latencies(self) -> tuple[float, ...]:
        return tuple(self._values[f'{name}_camera_latency'] for name in CAMERAS)

    def _create_interfaces(self) -> None:
        # A group of its own: while the arm goes to its start, everything else goes on.
        self.create_service(
            ResetScene,
            '/reset_scene',
            self._on_reset,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )
        self._status_topic = f'{self._values["action_name"]}/_action/status'
        self.create_subscription(
            GoalStatusArray, self._status_topic, self._on_goals, qos_profile_action_status_default
        )
        self.create_subscription(Bool, '/marker', self._on_marker, 10)
        self.create_timer(1.0, self._forget_lost_goals)

    def _on_state(self, state: SceneState) -> None:
        self._faults.tick(state.stamp_ns)
        self._publisher.publish_state(state)
        condition = self._loop.condition
        self._status.publish(condition, again=False)
        if self._stand_in is not None and condition.controller_active:
            self._stand_in.publish(state, condition.speed_scaling)
        elif self._stand_in is not None:
            self._stand_in.rest()
        self._loop.wants_frames = self._cameras.has_listeners

    def _on_score(self, score: SceneScore) -> None:
        self._publisher.publish_score(score)
        self._status.publish(self._loop.condition, again=True)

    def _on_episode(self, log: SceneLog, realtime_factor: float) -> None:
        folder = Path(self._values['log_dir']).expanduser()
        snapshot = log.snapshot(realtime_factor)
        self._writer.submit(self._write, folder, log.name, snapshot)

    def _on_clock(self, offset_ns: int) -> bool:
        """Tell that the system clock is elsewhere; who follows /clock needs it to go on evenly."""
        found = f'the system clock is {offset_ns * 1e-9:+.1f} s from the stamps: it was set, or '
        found += 'the machine slept'
        if self._publisher.has_clock_listeners:
            self.get_logger().error(
                f'{found}; somebody listens to /clock, so they stay as they are: nodes on the '
                'system clock need a restart of sim_node',
                once=True,
            )
            return False
        self.get_logger().warning(f'{found}; from now on they follow it')
        self._faults.shift(offset_ns)
        self._cameras.marker.forget()
        self._followed_ns += offset_ns
        return True

    def _write(self, folder: Path, name: str, snapshot: dict[str, Any]) -> None:
        try:
            write_log(folder, name, snapshot)
        except OSError as error:
            self.get_logger().error(f'cannot write episode {name} to {folder}: {error}')

    async def _on_reset(
        self, request: ResetScene.Request, response: ResetScene.Response
    ) -> ResetScene.Response:
        action = self._values['action_name']
        if self._running:
            response.message = f'a goal of {action} is executing; cancel it or wait for its end'
        elif not 0 <= request.seed < 2**31:
            response.message = f'seed must be 0 to {2**31 - 1}, got {request.seed}'
        elif self._follower is not None:
            goal = start_positions(self._chain, request.seed)
            response.message = await self._follower.move_to(goal)
        if not response.message:
            try:
                response.coverage = self._loop.reset(request.seed).result(RESET_TIMEOUT_S)
                response.success = True
            except FutureTimeoutError:
                response.message = f'the physics did not answer within {RESET_TIMEOUT_S} s'
        if response.message:
            self.get_logger().warning(f'scene not reset: {response.message}')
        return response

    def _on_goals(self, message: GoalStatusArray) -> None:
        def ids(*states: int) -> frozenset[bytes]:
            goals = [goal for goal in message.status_list if goal.status in states]
            return frozenset(bytes(goal.goal_info.goal_id.uuid) for goal in goals)

        self._running = ids(*RUNNING)
        self._loop.executing = ids(GoalStatus.STATUS_EXECUTING)

    def _on_marker(self, message: Bool) -> None:
        self._cameras.marker.switch(self._loop.now_ns, message.data)

    def _forget_lost_goals(self) -> None:
        """A policy node that died leaves its last status behind: it must not block resets.

        It is gone, or, where a new one has taken its name, nothing is left to follow for longer
        than a living one would bear.
        """
        now_ns = self._loop.now_ns
        if not self._running or not self._loop.ran_out:
            self._followed_ns = now_ns
        lost = now_ns - self._followed_ns > LOST_GOAL_NS
        if self._running and (lost or not self.count_publishers(self._status_topic)):
            self._running = self._loop.executing = frozenset()
