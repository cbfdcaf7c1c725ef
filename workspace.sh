# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
# Source this file (bash or zsh) to use the embedded workspace that `make setup` built:
#
#     . ./workspace.sh
#
# It puts the virtual environment, its ROS 2 and the packages of install/ on the paths. A ROS 2 distribution sourced
# before is taken off them, because two sets of ROS libraries in one process do not work. On a distribution, source
# /opt/ros/<distro>/setup.bash and install/setup.bash instead.

# Print a colon-separated list without its entries that start with one of the given prefixes.
_dp_without() {
  _dp_list=$1
  shift
  for _dp_prefix in "$@"; do
    _dp_list=$(printf '%s' "$_dp_list" | tr ':' '\n' | grep -v "^$_dp_prefix" | paste -sd: -)
  done
  printf '%s' "$_dp_list"
}

_dp_root=$(cd "$(dirname "${BASH_SOURCE:-$0}")" && pwd)
_dp_venv=$_dp_root/.venv
if [ ! -x "$_dp_venv/bin/python" ]; then
  echo "workspace.sh: no environment in $_dp_venv; run 'make setup' first" >&2
  unset _dp_root _dp_venv
  return 1
fi

# A second sourcing finds the same paths again, so nothing piles up.
PATH=$_dp_venv/bin:$(_dp_without "$PATH" /opt/ros "$_dp_root/install" "$_dp_venv")
PYTHONPATH=$(_dp_without "${PYTHONPATH:-}" /opt/ros "$_dp_root/install" "$_dp_root/build")
LD_LIBRARY_PATH=$(_dp_without "${LD_LIBRARY_PATH:-}" /opt/ros "$_dp_root/install" "$_dp_venv")
# The ROS wheels would otherwise start every Python a second time to set this, in random order.
for _dp_libs in "$_dp_venv"/lib/python3.*/site-packages/ros_*.libs "$_dp_venv/lib"; do
  if [ -d "$_dp_libs" ]; then LD_LIBRARY_PATH=$_dp_libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; fi
done
export PATH PYTHONPATH LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
if [ -z "$PYTHONPATH" ]; then unset PYTHONPATH; fi
export VIRTUAL_ENV=$_dp_venv AMENT_PREFIX_PATH=$_dp_venv CMAKE_PREFIX_PATH=$_dp_venv
export Python3_ROOT_DIR=$_dp_venv
export ROS_VERSION=2 ROS_PYTHON_VERSION=3 ROS_DISTRO=kilted RMW_IMPLEMENTATION=rmw_fastrtps_cpp
unset COLCON_PREFIX_PATH

if [ -f "$_dp_root/install/local_setup.sh" ]; then
  COLCON_CURRENT_PREFIX=$_dp_root/install
  . "$_dp_root/install/local_setup.sh"
  unset COLCON_CURRENT_PREFIX
fi
unset _dp_root _dp_venv _dp_libs _dp_list _dp_prefix
unset -f _dp_without
