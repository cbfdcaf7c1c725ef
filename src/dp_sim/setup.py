# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Package dp_sim for colcon and pip."""

from setuptools import find_packages
from setuptools import setup

package_name = 'dp_sim'

setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(exclude=['test']),
    package_data={package_name: ['assets/**/*']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        ('bin', ['bin/dp_demonstrate']),
    ],
    install_requires=['setuptools'],
    zip_safe=False,
    maintainer='The dp_ros2 authors',
    maintainer_email='dp_ros2@example.org',
    description='MuJoCo scenes, and a node that stands where robot and ros2_control stand.',
    license='Apache-2.0',
    extras_require={'test': ['pytest']},
    entry_points={
        'console_scripts': [
            'hand = dp_sim.hand_node:main',
            'scripted_operator = dp_sim.operator_node:main',
            'sim_node = dp_sim.sim_node:main',
            'teleoperation = dp_sim.teleoperation_node:main',
        ],
    },
)
