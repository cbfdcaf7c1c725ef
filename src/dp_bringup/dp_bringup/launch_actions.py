# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""A stack as actions of `ros2 launch`; the only module here that needs launch and launch_ros."""

from __future__ import annotations

from collections.abc import Callable
import os
import shlex
from typing import Any

from dp_bringup.stack_arguments import Argument
from dp_bringup.stacks import NodeSpec
from dp_bringup.stacks import Ur5Pusht
from dp_bringup.teaching_stack import Ur5Teaching
from launch import LaunchContext
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.actions import OpaqueFunction
from launch.actions import Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node


def launch_description(stack: type[Ur5Pusht] | type[Ur5Teaching]) -> LaunchDescription:
    """Return all arguments of a stack, and what starts its nodes once they are known."""
    arguments = stack.arguments()

    def start(context: LaunchContext) -> list[Node]:
        values = {a.name: LaunchConfiguration(a.name).perform(context) for a in arguments}
        return [node_action(spec) for spec in stack.parse(values).nodes()]

    return LaunchDescription([*map(declaration, arguments), OpaqueFunction(function=start)])


def declaration(argument: Argument) -> DeclareLaunchArgument:
    """Return the declaration of one argument."""
    return DeclareLaunchArgument(
        argument.name,
        default_value=argument.default,
        description=argument.description,
        choices=list(argument.choices) or None,
    )


def node_action(spec: NodeSpec) -> Node:
    """Return the action for one process. It gets no name: that would rename all nodes in it."""
    parameters = {k: list(v) if isinstance(v, tuple) else v for k, v in spec.parameters.items()}
    return Node(
        package=spec.package,
        executable=spec.executable,
        parameters=[*map(str, spec.parameter_files), *([parameters] if parameters else [])],
        remappings=list(spec.remappings),
        arguments=list(spec.arguments),
        prefix=shlex.join(spec.prefix) or None,
        additional_env=spec.missing_environment(os.environ),
        output='screen',
        on_exit=on_exit(spec),
    )


def on_exit(spec: NodeSpec) -> Callable[[Any, LaunchContext], Shutdown | None] | None:
    """Return what follows the end of a process: the end of the stack, unless it may end."""
    if not spec.is_required:
        return None

    def end(event: Any, context: LaunchContext) -> Shutdown | None:
        done = event.returncode == 0
        if done and spec.is_errand:
            return None
        words = 'has done its work' if done and spec.is_purpose else 'has ended'
        return Shutdown(reason=f'{spec.name} {words}')

    return end
