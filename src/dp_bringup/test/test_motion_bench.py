# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
import json

from dp_bringup.motion_bench import bench
from dp_bringup.motion_bench import figures
from dp_bringup.motion_bench import ours
from dp_bringup.motion_bench import plot
from dp_bringup.motion_bench import report
from dp_bringup.motion_bench.episodes import drive_episode
from dp_bringup.motion_bench.recording import Recording
from dp_bringup.motion_bench.strategies import STRATEGIES
from dp_bringup.motion_bench.waypoints import Waypoints
from dp_bringup.motion_bench.world import EpisodeOverError
from dp_bringup.motion_bench.world import START_NS
from dp_bringup.motion_bench.world import Timing
from dp_bringup.motion_bench.world import travel_ns
from dp_bringup.motion_bench.world import World
from dp_bringup.share import policy_folder
from dp_core.checkpoint import load_policy
from dp_core.chunk import ActionChunk
from dp_sim.trajectory_rules import TrajectoryMessage
from dp_sim.trajectory_rules import TrajectoryPoint
import numpy as np
import pytest

S = 1_000_000_000
PERIOD_NS = 2_000_000


def chunk(start_ns, positions):
    positions = np.asarray(positions, dtype=np.float64)[:, None]
    return ActionChunk(start_ns, S // 10, 0, ('a',), positions, positions)


def recorded():
    """A joint that moves at 0.5 rad/s for 1 s and then, with a second chunk, at 0.2 rad/s."""
    recording = Recording(7, 1000, 1, PERIOD_NS)
    recording.count(accepted=True)
    recording.take_over(chunk(0, np.arange(11) * 0.05), 0)
    for tick in range(1000):
        if tick == 500:
            recording.count(accepted=True)
            recording.take_over(chunk(S, 0.5 + np.arange(11) * 0.02), S)
        velocity = 0.5 if tick < 500 else 0.2
        t = tick * 0.002
        position = 0.5 * min(t, 1.0) + 0.2 * max(t - 1.0, 0.0)
        reference = np.array([[position], [velocity], [0.0]])
        recording.tick(tick * PERIOD_NS, 0 if tick < 500 else S, reference, tick > 990)
    recording.score(0.25)
    return recording


def test_the_figures_of_a_motion_with_one_step_of_velocity():
    row = figures.episode_figures(recorded())
    assert row['score'] == 0.25
    assert (row['chunks'], row['messages'], row['late_ticks']) == (2, 2, 9)
    assert row['duration_s'] == 2.0
    assert row['seam_velocity'] == pytest.approx([0.3])
    # Over 10 ms from tick 499 on, of which 2 ms are still at the old velocity.
    assert row['seam_mean_velocity'] == pytest.approx([0.3 * 4 / 5])
    assert row['seam_position'] == pytest.approx([0.0003])  # half of the step, for one period
    assert row['velocity_anywhere'] == pytest.approx({'p95': 0.0, 'max': 0.3})
    # 0.3 rad/s at 100 Hz: 30 rad/s^2 once, and a jerk of that in 10 ms, there and back.
    assert row['jerk_between_steps']['peak'] == pytest.approx(3000.0)
    assert row['lag_s'] == pytest.approx(0.0, abs=1e-4)
    assert row['distance_rad'] == pytest.approx(0.0, abs=1e-6)


def test_an_episode_without_a_second_chunk_has_no_figures_of_motion():
    row = figures.episode_figures(Recording(7, 10, 1, PERIOD_NS))
    assert row['chunks'] == 0
    assert 'jerk' not in row


def row_of(score, velocities, seed=0):
    row = figures.episode_figures(recorded())
    return row | {'score': score, 'seam_velocity': velocities, 'seed': seed}


def test_strategies_are_compared_by_percentile_and_by_paired_scores():
    mine = report.strategy_figures([row_of(1.0, [0.1, 0.1]), row_of(0.5, [0.1], 1)])
    other = report.strategy_figures([row_of(1.0, [0.6]), row_of(0.5, [0.6], 1)])
    found = report.verdict(mine, other, report.FACTOR)
    assert found['seam_velocity_times_less'] == pytest.approx({'p50': 6, 'p95': 6, 'max': 6})
    assert found['score_difference'] == {'mean': 0.0, 'ci95': [0.0, 0.0]}
    assert found['seam_velocity_as_wanted']
    assert found['score_no_worse']
    assert not report.verdict(mine, other, 7.0)['seam_velocity_as_wanted']
    worse = other | {'scores': [0.8, 0.3]}
    assert not report.verdict(worse, mine, 1.0)['score_no_worse']


def test_finished_episodes_are_not_driven_again_unless_asked(tmp_path, monkeypatch):
    driven = []

    def drive(policy, strategy, seeds, timing):
        driven.append((strategy, list(seeds)))
        recordings = [recorded() for _ in seeds]
        for recording, seed in zip(recordings, seeds):
            recording.seed = seed
        return recordings

    monkeypatch.setattr(bench, 'drive_episodes', drive)
    words = ['--delays', '0.1', '--output', str(tmp_path / 'motion.json'), '--delay-output']
    words += [str(tmp_path / 'delay.json'), '--strategies', 'fade', 'original']
    assert bench.main([*words, '--seeds', '1,2']) == 0
    assert bench.main([*words, '--seeds', '1,2,3']) == 0
    assert bench.main([*words, '--seeds', '1,2,3', '--again', 'fade']) == 0
    assert driven == [
        ('fade', [1, 2]),
        ('original', [1, 2]),
        ('fade', [3]),
        ('original', [3]),
        ('fade', [1, 2, 3]),
    ]
    written = json.loads((tmp_path / 'motion.json').read_text())
    assert written['delays']['100 ms']['fade']['episodes'] == 3
    assert set(written['verdicts']['100 ms']) == {'fade'}
    page = (tmp_path / 'motion.md').read_text().splitlines()
    assert page[0] == '### 100 ms of injected delay'
    assert '| **fade** | 0.250 (0.250 to 0.250) | 0.300 / 0.300 / 0.300 |' in page[4]
    assert page[-1].startswith('| original | 1.0 × less / 1.0 × less / 1.0 × less | +0.000 (')
    delay = json.loads((tmp_path / 'delay.json').read_text())
    assert delay['modes']['fade']['100 ms']['scores'] == [0.25, 0.25, 0.25]


def test_times_of_predictions_are_drawn_by_seed_and_number_and_the_delay_adds_to_them():
    plain, delayed = Timing(), Timing(delay_s=0.3)
    times = [plain.prediction_ns(3, n) for n in range(200)]
    assert delayed.prediction_ns(3, 5) - times[5] == pytest.approx(0.3e9, abs=1)
    assert 0.044e9 < np.median(times) < 0.052e9
    assert max(travel_ns(3, n) for n in range(500)) <= 8_500_000


@pytest.fixture
def world():
    policy = load_policy(policy_folder('state'))
    return World(policy.contract, 5, Timing(limit_s=1.0))


def test_a_message_takes_over_at_the_first_tick_after_its_journey(world):
    world.advance_to(START_NS + 100_000_000)
    hold = np.array(world.simulation.joint_positions)
    points = (TrajectoryPoint(S // 2, tuple(hold + 0.01), (0.0,) * 6),)
    wanted = chunk(START_NS, [0.0, 0.0])
    world.publish(TrajectoryMessage(world.joint_names, points), wanted)
    arrival_ns = world.now_ns + travel_ns(5, 0)
    world.finish()
    (taken,) = world.recording.take_overs
    assert taken.chunk is wanted
    assert 0 <= taken.stamp_ns - arrival_ns < PERIOD_NS
    trace = world.recording.trace()
    np.testing.assert_allclose(trace.positions[taken.tick - 1], hold, atol=1e-9)
    np.testing.assert_allclose(trace.positions[-1], hold + 0.01, atol=1e-9)
    assert world.recording.late_ticks > 0  # it ended before the episode did


def test_a_window_holds_poses_that_have_arrived(world):
    window = world.next_window()
    assert (window.t_obs_ns - START_NS) % 8_000_000 == 0  # 125 Hz
    assert 2_000_000 <= world.now_ns - window.t_obs_ns < 15_000_000
    newer = world.next_window(window.t_obs_ns)
    assert newer.t_obs_ns > window.t_obs_ns


def test_an_episode_ends_when_its_time_is_over(world):
    with pytest.raises(EpisodeOverError):
        world.advance_to(START_NS + 2 * S)
    assert world.recording.duration_s == 1.0


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_every_strategy_moves_the_arm_and_is_refused_nothing(strategy):
    policy = load_policy(policy_folder('state'))
    recording = drive_episode(policy, strategy, 5, Timing(limit_s=1.2))
    row = figures.episode_figures(recording)
    assert row['fault'] == ''
    assert row['rejected_messages'] == 0
    assert row['chunks'] == 2
    assert np.ptp(recording.trace().positions, axis=0).max() > 0.01


def test_the_tool_of_the_original_is_no_faster_than_its_limit():
    policy = load_policy(policy_folder('state'))
    world = World(policy.contract, 5, Timing())
    chain, rest = world.simulation.chain, np.array(world.simulation.joint_positions)
    # The base turns by 1 rad/s, half a metre from the tool; the wrist keeps the tool from turning.
    far = rest + np.linspace(0.0, 1.2, 13)[:, None] * [1.0, 0, 0, 0, 0, 1.0]
    path = Waypoints(rest, chain)
    for step, position in enumerate(far[1:]):
        path.schedule(position, START_NS + (step + 1) * S // 10, START_NS)
    times_ns = START_NS + np.arange(0, 3 * S, PERIOD_NS)
    places = np.array([chain.forward(q)[:3, 3] for q in path.at(times_ns)])
    speeds = np.linalg.norm(np.diff(places, axis=0), axis=1) / (PERIOD_NS * 1e-9)
    assert speeds.max() == pytest.approx(0.433, rel=5e-3)
    np.testing.assert_allclose(path.at(times_ns[-1:])[0], far[-1])
    world.simulation.close()


def test_ours_plans_for_later_and_publishes_then_as_the_node_does(monkeypatch):
    planned, published = [], []

    def message(trajectory, original=ours.message):
        planned.append(trajectory.start_ns)
        return original(trajectory)

    def publish(world, message, begins=None, original=World.publish):
        published.append(world.now_ns)
        original(world, message, begins)

    monkeypatch.setattr(ours, 'message', message)
    monkeypatch.setattr(World, 'publish', publish)
    drive_episode(load_policy(policy_folder('state')), 'fade', 5, Timing(limit_s=2.0))
    assert len(planned) == 3
    assert np.subtract(planned, published).tolist() == [ours.ARRIVAL_NS] * 3
    # Ready early, the second and third wait: eight steps lie between the chunks in charge.
    assert np.diff(planned)[-1] == pytest.approx(0.8e9, abs=0.1e9)


def test_ours_has_the_times_of_the_node():
    pytest.importorskip('dp_msgs.msg')
    from dp_policy_node import trajectory_output
    from dp_policy_node.jtc_topic import JtcTopic

    assert ours.PLANNING_NS == trajectory_output.PLANNING_NS
    assert ours.ARRIVAL_NS == JtcTopic.arrival_ns


def test_the_seam_that_is_drawn_is_the_95th_percentile(tmp_path):
    seam = plot.typical_bad_seam(recorded())
    assert (seam.stamp_ns, seam.joint) == (S, 0)
    assert seam.change == pytest.approx(0.3)
    plot.plot_seams(tmp_path / 'seams.png', {'fade': seam, 'original': seam}, ['fade'])
    assert (tmp_path / 'seams.png').stat().st_size > 5000
