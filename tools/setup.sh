#!/usr/bin/env bash
# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
# Make the embedded workspace: virtual environment, ROS 2 and learning wheels, colcon build. Run by `make setup`.
#
#   PYTHON           the Python to use; otherwise the first of python3.11, python3.12, python3.13, python3 that fits
#   TORCH_INDEX_URL  package index to take PyTorch from, for another build of it (CPU, CUDA, ROCm)
#
# Each step leaves a stamp and is skipped while what it depends on has not changed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=$root/.venv
log=$root/log/setup.log
uv_version=0.13.8

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: error: %s\n' "$*" >&2
  exit 1
}
fingerprint() { sha256sum | cut -d' ' -f1; }
stamped() { [ -f "$venv/stamp-$1" ] && [ "$(cat "$venv/stamp-$1")" = "$2" ]; }
stamp() { printf '%s\n' "$2" > "$venv/stamp-$1"; }

# Run a command with its output in the log; show the end of the log and one clear line when it fails.
logged() {
  local why=$1
  shift
  printf '\n$ %s\n' "$*" >> "$log"
  if ! "$@" >> "$log" 2>&1; then
    tail -n 15 "$log" >&2
    die "$why (all of it in ${log#"$root"/})"
  fi
}

# Why a Python cannot be used, or nothing when it can.
python_trouble() {
  command -v "$1" > /dev/null 2>&1 || { echo 'not found'; return; }
  "$1" - 2> /dev/null << 'PY' || echo 'does not start'
import importlib.util, os, sys, sysconfig
version = '%d.%d' % sys.version_info[:2]
if version not in ('3.11', '3.12', '3.13'):
    print('is Python %s, but the ROS and MuJoCo wheels are for 3.11, 3.12 and 3.13' % version)
elif importlib.util.find_spec('venv') is None or importlib.util.find_spec('ensurepip') is None:
    print('lacks venv (Debian, Ubuntu: apt install python%s-venv)' % version)
elif not os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h')):
    print('lacks its C headers (Debian, Ubuntu: apt install python%s-dev)' % version)
PY
}

find_python() {
  local candidates=(python3.11 python3.12 python3.13 python3) candidate trouble first=
  if [ -n "${PYTHON:-}" ]; then candidates=("$PYTHON"); fi
  for candidate in "${candidates[@]}"; do
    trouble=$(python_trouble "$candidate")
    if [ -z "$trouble" ]; then
      python=$(command -v "$candidate")
      return
    fi
    case $trouble in
      'not found' | 'does not start') ;;
      *) first=${first:-"$candidate $trouble"} ;;
    esac
  done
  if [ -n "${PYTHON:-}" ]; then die "PYTHON=$PYTHON $trouble"; fi
  die "${first:-no Python 3.11, 3.12 or 3.13 found (looked for ${candidates[*]})}; name another: make setup PYTHON=/path/to/python3.11"
}

check_machine() {
  [ "$(uname -s)" = Linux ] || die "$(uname -s) is not supported: the ROS wheels are for Linux"
  local compiler
  for compiler in "${CC:-cc}" "${CXX:-c++}"; do
    command -v "${compiler%% *}" > /dev/null 2>&1 ||
      die "no C and C++ compiler: '$compiler' was not found (Debian, Ubuntu: apt install build-essential)"
  done
  ${CXX:-c++} -x c++ -o log/compiled - 2> /dev/null <<< 'int main() { return 0; }' ||
    die "the C++ compiler '${CXX:-c++}' cannot build a program (Debian, Ubuntu: apt install build-essential)"
}

# Keep the virtual environment when it works, lies where it was made, and is of the Python asked for.
make_venv() {
  if [ -x "$venv/bin/python" ]; then
    local trouble want=
    trouble=$(python_trouble "$venv/bin/python")
    if [ -n "${PYTHON:-}" ]; then
      find_python
      want=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    fi
    if [ -f "$venv/stamp-place" ] && ! stamped place "$root"; then trouble="was made for $(cat "$venv/stamp-place")"; fi
    if [ -z "$trouble" ] && [ ! -x "$venv/bin/${want:-python}" ]; then trouble="is not of $want"; fi
    if [ -z "$trouble" ]; then return; fi
    say "making .venv anew: it $trouble"
    rm -rf "$venv" build install
  fi
  find_python
  say "creating .venv with $python"
  logged "$python cannot create a virtual environment" "$python" -m venv "$venv"
  stamp place "$root"
}

install_packages() {
  local mark
  mark=$(cat requirements/lock.txt tools/relocate.py <(echo "$uv_version") | fingerprint)
  if stamped packages "$mark"; then return; fi
  say 'installing ROS 2 Kilted, learning and test packages from requirements/lock.txt (about 0.9 GB)'
  logged 'no package could be downloaded: is there a network? Behind a proxy set HTTPS_PROXY, with a mirror PIP_INDEX_URL' \
    "$venv/bin/python" -m pip install --disable-pip-version-check --retries 1 "uv==$uv_version"
  # uv does not read pip's settings, and trusts the system's certificates only when told.
  if [ -n "${PIP_INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}; fi
  if [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE=${SSL_CERT_FILE:-$PIP_CERT}; fi
  if [ -s /etc/ssl/certs/ca-certificates.crt ] || [ -s /etc/pki/tls/certs/ca-bundle.crt ]; then
    export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
  fi
  logged 'the locked packages could not be installed' \
    "$venv/bin/uv" pip install --python "$venv/bin/python" --no-deps --requirement requirements/lock.txt
  logged 'the CMake files of the ROS wheels could not be repaired' "$venv/bin/python" tools/relocate.py
  touch "$venv/local_setup.sh"  # colcon asks for it in every prefix
  stamp packages "$mark"
}

install_torch() {
  local mark options=()
  mark=$(fingerprint < requirements/torch.txt)
  if [ -n "${TORCH_INDEX_URL:-}" ]; then
    mark="$mark $TORCH_INDEX_URL"
    options=(--index-url "$TORCH_INDEX_URL" --force-reinstall --no-cache-dir)
    if stamped torch "$mark"; then return; fi
  elif [ -f "$venv/stamp-torch" ] && [ "$(cut -d' ' -f1 "$venv/stamp-torch")" = "$mark" ]; then
    return
  fi
  say "installing PyTorch ${TORCH_INDEX_URL:+from $TORCH_INDEX_URL }(the longest step where its build carries CUDA)"
  logged 'PyTorch could not be installed; TORCH_INDEX_URL=<index> chooses another build of it' \
    "$venv/bin/python" -m pip install --disable-pip-version-check "${options[@]}" \
    --constraint requirements/lock.txt --requirement requirements/torch.txt
  stamp torch "$mark"
}

build() {
  local mark
  # With symlinks, Python files need no build; interfaces, manifests and lists of installed files do.
  mark=$(
    {
      echo "$root"
      find src -type f ! -name '*.py' ! -path '*/__pycache__/*' ! -path '*/.*' ! -path '*/test/*' ! -path '*.egg-info/*' | LC_ALL=C sort
      cat colcon.meta src/*/package.xml src/*/setup.py src/*/setup.cfg
      cat src/dp_msgs/CMakeLists.txt src/dp_msgs/*/*.msg src/dp_msgs/*/*.srv src/dp_msgs/*/*.action
    } | fingerprint
  )
  if stamped build "$mark" && [ -f install/local_setup.sh ]; then return; fi
  say 'building src/ with colcon'
  # A build made without symlinks cannot be turned into one with them.
  if [ -d build/dp_msgs/ament_cmake_python/dp_msgs/dp_msgs ] && [ ! -L build/dp_msgs/ament_cmake_python/dp_msgs/dp_msgs ]; then
    rm -rf build install
  fi
  set +u
  . ./workspace.sh
  set -u
  logged 'colcon build failed' colcon --log-base log build --symlink-install --base-paths src --event-handlers console_direct+
  stamp build "$mark"
}

mkdir -p log
touch log/COLCON_IGNORE
: > "$log"
started=$SECONDS
check_machine
make_venv
install_packages
install_torch
build
say "ready after $((SECONDS - started)) s; to use the commands in a shell: . ./workspace.sh"
