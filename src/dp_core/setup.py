# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Package dp_core for colcon and pip."""

import os

from setuptools import find_packages
from setuptools import setup

package_name = 'dp_core'


def share(folder):
    """Return data_files entries that install a folder, with its tree, under share/."""
    return [
        (f'share/{package_name}/{root}', [f'{root}/{name}' for name in sorted(names)])
        for root, _, names in os.walk(folder)
        if names
    ]


setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(exclude=['test']),
    package_data={package_name: ['py.typed']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        *share('data'),
    ],
    install_requires=['setuptools'],
    zip_safe=False,
    maintainer='The dp_ros2 authors',
    maintainer_email='dp_ros2@example.org',
    description='Diffusion policies, from stamped observations to timed joint trajectories.',
    license='Apache-2.0',
    extras_require={'test': ['pytest']},
    entry_points={
        'console_scripts': [
            'dp_train = dp_core.training.cli:main',
            'dp_eval = dp_core.evaluation.cli:main',
        ],
    },
)
