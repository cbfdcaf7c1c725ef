# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""UR5e Push-T in MuJoCo: joint references in, the state of the world and pictures out."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from dp_core.kinematics import KinematicChain
from dp_core.tool_plane import tool_down
from dp_sim import scene
from dp_sim.assets import MJCF_PATH
from dp_sim.assets import URDF_PATH
from dp_sim.rendering import intrinsics
from dp_sim.rendering import SceneRenderer
import mujoco
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

JOINTS = (
    'shoulder_pan_joint',
    'shoulder_lift_joint',
    'elbow_joint',
    'wrist_1_joint',
    'wrist_2_joint',
    'wrist_3_joint',
)
# Tool at the goal's centre, elbow up: every inverse kinematics solution starts from here [rad].
HOME = (-0.26986362, -1.27640382, 2.12626653, -2.42065904, -1.57079633, -1.84065995)
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


class Simulation:
    """The arm, its servos, the T and the cameras. Not thread-safe; copies are independent."""

    joint_names: tuple[str, ...] = JOINTS

    def __init__(self, draw: Callable[[int], scene.Start] = scene.draw_start) -> None:
        """Load the model and place everything as `reset(0)` does; `draw` draws the starts."""
        self._draw = draw
        self._model = mujoco.MjModel.from_xml_path(str(MJCF_PATH))
        self._data = mujoco.MjData(self._model)
        self.renderer = SceneRenderer(self._model)
        self.dt = float(self._model.opt.timestep)  # physics step [s]
        joints = [self._model.joint(name) for name in JOINTS]
        self._q = np.array([joint.qposadr[0] for joint in joints])
        self._qd = np.array([joint.dofadr[0] for joint in joints])
        actuators = [self._model.actuator(name) for name in JOINTS]
        self._ctrl = np.array([actuator.id for actuator in actuators])
        # A position servo with damping trails by damping / stiffness seconds: feed it forward.
        self._lead = np.array([-a.biasprm[2] / a.gainprm[0] for a in actuators])  # (6,) [s]
        self._block = int(self._model.joint('block').qposadr[0])
        self.urdf = URDF_PATH.read_text(encoding='utf-8')
        self.chain = KinematicChain.from_urdf(self.urdf, 'world', 'pusher_tip', JOINTS)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Place T and tool where a seed begins, arm at rest, time 0."""
        start = self._draw(seed)
        self.place(start.block, start.tool)

    def place(self, block: Sequence[float], tool: Sequence[float]) -> None:
        """Place the T at (x, y, yaw) and the resting tool above (x, y) [m, rad], time 0."""
        mujoco.mj_resetData(self._model, self._data)
        q = self.chain.inverse(tool_down(tool[0], tool[1], scene.TIP_HEIGHT), np.asarray(HOME))
        half = block[2] / 2
        self.show(
            q, (block[0], block[1], scene.BLOCK_HEIGHT / 2), (0.0, 0.0, np.sin(half), np.cos(half))
        )
        self._data.ctrl[self._ctrl] = q

    def show(
        self,
        joint_positions: Sequence[float] | Array,
        block_position: Sequence[float],
        block_orientation: Sequence[float],
    ) -> None:
        """Set a recorded state, at rest: (6,) [rad], (3,) [m], quaternion (x, y, z, w)."""
        x, y, z, w = block_orientation
        self._data.qpos[self._q] = joint_positions
        self._data.qpos[self._block : self._block + 7] = [*block_position, w, x, y, z]
        self._data.qvel[:] = 0.0
        mujoco.mj_forward(self._model, self._data)

    def move_block(self, pose: Sequence[float]) -> None:
        """Put the T at (x, y, yaw) [m, rad], at rest, while all else goes on."""
        half = pose[2] / 2
        block, speed = self._block, int(self._model.joint('block').dofadr[0])
        self._data.qpos[block : block + 2] = pose[:2]
        self._data.qpos[block + 3 : block + 7] = [np.cos(half), 0.0, 0.0, np.sin(half)]
        self._data.qvel[speed : speed + 6] = 0.0
        mujoco.mj_forward(self._model, self._data)

    def step(self, q_ref: Array, qd_ref: Array) -> None:
        """Advance by `dt` with servo references (6,) [rad] and (6,) [rad/s]."""
        self._data.ctrl[self._ctrl] = q_ref + self._lead * qd_ref
        mujoco.mj_step(self._model, self._data)

    @property
    def time_s(self) -> float:
        """Simulated time since the reset [s]."""
        return float(self._data.time)

    @property
    def joint_positions(self) -> Array:
        """Measured joint positions (6,) [rad]."""
        return self._data.qpos[self._q]

    @property
    def joint_velocities(self) -> Array:
        """Measured joint velocities (6,) [rad/s]."""
        return self._data.qvel[self._qd]

    @property
    def tool_pose(self) -> tuple[Array, Array]:
        """Position (3,) [m] and quaternion (x, y, z, w) of `pusher_tip` in `world`."""
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, self._data.site('pusher_tip').xmat)
        return self._data.site('pusher_tip').xpos.copy(), np.roll(quaternion, -1)

    @property
    def block_pose_3d(self) -> tuple[Array, Array]:
        """Position (3,) [m] and quaternion (x, y, z, w) of the T in `world`."""
        pose = self._data.qpos[self._block : self._block + 7]
        return pose[:3].copy(), np.roll(pose[3:], -1)

    @property
    def block_pose(self) -> tuple[float, float, float]:
        """Planar pose x, y [m], yaw [rad] of the T in `world`."""
        x, y, _, qw, qx, qy, qz = self._data.qpos[self._block : self._block + 7]
        yaw = np.arctan2(2 * (qw * qz + qx * qy), 1 - 2 * (qy * qy + qz * qz))
        return float(x), float(y), float(yaw)

    def coverage(self) -> float:
        """Part of the T that lies on the goal, in [0, 1]."""
        return scene.coverage(self.block_pose)

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs to continue exactly from here."""
        state = np.empty(mujoco.mj_stateSize(self._model, _STATE))
        mujoco.mj_getState(self._model, self._data, state, _STATE)
        return {'integration': state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a `state()` of this or another simulation."""
        mujoco.mj_setState(self._model, self._data, state['integration'], _STATE)
        mujoco.mj_forward(self._model, self._data)

    def render(self, camera: str, height: int, width: int) -> NDArray[np.uint8]:
        """Picture (height, width, 3) RGB of the camera front, wrist or view."""
        return self.renderer.render(self._data, camera, height, width)

    def camera_intrinsics(self, camera: str, height: int, width: int) -> Array:
        """Pinhole matrix K (3, 3) [pixel]."""
        return intrinsics(self._model, camera, height, width)

    def close(self) -> None:
        """Free what rendering took."""
        self.renderer.close()
