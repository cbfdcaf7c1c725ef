#!/usr/bin/env bash
# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
# The whole way, as a lab goes it: demonstrate in the simulated cell over ROS and record bags with both cameras, check
# and convert them, train a state policy, and run it by /execute_policy beside the shipped one. Run by `make teach-ur5e`.
#
#   EPISODES=200 TRAIN_OPTIONS='--budget-cpu-s 2400' TRIALS=50 tools/teach_ur5e.sh [FOLDER]
#
# CAMERA_TRAIN_OPTIONS='--budget-cpu-s 4000 --batch-size 64 --noise-draws 4' trains a policy that sees, as well.
# BURST_EVERY, TIME_LIMIT [s] and CAMERA_RATE [Hz] are of the cells, SEEDS of dp_eval, TRIAL_S of a start in dp_demo.
# Two cells are taught at the same time: one shows the task plainly, in the other the tool is driven against the T now
# and then. Finished steps are skipped, an interrupted recording or training goes on: call the same command again.
set -euo pipefail

root=${1:-out/teach}
configs=src/dp_bringup/config/ur5e_pusht
shipped=src/dp_bringup/policies/ur5e_pusht_state
each=$(((${EPISODES:-200} + 1) / 2)) # starts per cell
say() { echo "teach_ur5e: $*"; }
mkdir -p "$root/logs"

# record CELL SEED BURST_EVERY: what was recorded before an interruption stays; the next run records as many starts
# again, others.
record() {
  local demos=$root/demos/$1 attempt
  [ -f "$root/recorded_$1" ] && return
  attempt=$(find "$root/logs" -maxdepth 1 -name "$1_*" | wc -l)
  [ -d "$demos" ] && dp_data_tools recover "$demos"
  say "$each starts -> $demos"
  # Two cells in one domain would hear each other: each takes one of its own.
  dp_run_local ur5_teaching --demos "$demos" --episodes "$each" --seed $(($2 + attempt * each)) \
    --burst-every "$3" --camera-rate "${CAMERA_RATE:-15}" --time-limit "${TIME_LIMIT:-90}" \
    --logs "$root/logs/$1_$attempt"
  touch "$root/recorded_$1"
  say "$(find "$demos" -mindepth 1 -maxdepth 1 -name 'episode_*' | wc -l) episodes in $demos"
}

set -m # each cell in a process group of its own, which Ctrl-C does not reach by itself
record plain 20000 0 & plain=$!
trap 'kill -TERM -- "-$plain" 2> /dev/null; wait' EXIT
sleep 3 # so that the second finds the first one's domain taken
record bursts 10000 "${BURST_EVERY:-6}" & bursts=$!
trap 'kill -TERM -- "-$plain" "-$bursts" 2> /dev/null; wait' EXIT
failed=
wait $plain || failed=plain
wait $bursts || failed="$failed bursts"
trap - EXIT
set +m
if [ -n "$failed" ]; then
  say "recording failed: $failed; what the nodes said is in $root/logs" >&2
  exit 1
fi

if [ -z "$(find "$root/demos" -name 'episode_*' -print -quit)" ]; then
  rm -f "$root"/recorded_*
  say "no episode was solved; what the nodes said is in $root/logs" >&2
  exit 1
fi

# Errors of single episodes are in the report and in the drop list.
if [ ! -f "$root/drop.yaml" ]; then
  dp_data_tools check "$root/demos" --contract "$configs/contract_camera.yaml" --action-topic /tool_target \
    --html "$root/report.html" --json "$root/check.json" --drop-list "$root/drop.yaml" || [ $? = 1 ]
fi
for kind in state camera; do
  if [ ! -d "$root/$kind" ]; then
    # Exit status 1 with a dataset: some bags could not be used, and it was said which and why.
    dp_data_tools convert "$root/demos" --contract "$configs/contract_$kind.yaml" --action-topic /tool_target \
      --drop "$root/drop.yaml" --output "$root/$kind" || [ -d "$root/$kind" ]
  fi
done

# shellcheck disable=SC2086 # several words
dp_train --dataset "$root/state" --output "$root/policy" ${TRAIN_OPTIONS:---budget-cpu-s 2400}
[ -f "$root/eval.json" ] || dp_eval --policy "$root/policy" --env dp_sim/UR5ePushT-v0 --env-arg retreat=true \
  --seeds "${SEEDS:-400000:400200}" --output "$root/eval.json"

# The same starts for both policies; neither was chosen by them.
for policy in "$root/policy" "$shipped"; do
  run=$root/runs/$(basename "$policy")
  [ -f "$run/summary.json" ] || dp_demo --policy "$policy" --episodes "${TRIALS:-50}" --seed 700000 \
    --time-limit "${TRIAL_S:-60}" --no-video --output "$run"
done
python -m dp_bringup.compare_runs "$root/runs/policy" "$root/runs/ur5e_pusht_state" --output "$root/compared.json"

if [ -n "${CAMERA_TRAIN_OPTIONS:-}" ]; then
  # shellcheck disable=SC2086 # several words
  dp_train --dataset "$root/camera" --output "$root/policy_camera" $CAMERA_TRAIN_OPTIONS
fi
