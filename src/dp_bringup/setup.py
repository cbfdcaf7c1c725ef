# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Package dp_bringup for colcon and pip."""

import os

from setuptools import find_packages
from setuptools import setup

package_name = 'dp_bringup'


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
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        *share('launch'),
        *share('config'),
        *share('policies'),
        *share('rviz'),
        *share('foxglove'),
    ],
    install_requires=['setuptools'],
    zip_safe=False,
    maintainer='The dp_ros2 authors',
    maintainer_email='dp_ros2@example.org',
    description='Launch files, configurations, shipped policies and layouts; no logic.',
    license='Apache-2.0',
    extras_require={'test': ['pytest']},
    entry_points={
        'console_scripts': [
            'dp_run_local = dp_bringup.run_local:main',
            'dp_demo = dp_bringup.demo:main',
        ],
    },
)
