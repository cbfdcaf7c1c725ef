# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""Package dp_data_tools for colcon and pip."""

from setuptools import find_packages
from setuptools import setup

package_name = 'dp_data_tools'

setup(
    name=package_name,
    version='0.1.0',
    packages=find_packages(exclude=['test']),
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        ('bin', ['bin/dp_data_tools']),
    ],
    install_requires=['setuptools'],
    zip_safe=False,
    maintainer='The dp_ros2 authors',
    maintainer_email='dp_ros2@example.org',
    description='From rosbag2 recordings to training datasets.',
    license='Apache-2.0',
    extras_require={
        'test': ['pytest'],
        'lerobot': ['av>=15', 'pyarrow>=21'],
        'ray': ['ray==2.60.0'],
        'rerun': ['rerun-sdk>=0.23'],
    },
    entry_points={
        'console_scripts': [
            'dp_data_tools = dp_data_tools.cli:main',
            'episode_recorder = dp_data_tools.cli:record',
        ],
    },
)
