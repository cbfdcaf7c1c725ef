#!/usr/bin/env bash
# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
# Demonstrate in the UR5e scene, train a policy from it and score it. Run by `make train-ur5e`.
#
#   tools/train_ur5e.sh state|camera
#
# Finished steps are skipped and an interrupted training goes on, so the same command can be called again.
# The camera policy learns from the same demonstrations as the state policy, rendered again.
set -euo pipefail

kind=${1:?state or camera}
configs=src/dp_bringup/config/ur5e_pusht
root=out/train
out=$root/ur5e_pusht_$kind
demos=$root/ur5e_pusht_demonstrations
contract=$configs/contract_$kind.yaml
[ -f "$contract" ] || { echo "train_ur5e: $kind is not state or camera" >&2; exit 2; }
mkdir -p "$root"

# Frames demonstrated; the first 60 episodes without wide starts and disturbances.
if [ ! -d "$demos" ]; then
  echo "train_ur5e: demonstrations -> $demos"
  dp_demonstrate --contract "$configs/contract_state.yaml" --output "$demos" \
    --episodes "${EPISODES_DEMONSTRATED:-600}" --plain "${PLAIN:-60}" --max-frames 60000 --seed 0
fi

# CPU time of the trainings, compilation included [s]; seeds that no training run was chosen by.
case $kind in
  state)
    echo "train_ur5e: first training -> $out-first"
    dp_train --output "$out-first" --dataset "$demos" --budget-cpu-s "${BUDGET_FIRST_CPU_S:-1200}"
    if [ ! -d "$demos-takeovers" ]; then
      echo "train_ur5e: take-overs from it -> $demos-takeovers"
      dp_demonstrate --contract "$contract" --output "$demos-takeovers" --policy "$out-first" \
        --episodes "${EPISODES_DEMONSTRATED:-600}" --max-frames 20000 --seed 5
    fi
    options=(--dataset "$demos" "$demos-takeovers" --init-from "$out-first" --budget-cpu-s "${BUDGET_CPU_S:-900}")
    scene=(--env-arg retreat=true)
    seeds=400000:400200
    ;;
  camera)
    if [ ! -d "$demos-camera" ]; then
      echo "train_ur5e: their pictures -> $demos-camera"
      dp_demonstrate --contract "$contract" --output "$demos-camera" --render "$demos" --max-frames 30000
    fi
    options=(--dataset "$demos-camera" --budget-cpu-s "${BUDGET_CPU_S:-2000}"
      --batch-size 128 --image-encoder conv --image-channels 16 32 64 64)
    scene=(--env-arg cameras=true)
    seeds=400000:400040
    ;;
esac
echo "train_ur5e: training -> $out"
dp_train --output "$out" "${options[@]}"
dp_eval --policy "$out" --env dp_sim/UR5ePushT-v0 "${scene[@]}" --seeds "${SEEDS:-$seeds}" \
  --output "$out/eval.json"
