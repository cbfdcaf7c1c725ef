# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Node scripted_operator: demonstrates episode after episode over ROS, and runs the recorder.

It commands what a person would: targets of the tool on `/tool_target`, which the node
teleoperation follows, and the services of `dp_data_tools record`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
import math
import sys
import threading
import time
from typing import Any

from dp_core.errors import RecordingError
from dp_msgs.srv import ResetScene
from dp_sim.convert import nanoseconds
from dp_sim.demonstration import Style
from dp_sim.parameters import declare
from dp_sim.recorder_client import is_done
from dp_sim.recorder_client import recorder_clients
from dp_sim.scene_publisher import FRAME
from dp_sim.scripted_operator import DT_S
from dp_sim.scripted_operator import Operator
from dp_sim.spinning import initialize
from dp_sim.spinning import spin
from dp_sim.teleoperated_episode import demonstrate_over_ros
from dp_sim.teleoperation_node import TARGET_TOPIC
from dp_sim.teleoperation_parameters import OPERATOR
from geometry_msgs.msg import PoseStamped
import numpy as np
from numpy.typing import NDArray
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from std_srvs.srv import Trigger

ANSWER_S = 30.0  # longest wait for a service, a pose or the recorder's topics [s]
# Then a question is asked again: a service just found may not know yet whom to answer. A reset
# that moves the arm of a real controller takes up to 3.6 s [s].
ASK_AGAIN_S = 6.0
END_S = 1.0  # longest wait for a recorder that may have ended as well [s]
SETTLE_S = 0.3  # after a reset
FRESH_S = 0.3  # a pose that the operator may act upon
POLL_S = 0.002
THINK_S = 0.01  # between looks whether a decision was made
SILENCE_S = 0.12  # longest between commands, should a decision take long [s]


class RosWorld(Node):
    """The scene and the recorder as an operator meets them; see `teleoperated_episode.World`."""

    def __init__(self, stop: threading.Event) -> None:
        """Connect; once ``stop`` is set, whatever waits raises InterruptedError."""
        super().__init__('scripted_operator')
        self.values = declare(self, OPERATOR)
        self._stop = stop
        self._patience_s = ANSWER_S
        self._is_recording = False
        self._poses: dict[str, PoseStamped] = {}
        self._due_s = self._sent_s = 0.0
        self._last: NDArray[np.float64] | None = None  # target
        self._mind = ThreadPoolExecutor(max_workers=1, thread_name_prefix='mind')
        self._targets = self.create_publisher(PoseStamped, TARGET_TOPIC, 1)
        for name in ('block', 'tool'):
            self.create_subscription(
                PoseStamped,
                f'/{name}_pose',
                lambda message, name=name: self._poses.__setitem__(name, message),
                qos_profile_sensor_data,
            )
        self._resets = self.create_client(ResetScene, '/reset_scene')
        self._recorder = recorder_clients(self, self.values['recorder'])

    @property
    def time_s(self) -> float:
        """Time on the ROS clock [s]."""
        return self.get_clock().now().nanoseconds * 1e-9

    def reset(self, seed: int) -> None:
        """Go to the start of a seed, and wait until it is seen."""
        self._wait(lambda: self._targets.get_subscription_count() > 0, 'the node teleoperation')
        request = ResetScene.Request(seed=seed)  # the newest: after its answer none is under way
        reply, _ = self._call(self._resets, request, is_newest_meant=True)
        if not reply.success:
            raise RecordingError(f'the scene cannot be reset to {seed}: {reply.message}')
        end_s = self.time_s + SETTLE_S
        self._wait(lambda: self.time_s > end_s, 'the clock')
        self._due_s, self._last = 0.0, None

    def look(self) -> tuple[tuple[float, float, float], NDArray[np.float64]]:
        """Return the newest poses, as soon as they are fresh."""
        self._wait(self._sees, 'poses on /block_pose and /tool_pose')
        block, tool = self._poses['block'].pose, self._poses['tool'].pose
        yaw = 2.0 * math.atan2(block.orientation.z, block.orientation.w)
        yaw = math.remainder(yaw, 2.0 * math.pi)
        place = np.array([tool.position.x, tool.position.y])
        return (block.position.x, block.position.y, yaw), place

    def act(self, target: NDArray[np.float64]) -> None:
        """Command the tool, and wait for the next step."""
        self._send(target)
        now_s = self.time_s
        self._due_s = max(self._due_s, now_s - DT_S / 2) + DT_S  # late once, late no more
        self._wait(lambda: self.time_s >= self._due_s, 'the clock')

    def decide(self, think: Callable[[], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return what `think` does; as a hand does meanwhile, go on commanding the last place."""
        thought = self._mind.submit(think)
        while True:
            try:
                return thought.result(THINK_S)
            except FutureTimeoutError:
                if self.time_s > self._sent_s + SILENCE_S:
                    self._send(self._last if self._last is not None else self.look()[1])

    def _send(self, target: NDArray[np.float64]) -> None:
        self._last, self._sent_s = target, self.time_s
        message = PoseStamped()
        message.header.frame_id = FRAME
        message.header.stamp = self.get_clock().now().to_msg()
        message.pose.position.x, message.pose.position.y = map(float, target)
        message.pose.orientation.x, message.pose.orientation.w = 1.0, 0.0  # tool down
        self._targets.publish(message)

    def record(self, command: str) -> None:
        """Give the recorder a command; a start waits until it has found the topics."""
        if not self._recorder:
            return
        if command == 'stop':
            self._is_recording = False  # from now on a discard may mean what was kept
        deadline = time.monotonic() + ANSWER_S
        while True:
            reply, is_repeated = self._call(self._recorder[command], Trigger.Request())
            if is_done(command, reply, is_repeated=is_repeated):
                self._is_recording = command == 'start' or (
                    self._is_recording and command == 'mark_success'
                )
                return
            if command != 'start' or time.monotonic() > deadline:
                raise RecordingError(f'the recorder refuses {command}: {reply.message}')
            time.sleep(0.2)

    def close(self) -> None:
        """Discard an episode that was interrupted; Ctrl-C may have ended the recorder as well."""
        self._stop.clear()
        self._mind.shutdown(wait=True)
        self._patience_s = END_S
        if self._is_recording:
            try:
                self.record('discard')
            except (InterruptedError, RecordingError) as error:
                why = str(error) or 'interrupted again'
                self.get_logger().warning(
                    f'could not discard the interrupted episode ({why}); a recorder that has '
                    'ended before says itself what became of it'
                )

    def _sees(self) -> bool:
        oldest_s = self.time_s - FRESH_S
        stamps = [nanoseconds(message.header.stamp) for message in self._poses.values()]
        return len(stamps) == 2 and min(stamps) * 1e-9 > oldest_s

    def _call(
        self, client: Any, request: Any, *, is_newest_meant: bool = False
    ) -> tuple[Any, bool]:
        """Return an answer, and whether another was lost or late; the first one that comes."""
        self._wait(client.service_is_ready, client.srv_name)
        deadline = time.monotonic() + self._patience_s
        asked: list[Any] = []
        is_repeated = False
        while time.monotonic() < deadline:
            if is_newest_meant:
                asked.clear()
            asked.append(client.call_async(request))
            end = min(time.monotonic() + ASK_AGAIN_S, deadline)
            if self._comes(lambda: any(future.done() for future in asked), end):
                return next(each.result() for each in asked if each.done()), is_repeated
            is_repeated = True
        raise self._in_vain(f'an answer of {client.srv_name}')

    def _wait(self, condition: Any, what: str) -> None:
        if not self._comes(condition, time.monotonic() + self._patience_s):
            raise self._in_vain(what)

    def _comes(self, condition: Any, deadline: float) -> bool:
        while not condition():
            if self._stop.is_set():
                raise InterruptedError
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def _in_vain(self, what: str) -> RecordingError:
        return RecordingError(f'waited {self._patience_s:.0f} s in vain for {what}')


def main(args: list[str] | None = None) -> int:
    """Demonstrate; return 1 when scene or recorder fail, 130 after Ctrl-C."""
    stop = initialize(args)
    sys.setswitchinterval(0.001)  # [s]; planning shall not hold up the commands
    world = RosWorld(stop)
    ended = threading.Event()
    ears = threading.Thread(target=spin, args=(world, ended), name='ears')
    ears.start()
    try:
        _demonstrate(world)
        return 0
    except RecordingError as error:
        world.get_logger().fatal(str(error))
        return 1
    except InterruptedError:
        return 130
    finally:
        world.close()
        ended.set()
        ears.join()
        world.destroy_node()
        rclpy.shutdown()


def _demonstrate(world: RosWorld) -> None:
    values = world.values
    operator = Operator(np.random.default_rng([values['seed'], 0]))
    style = Style(burst_every_s=values['burst_every'], time_limit_s=values['time_limit'])
    solved = kept = 0
    for episode in range(values['episodes']):
        seed = values['seed'] + episode
        rng = np.random.default_rng([seed, 2])
        result = demonstrate_over_ros(world, operator, rng, style, seed)
        solved, kept = solved + result.solved, kept + result.kept
        world.get_logger().info(
            f'start {seed}: {"solved" if result.solved else "not solved"} in '
            f'{result.seconds:.1f} s; {solved} of {episode + 1} solved, {kept} episodes kept'
        )


if __name__ == '__main__':
    sys.exit(main())
