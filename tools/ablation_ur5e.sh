#!/usr/bin/env bash
# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
# What each ingredient of the UR5e demonstrations is worth: three small policies, trained for equally many steps on equally many
# frames, on the same seeds. Writes out/ablation/ablation.json; finished steps are skipped.
#
#   plain        the operator from the starts of the evaluation
#   recoveries   most starts wide or near the goal, and drives against the T
#   take-overs   half of these frames, and as many recorded where the second policy brought the T
set -euo pipefail

out=out/ablation
contract=src/dp_bringup/config/ur5e_pusht/contract_state.yaml
mkdir -p "$out"

# A new dataset of at most so many frames: name, frames, further options.
demonstrate() {
  [ -d "$out/$1" ] || dp_demonstrate --contract "$contract" --output "$out/$1" --max-frames "$2" "${@:3}"
}

# A policy with a quarter of the shipped one's weights, and its scores: name, datasets.
learn() {
  dp_train --output "$out/policy_$1" --steps "${STEPS:-2500}" --down-dims 32 64 128 --dataset "${@:2}"
  [ -f "$out/$1.json" ] || dp_eval --policy "$out/policy_$1" --env dp_sim/UR5ePushT-v0 --env-arg retreat=true \
    --seeds "${SEEDS:-710000:710080}" --output "$out/$1.json"
}

demonstrate recoveries 30000 --episodes 400 --plain 30 --seed 0
learn recoveries "$out/recoveries"

demonstrate half 15000 --render "$out/recoveries"
demonstrate takeovers 15000 --episodes 400 --seed 2 --policy "$out/policy_recoveries"
learn takeovers "$out/half" "$out/takeovers"

demonstrate plain 30000 --episodes 400 --plain 400 --seed 4
learn plain "$out/plain"

python tools/compare_evals.py "$out/ablation.json" plain="$out/plain.json" recoveries="$out/recoveries.json" \
  takeovers="$out/takeovers.json"
