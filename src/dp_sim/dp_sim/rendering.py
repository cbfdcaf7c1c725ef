# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a MuJoCo scene without a display."""

from __future__ import annotations

from dataclasses import dataclass
import os

import cv2
from dp_core.errors import DpError
import numpy as np
from numpy.typing import NDArray

_GL = os.environ.setdefault('MUJOCO_GL', 'egl')  # before mujoco is imported

try:
    import mujoco
except (AttributeError, ImportError, OSError):  # what PyOpenGL raises where the library is missing
    os.environ['MUJOCO_GL'] = 'disable'  # physics needs no GL; a picture raises RenderError
    import mujoco

CAMERAS = ('front', 'wrist', 'view')
MARKS = 4  # geom group of what only people see: the end zone
_SMALL = 160  # lower pictures are averaged from twice as many lines: cheap, and edges stay smooth


class RenderError(DpError):
    """This machine cannot render, or the camera does not exist."""


@dataclass(frozen=True)
class Decoration:
    """A box that is seen but not felt: position, half sizes (3,) [m], yaw [rad], colour (RGBA)."""

    position: tuple[float, float, float]
    half_size: tuple[float, float, float]
    yaw: float
    colour: tuple[float, float, float, float]

    def add_to(self, scene: mujoco.MjvScene) -> None:
        """Put it into a scene that is about to be drawn."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        turn = np.array([cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.0])
        mujoco.mjv_initGeom(
            scene.geoms[scene.ngeom],
            mujoco.mjtGeom.mjGEOM_BOX,
            np.array(self.half_size),
            np.array(self.position),
            turn,
            np.array(self.colour, np.float32),
        )
        scene.ngeom += 1


class SceneRenderer:
    """Renders the cameras of a model; the GL context belongs to the first thread that renders."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Allocate nothing yet: machines without GL can simulate."""
        self._model = model
        self._samples = int(model.vis.quality.offsamples)
        self._renderers: dict[tuple[int, int, bool], mujoco.Renderer] = {}
        self._lights = model.light_diffuse.copy(), model.vis.headlight.diffuse.copy()
        self.decorations: list[Decoration] = []
        self._marked = mujoco.MjvOption()
        self._marked.geomgroup[MARKS] = True

    def render(
        self,
        data: mujoco.MjData,
        camera: str,
        height: int,
        width: int,
    ) -> NDArray[np.uint8]:
        """Picture (height, width, 3) RGB; only the camera `view` has shadows and marks.

        Raises:
            RenderError: no usable GL, or an unknown camera.
        """
        _check_camera(camera)
        fine = 2 if height < _SMALL and camera != 'view' else 1
        renderer = self._renderer(fine * height, fine * width, smooth=camera == 'view')
        option = self._marked if camera == 'view' else None
        renderer.update_scene(data, camera, scene_option=option)
        for decoration in self.decorations:
            decoration.add_to(renderer.scene)
        renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = camera == 'view'
        picture = renderer.render()
        if fine > 1:
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(picture, dtype=np.uint8)

    def set_light(self, factor: float) -> None:
        """Light the scene by a part of its light; 1 is as the model says."""
        self._model.light_diffuse[:] = factor * self._lights[0]
        self._model.vis.headlight.diffuse[:] = factor * self._lights[1]

    def close(self) -> None:
        """Free the GL contexts."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()

    def _renderer(self, height: int, width: int, smooth: bool) -> mujoco.Renderer:
        key = height, width, smooth
        if key not in self._renderers:
            # In software this takes half of the time, so the robot's cameras go without.
            self._model.vis.quality.offsamples = self._samples if smooth else 0
            try:
                self._renderers[key] = mujoco.Renderer(self._model, height, width)
            except (RuntimeError, ImportError, AttributeError, mujoco.FatalError) as error:
                raise RenderError(
                    f'cannot render with MUJOCO_GL={_GL!r}: {error}; '
                    'install libegl1 and libgl1-mesa-dri, or libosmesa6 with MUJOCO_GL=osmesa'
                ) from error
        return self._renderers[key]


def intrinsics(
    model: mujoco.MjModel,
    camera: str,
    height: int,
    width: int,
) -> NDArray[np.float64]:
    """Pinhole matrix K (3, 3) [pixel]; the first pixel's centre has coordinates (0, 0)."""
    _check_camera(camera)
    focal = 0.5 * height / np.tan(0.5 * np.radians(model.camera(camera).fovy[0]))
    return np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0, 0, 1.0]])


def _check_camera(camera: str) -> None:
    if camera not in CAMERAS:
        raise RenderError(f'there is no camera {camera!r}, valid: {list(CAMERAS)}')
