# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Package dp_policy_node for colcon and pip."""

from setuptools import find_packages
from setuptools import setup

package_name = 'dp_policy_node'

setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(exclude=['test']),
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        ('bin', ['bin/dp_calibrate_latency', 'bin/dp_execute', 'bin/dp_replay']),
    ],
    install_requires=['setuptools'],
    zip_safe=False,
    maintainer='The dp_ros2 authors',
    maintainer_email='dp_ros2@example.org',
    description='The lifecycle node that serves /execute_policy.',
    license='Apache-2.0',
    extras_require={'test': ['pytest']},
    entry_points={
        'console_scripts': [
            'calibrate_latency = dp_policy_node.calibrate_latency:main',
            'policy_node = dp_policy_node.main:main',
            'replay = dp_policy_node.replay_episode:main',
        ],
    },
)
