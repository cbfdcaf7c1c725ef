#!/usr/bin/env bash
# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
# Rewrite lock.txt from the .in files beside it. Needs uv; arguments go to uv (for example --upgrade).
set -euo pipefail
cd "$(dirname "$0")"
uv pip compile --universal --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links \
  --no-annotate --override overrides.txt --output-file lock.txt "$@" ros.in learn.in dev.in
