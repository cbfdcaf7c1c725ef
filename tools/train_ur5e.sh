#!/usr/bin/env bash
# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
# Demonstrate in the UR5e scene, then train a policy from it. Run by `make train-ur5e`.
#
#   tools/train_ur5e.sh state|camera
#
# Finished steps are skipped and an interrupted training goes on, so the same command can be called again.
set -euo pipefail

kind=${1:?state or camera}
contract=src/dp_bringup/config/ur5e_pusht/contract_$kind.yaml
out=out/train/ur5e_pusht_$kind
[ -f "$contract" ] || { echo "train_ur5e: $kind is not state or camera" >&2; exit 2; }

# Episodes demonstrated and, of these, without wide starts and disturbances; CPU time of the training [s].
case $kind in
  state) episodes=${EPISODES_DEMONSTRATED:-320} plain=120 budget=${BUDGET_CPU_S:-1800} ;;
  camera) episodes=${EPISODES_DEMONSTRATED:-320} plain=120 budget=${BUDGET_CPU_S:-3600} ;;
esac

mkdir -p "$out"
if [ ! -d "$out/demonstrations" ]; then
  echo "train_ur5e: $episodes demonstrations -> $out/demonstrations"
  dp_demonstrate --contract "$contract" --output "$out/demonstrations" --episodes "$episodes" --plain "$plain" --seed 0
fi
echo "train_ur5e: $budget CPU seconds of training -> $out/policy"
dp_train --dataset "$out/demonstrations" --output "$out/policy" --budget-cpu-s "$budget"
