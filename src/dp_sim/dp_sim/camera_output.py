# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""The cameras of the scene: rendered in a thread of their own, and only while someone listens.

The thread has its own copy of the simulation; the physics loop only hands over the newest state
and never waits. When rendering is slower than the camera rate, frames are left out, never queued.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass
import threading
from typing import Any
from typing import TYPE_CHECKING

import cv2
from dp_sim import faults
from dp_sim.convert import to_time
from dp_sim.marker import Marker
from dp_sim.rendering import RenderError
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

if TYPE_CHECKING:
    from dp_sim.simulation import Simulation

CAMERAS = ('front', 'wrist')
LISTEN_PERIOD_S = 0.2
WARM_UP_S = 10.0


@dataclass(frozen=True)
class CameraSettings:
    """How the images are made."""

    height: int  # [px]
    width: int  # [px]
    compressed_format: str  # jpeg or png
    jpeg_quality: int  # [%]
    latency_s: tuple[float, ...]  # of each camera: how much older the scene is than the stamp [s]


class Camera:
    """One camera: its three topics, and its messages from an image."""

    def __init__(self, node: Node, name: str, settings: CameraSettings, k: NDArray[Any]) -> None:
        """Create the publishers; `k` is the camera matrix (3, 3) [px]."""
        self.name = name
        self._settings = settings
        base = f'/{name}_camera'
        sensor = qos_profile_sensor_data
        self._raw = node.create_publisher(Image, f'{base}/image_raw', sensor)
        self._packed = node.create_publisher(
            CompressedImage, f'{base}/image_raw/compressed', sensor
        )
        self._info = node.create_publisher(CameraInfo, f'{base}/camera_info', sensor)
        self._frame = f'{name}_camera_optical_frame'
        self._info_message = _camera_info(settings, k)

    @property
    def has_listeners(self) -> bool:
        """Whether someone subscribes to images of this camera."""
        publishers = (self._raw, self._packed)
        return any(publisher.get_subscription_count() for publisher in publishers)

    def publish(self, image: NDArray[np.uint8], stamp_ns: int) -> None:
        """Publish an image (H, W, 3) RGB to those who listen."""
        stamp = to_time(stamp_ns)
        info = self._info_message
        info.header.frame_id, info.header.stamp = self._frame, stamp
        self._info.publish(info)
        if self._raw.get_subscription_count():
            height, width, _ = image.shape
            raw = Image(height=height, width=width, encoding='rgb8', step=3 * width)
            raw.header = info.header
            raw.data = array('B', image.tobytes())
            self._raw.publish(raw)
        if self._packed.get_subscription_count():
            packed = CompressedImage()
            packed.header = info.header
            kind = self._settings.compressed_format
            packed.format = f'rgb8; {kind} compressed bgr8'
            packed.data = array('B', self._compress(image))
            self._packed.publish(packed)

    def _compress(self, image: NDArray[np.uint8]) -> bytes:
        kind = self._settings.compressed_format
        options = [cv2.IMWRITE_JPEG_QUALITY, self._settings.jpeg_quality] if kind == 'jpeg' else []
        _, data = cv2.imencode(f'.{kind}', cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
        return data.tobytes()


class CameraOutput:
    """Owns the cameras and the thread that renders them."""

    def __init__(self, node: Node, simulation: Simulation, settings: CameraSettings) -> None:
        """Take over a simulation that nobody else uses; `start` begins to render."""
        self.fault = ''
        self.marker = Marker()
        self.dark_because = ''  # why there are no pictures
        self._simulation = simulation
        self._settings = settings
        self._logger = node.get_logger()
        height, width = settings.height, settings.width
        self._cameras = [
            Camera(node, name, settings, simulation.camera_intrinsics(name, height, width))
            for name in CAMERAS
        ]
        self._newest: deque[tuple[int, list[dict[str, Any]]]] = deque(maxlen=1)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._warm = threading.Event()
        self._thread = threading.Thread(target=self._run, name='cameras')
        self.has_listeners = False

    def start(self) -> None:
        """Begin to render; returns when GL is ready, which would halt other threads later on."""
        self._thread.start()
        self._warm.wait(WARM_UP_S)

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def offer(self, stamp_ns: int, states: list[dict[str, Any]]) -> None:
        """Hand over what each camera shows now; called by the physics thread, returns at once."""
        self._newest.append((stamp_ns, states))
        self._wake.set()

    def _run(self) -> None:
        size = self._settings
        try:
            self._simulation.render(CAMERAS[0], size.height, size.width)
            self._warm.set()
            while not self._stop.is_set():
                self._wake.wait(LISTEN_PERIOD_S)
                self._wake.clear()
                self._serve()
        except RenderError as error:
            self.dark_because = str(error)
            self._logger.error(f'the cameras stay dark: {error}')
        finally:
            self._warm.set()
            self.has_listeners = False
            self._simulation.close()

    def _serve(self) -> None:
        """Render the newest state for the cameras that someone listens to."""
        listened = [camera for camera in self._cameras if camera.has_listeners]
        self.has_listeners = bool(listened)
        if not listened:
            self._newest.clear()  # whoever listens next shall see the scene of then
        if self._newest and listened:
            stamp_ns, states = self._newest.pop()
            shown = zip(self._cameras, states, self._settings.latency_s)
            for camera, state, latency_s in shown:
                if camera in listened:
                    self._simulation.restore(state)
                    self._render(camera, stamp_ns, stamp_ns - round(latency_s * 1e9))

    def _render(self, camera: Camera, stamp_ns: int, shown_ns: int) -> None:
        if faults.camera_is_silent(self.fault, camera.name):
            return
        size = self._settings
        image = self._simulation.render(camera.name, size.height, size.width)
        self.marker.paint(image, shown_ns)
        camera.publish(image, faults.stamp(self.fault, stamp_ns))


def _camera_info(settings: CameraSettings, k: NDArray[Any]) -> CameraInfo:
    message = CameraInfo(height=settings.height, width=settings.width)
    message.distortion_model = 'plumb_bob'
    message.d = [0.0] * 5
    message.k = [float(value) for value in np.asarray(k).ravel()]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [float(value) for value in np.hstack((k, np.zeros((3, 1)))).ravel()]
    return message
