# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
#
#   make demo                 the UR5e pushes the T, driven by a policy over ROS 2 (EPISODES=3 SEED=0 POLICY=camera|state)
#   make test                 linters and all tests
#   make bench                measure latency and rates into out/bench/
#   make bench-data           record from a synthetic robot, convert, and load, into out/bench/data.json (RECORD_SECONDS=60)
#   make bench-latency        let calibrate_latency find latencies that the scene has, into out/bench/ (eight minutes)
#   make bench-motion         compare how strategies join chunks, on a simulated clock, and ours over ROS, into out/bench/ (an hour)
#   make bench-real-controller  stream chunks into the real joint_trajectory_controller; needs ros2_control (MINUTES=10)
#   make bench-faults         two hundred faults at random moments, over ROS, into out/bench/ (half an hour; TRIALS=200 SEED=0)
#   make bench-stops          cancel and stop while predictions hold the interpreter, over ROS, into out/bench/ (45 minutes)
#   make bench-soak           a random fault every few seconds, over ROS, into out/bench/ (an hour; MINUTES=60)
#   make train-pusht          train the Push-T policy from the human demonstrations
#   make train-ur5e           demonstrate, then train both UR5e policies
#   make teach-ur5e           demonstrate over ROS, record, check, convert, train, run: from nothing to a policy (three hours; EPISODES=200)
#   make lint, make format    check the style, repair it
#   make setup                only make the workspace (PYTHON=python3.12, TORCH_INDEX_URL=<index of another PyTorch build>)
#   make clean                remove build results; make distclean removes the virtual environment as well

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
export PYTHON TORCH_INDEX_URL

EPISODES ?= 3
SEED ?= 0
POLICY ?= camera
TRIALS ?= 200
PYTEST ?= python -m pytest

workspace := set +u; . ./workspace.sh; set -u;

.NOTPARALLEL:
.PHONY: help setup demo test lint format test-fast test-ros bench bench-data bench-faults bench-latency bench-motion bench-real-controller bench-soak bench-stops teach-ur5e train-pusht train-ur5e clean distclean

help:
	@sed -n '4,$$ { /^#/!q; s/^# *//p }' Makefile

setup:
	@tools/setup.sh

demo: setup
	@$(workspace) exec dp_demo --episodes $(EPISODES) --seed $(SEED) --policy $(POLICY)

test: lint test-fast test-ros

lint: setup
	@$(workspace) ruff check . && ruff format --check . && mypy

format: setup
	@$(workspace) ruff check --fix . ; ruff format .

# The tests without ROS, then those that start nodes.
test-fast: setup
	@$(workspace) $(PYTEST) -m 'not ros'

# They skip where there is no ROS; here that would hide the main path, so it is imported first. What fails runs
# once more, as in ROS 2's own CI (colcon test --retest-until-pass): a process that stands still for long is a fault
# that the node must end a goal for. What failed first stands in the output.
run_ros = { $(PYTEST) -m ros $(1) || \
  { [ $$? = 1 ] && $(PYTEST) -m ros --last-failed --last-failed-no-failures none $(1); }; }
# Nobody has control_msgs here but these; all others run as a user of this workspace does, without it.
with_control_msgs := $(addprefix src/dp_policy_node/test/,test_executors.py test_replay.py)

test-ros: setup
	@$(workspace) python -c 'import dp_msgs.msg, rclpy' && $(call run_ros,$(with_control_msgs:%=--ignore=%))
	@$(workspace) set +u; . tools/test_interfaces.sh; set -u; \
	  python -c 'import control_msgs.msg' && $(call run_ros,$(with_control_msgs))

bench: setup
	@$(workspace) python tools/bench.py
	@$(workspace) exec python -m dp_bringup.bench

# As launch files do for the stack: images of 0.9 MB need more shared memory than Fast DDS takes by itself.
bench-data: setup
	@$(workspace) export FASTDDS_DEFAULT_PROFILES_FILE=$${FASTDDS_DEFAULT_PROFILES_FILE:-$(CURDIR)/src/dp_bringup/config/fastdds.xml}; \
	  exec python -m dp_data_tools.bench --record-seconds $(or $(RECORD_SECONDS),60)

bench-latency: setup
	@$(workspace) exec python -m dp_bringup.latency_bench

bench-motion: setup
	@$(workspace) python -m dp_bringup.motion_bench.schedule_bench
	@$(workspace) python -m dp_bringup.motion_bench.bench
	@$(workspace) exec python -m dp_bringup.motion_bench.over_ros

# ros2_control comes with a ROS 2 distribution only, so this uses what is sourced, not the workspace of make setup.
bench-real-controller:
	@python3 -c 'import rclpy, dp_bringup, control_msgs' 2>/dev/null || { echo 'source a ROS 2 distribution with' \
	  'ros-$$ROS_DISTRO-ros2-control and ros-$$ROS_DISTRO-ros2-controllers, and this workspace built on it' >&2; exit 1; }
	@exec python3 -m dp_bringup.real_controller.bench --minutes $(or $(MINUTES),10)

bench-faults: setup
	@$(workspace) exec python -m dp_bringup.fault_trials.bench --trials $(TRIALS) --seed $(SEED)

bench-stops: setup
	@$(workspace) exec python -m dp_bringup.fault_trials.stops --seed $(SEED)

bench-soak: setup
	@$(workspace) exec python -m dp_bringup.fault_trials.soak --seed $(SEED) --minutes $(or $(MINUTES),60)

train-pusht: setup
	@$(workspace) dp_train --dataset src/dp_core/data/pusht_human --output out/train/pusht --budget-cpu-s 1150
	@$(workspace) dp_eval --policy out/train/pusht --env gym_pusht/PushT-v0 --seeds 100000:100200 --output out/train/pusht/eval.json

train-ur5e: setup
	@$(workspace) tools/train_ur5e.sh state
	@$(workspace) tools/train_ur5e.sh camera

teach-ur5e: setup
	@$(workspace) exec env EPISODES=$(if $(filter file,$(origin EPISODES)),200,$(EPISODES)) tools/teach_ur5e.sh

clean:
	rm -rf build install log out .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -f .venv/stamp-build

distclean: clean
	rm -rf .venv
