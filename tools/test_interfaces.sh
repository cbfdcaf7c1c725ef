# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
# Source this (bash) after workspace.sh, as `make test-ros` does: tests of what speaks control_msgs then find it.
#
# It comes with a ROS 2 distribution, but no wheel carries it. So a part of it, tests/interfaces/control_msgs, is built
# into build/test_interfaces: a minute, once. Nothing but tests sees that.

if ! python -c 'import control_msgs.msg' 2> /dev/null; then
  _dp_built=build/test_interfaces
  mkdir -p "$_dp_built"
  if ! colcon --log-base "$_dp_built/log" build --base-paths tests/interfaces/control_msgs \
    --build-base "$_dp_built/build" --install-base "$_dp_built/install" --cmake-args -DBUILD_TESTING=OFF \
    --event-handlers console_direct+ > "$_dp_built/build.log" 2>&1; then
    tail -n 15 "$_dp_built/build.log" >&2
    echo "test_interfaces.sh: tests/interfaces/control_msgs could not be built (all of it in $_dp_built/build.log)" >&2
    exit 1
  fi
  . "$_dp_built/install/local_setup.bash"
  unset _dp_built
fi
