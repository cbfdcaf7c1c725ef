# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A robot of three joints, its contract, and untrained policies for it."""

from dp_core.checkpoint import save_policy
from dp_core.config import PolicyConfig
from dp_core.contract import Contract
from dp_core.normalize import ACTION
from dp_core.normalize import MinMax
from dp_core.normalize import Normalizer
from dp_core.policy import Policy
from dp_core.policy import PolicyNetwork
import numpy as np
import torch

JOINTS = ('base_joint', 'shoulder_joint', 'elbow_joint')
CONTROLLER = 'arm_controller'
DT_S = 0.1
SMALL = PolicyConfig(
    down_dims=(8, 16), kernel_size=3, n_groups=4, step_embedding_dim=8, inference_steps=4
)


def urdf(velocity: float = 20.0) -> str:
    """Three revolute joints in a row, +-3 rad."""
    links = ''.join(f'<link name="{name}"/>' for name in ('base_link', *JOINTS))
    joints = ''.join(
        f'<joint name="{joint}" type="revolute"><parent link="{parent}"/>'
        f'<child link="{joint}"/><axis xyz="0 0 1"/><origin xyz="0.3 0 0"/>'
        f'<limit lower="-3" upper="3" velocity="{velocity}" effort="10"/></joint>'
        for parent, joint in zip(('base_link', *JOINTS), JOINTS)
    )
    return f'<robot name="three_joints">{links}{joints}</robot>'


def contract(**changes: object) -> Contract:
    """Sees the joints and commands them: To 2, Tp 16, Ta 8, 10 Hz."""
    data = {
        'name': 'three_joints',
        'tasks': ['wave', 'point'],
        'dt_s': DT_S,
        'n_obs_steps': 2,
        'horizon': 16,
        'n_action_steps': 8,
        'action_offset_s': 0.1,
        'observations': [
            {
                'name': 'joints',
                'kind': 'joint_state',
                'topic': 'joint_states',
                'joints': list(JOINTS),
                'max_age_s': 0.2,
            }
        ],
        'actions': [
            {
                'name': 'arm',
                'kind': 'joint_position',
                'dims': list(JOINTS),
                'joints': list(JOINTS),
                'controller': CONTROLLER,
            }
        ],
    }
    return Contract.from_dict({**data, **changes})


def policy(reach: float = 0.1, **changes: object) -> Policy:
    """Random weights, always the same; commands within +-``reach`` [rad]."""
    torch.manual_seed(0)
    terms = contract(**changes)
    three = np.full(3, 1.0, np.float32)
    normalizer = Normalizer(
        {'joints': MinMax(-3 * three, 3 * three), ACTION: MinMax(-reach * three, reach * three)}
    )
    return Policy(terms, SMALL, normalizer, PolicyNetwork(terms, SMALL))


def save(folder: object, reach: float = 0.1, **changes: object) -> str:
    """Write a checkpoint and return its folder."""
    save_policy(folder, policy(reach, **changes))
    return str(folder)
