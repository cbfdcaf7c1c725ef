#!/usr/bin/env bash
# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
# What each ingredient of the UR5e demonstrations is worth: three policies of equal training time from equally many
# frames, on the same seeds. Writes out/ablation/ablation.json; finished steps are skipped.
#
#   plain        the operator from the starts of the evaluation
#   recoveries   most starts wide or near the goal, and drives against the T
#   take-overs   half of these frames, and as many recorded where the second policy (recoveries) brought the T
set -euo pipefail

out=out/ablation
contract=src/dp_bringup/config/ur5e_pusht/contract_state.yaml
budget=${BUDGET_CPU_S:-450}
seeds=${SEEDS:-710000:710080}
mkdir -p "$out"

# A new dataset of so many frames: name, seed, frames, further options.
demonstrate() {
  [ -d "$out/$1" ] || dp_demonstrate --contract "$contract" --output "$out/$1" --episodes 600 --seed "$2" \
    --max-frames "$3" "${@:4}"
}

# A policy from datasets, and its scores: name, datasets.
learn() {
  dp_train --output "$out/policy_$1" --budget-cpu-s "$budget" --dataset "${@:2}"
  [ -f "$out/$1.json" ] || dp_eval --policy "$out/policy_$1" --env dp_sim/UR5ePushT-v0 --env-arg retreat=true \
    --seeds "$seeds" --output "$out/$1.json"
}

demonstrate plain_demonstrations 4 60000 --plain 600
learn plain "$out/plain_demonstrations"

demonstrate recoveries_a 0 30000 --plain 30
demonstrate recoveries_b 1 30000 --plain 30
learn recoveries "$out/recoveries_a" "$out/recoveries_b"

demonstrate takeovers_a 2 15000 --policy "$out/policy_recoveries"
demonstrate takeovers_b 3 15000 --policy "$out/policy_recoveries"
learn takeovers "$out/recoveries_a" "$out/takeovers_a" "$out/takeovers_b"

python tools/compare_evals.py "$out/ablation.json" plain="$out/plain.json" recoveries="$out/recoveries.json" \
  takeovers="$out/takeovers.json"
