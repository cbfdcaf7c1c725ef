# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
from dp_core.errors import ConfigError
from dp_core.errors import ObservationError
from dp_core.evaluation import episode
from dp_core.evaluation.episode import env_spec
from dp_core.evaluation.episode import Episode
from dp_core.evaluation.report import at_end
from dp_core.evaluation.rollout import clamp
from dp_core.evaluation.rollout import Protocol
from dp_core.evaluation.rollout import roll_out
from dp_core.evaluation.rollout import select
from dp_core.evaluation.stepper import LocalStepper
from dp_core.evaluation.stepper import ProcessStepper
import line_world
import numpy as np
from policy_samples import sample_contract
from policy_samples import sample_policy
import pytest


class Walker:
    """Predicts x = 0.05 * step index counted from the newest observation's x, keeps y."""

    def __init__(self):
        self.contract = sample_contract()
        self.asked: list[tuple[int, tuple[int, ...]]] = []

    def predict_batch(self, windows, seeds):
        self.asked.append((len(windows), tuple(seeds)))
        newest = np.stack([w.low_dim['tool'][-1] for w in windows])  # (B, 2)
        actions = np.repeat(newest[:, None], 8, axis=1)
        actions[..., 0] += 0.05 * np.arange(8)
        return actions


@pytest.fixture
def spec():
    return env_spec('line_world:' + line_world.ID)


def test_scores_and_steps_of_a_walk_worked_out_by_hand(spec):
    # Chunks execute indices 1..4: x grows by 0.2 a chunk; 12 steps end at 0.6.
    walker = Walker()
    results, calls = roll_out(walker, LocalStepper(spec, walker.contract), [3, 9], Protocol(4))
    assert [r.seed for r in results] == [3, 9]
    assert [r.steps for r in results] == [12, 12]
    assert [r.score for r in results] == pytest.approx([0.6 / 0.95] * 2)
    assert len(calls) == 3
    assert walker.asked[1] == (2, ((3 << 20) + 1, (9 << 20) + 1))


def test_an_episode_ends_at_full_coverage(spec):
    class Jumper(Walker):
        def predict_batch(self, windows, seeds):
            return super().predict_batch(windows, seeds) + np.float32([0.4, 0.0])

    results, _ = roll_out(Jumper(), LocalStepper(spec, sample_contract()), [0], Protocol(4))
    assert results[0].score == 1.0
    assert results[0].steps == 5  # 0.6 after one chunk, then 0.6 + 0.4 + 0.05


def test_finished_episodes_leave_the_batch(spec):
    class Fast(Walker):
        def predict_batch(self, windows, seeds):
            actions = super().predict_batch(windows, seeds)
            actions[[w.low_dim['tool'][-1, 1] == 1 for w in windows], :, 0] = 2.0
            return actions

    policy = Fast()
    roll_out(policy, LocalStepper(spec, policy.contract), [0, 1], Protocol(4))
    assert [n for n, _ in policy.asked] == [2, 1, 1]


def test_a_late_chunk_drops_what_is_past(spec):
    # Asked two steps early: the window is that of two steps ago, and two more steps are cut.
    walker = Walker()
    protocol = Protocol(4, delay_steps=2)
    results, _ = roll_out(walker, LocalStepper(spec, walker.contract), [0], protocol)
    assert results[0].score == pytest.approx(0.6 / 0.95)  # the same walk, told earlier
    chunk = np.arange(8, dtype=np.float32)[None, :, None]
    assert select(chunk, walker.contract, protocol, 0).ravel().tolist() == [1, 2, 3, 4]
    assert select(chunk, walker.contract, protocol, 1).ravel().tolist() == [3, 4, 5, 6]


def test_a_late_chunk_used_as_if_fresh_starts_with_its_first_step(spec):
    # Each chunk ends 0.2 beyond where it was asked, which is two steps (0.1) behind the tool.
    protocol = Protocol(4, delay_steps=2, compensate=False)
    chunk = np.arange(8, dtype=np.float32)[None, :, None]
    assert select(chunk, sample_contract(), protocol, 1).ravel().tolist() == [1, 2, 3, 4]
    late, _ = roll_out(Walker(), LocalStepper(spec, sample_contract()), [0], protocol)
    assert late[0].score == pytest.approx(0.4 / 0.95)  # 0.2, 0.1 + 0.2, 0.2 + 0.2


def test_groups_of_episodes_give_the_same_scores(spec):
    policy = sample_policy()
    whole, _ = roll_out(policy, LocalStepper(spec, policy.contract), range(5), Protocol(4))
    parts, _ = roll_out(
        policy, LocalStepper(spec, policy.contract), range(5), Protocol(4, batch=2)
    )
    assert [r.score for r in whole] == pytest.approx([r.score for r in parts], abs=1e-5)


def test_worker_processes_give_the_same_scores(spec, monkeypatch):
    policy = sample_policy()
    alone, _ = roll_out(policy, LocalStepper(spec, policy.contract), range(3), Protocol(4))
    with ProcessStepper(spec, policy.contract, workers=2) as stepper:
        spread, _ = roll_out(policy, stepper, range(3), Protocol(4))
    assert [(r.seed, r.steps) for r in alone] == [(r.seed, r.steps) for r in spread]
    for one, other in zip(alone, spread):  # a float32 may differ in its last bit
        assert one.score == pytest.approx(other.score, abs=1e-6)
        assert one.report == pytest.approx(other.report, abs=1e-6)


def test_the_window_looks_back_from_the_first_observation(spec):
    episode = Episode(spec, sample_contract())
    assert episode.reset(7).window.low_dim['tool'].tolist() == [[0, 7], [0, 7]]
    state = episode.advance(np.float32([[0.1, 0], [0.2, 0], [0.3, 0]]))
    np.testing.assert_allclose(state.window.low_dim['tool'][:, 0], [0.2, 0.3], atol=1e-6)
    assert state.window.t_obs_ns == 300_000_000


def test_a_state_tells_what_was_seen_on_the_way(spec):
    episode = Episode(spec, sample_contract())
    start = episode.reset(7, keep=1)
    assert start.seen['tool'].tolist() == [[0, 7]]
    state = episode.advance(np.float32([[0.19, 0], [0.38, 0], [0.19, 0]]), lag=1)
    np.testing.assert_allclose(state.seen['tool'][:, 0], [0.19, 0.38, 0.19], atol=1e-6)
    assert state.scores == pytest.approx([0.2, 0.4, 0.4])


def test_bounds_of_the_contract_hold():
    group = {'name': 'a', 'kind': 'vector', 'dims': ['x', 'y'], 'low': [0, -1], 'high': [1, 1]}
    contract = sample_contract(actions=[group])
    assert clamp(np.float32([[5, -5]]), contract).tolist() == [[1.0, -1.0]]
    assert clamp(np.float32([[5, -5]]), sample_contract()).tolist() == [[5.0, -5.0]]


@pytest.mark.parametrize('protocol', [Protocol(8), Protocol(4, 4), Protocol(0), Protocol(2, 3)])
def test_chunks_that_are_too_short_are_refused(spec, protocol):
    walker = Walker()
    with pytest.raises(ConfigError):
        roll_out(walker, LocalStepper(spec, walker.contract), [0], protocol)


def test_unknown_scene_and_missing_stream_are_named(spec):
    with pytest.raises(ConfigError, match='no environment .*absent'):
        env_spec('absent/Scene-v0')
    with pytest.raises(ConfigError, match='no environment'):
        env_spec('line_world:line_world/Line-v7')
    other = {'name': 'arm', 'kind': 'vector', 'length': 2}
    episode = Episode(spec, sample_contract(observations=[other]))
    with pytest.raises(ConfigError, match=r"lacks \['arm'\], it has \['tool'\]"):
        episode.reset(0)


def test_figures_of_the_environment_are_reported_as_they_stand_at_the_end(spec):
    walker = Walker()
    results, _ = roll_out(walker, LocalStepper(spec, walker.contract), [3, 9], Protocol(4))
    assert [r.report for r in results] == [pytest.approx({'final_x': 0.6})] * 2
    assert at_end(results)['final_x']['mean'] == pytest.approx(0.6)


@pytest.mark.parametrize('length', [1, 3, 4])
def test_numbers_of_another_length_are_refused_with_the_stream(spec, length):
    other = {'name': 'tool', 'kind': 'vector', 'length': length}
    policy = sample_policy()
    stepper = LocalStepper(spec, sample_contract(observations=[other]))
    words = rf"'tool' has shape \(2, 2\), the contract says \(2, {length}\)"
    with pytest.raises(ObservationError, match=words):
        roll_out(policy, stepper, [0], Protocol(4))


def test_pictures_of_another_size_are_refused_and_never_cropped(monkeypatch):
    spec = env_spec('line_world:' + line_world.ID)

    class Filmed(line_world.LineWorld):
        def reset(self, **how):
            observation, info = super().reset(**how)
            return {**observation, 'front': np.zeros((32, 32, 3), np.uint8)}, info

    monkeypatch.setattr(episode, 'make_env', lambda spec: Filmed())
    words = r"'front' has shape \(2, 32, 32, 3\), the contract says \(2, 24, 24, 3\)"
    with pytest.raises(ObservationError, match=words):
        Episode(spec, sample_contract(images=True)).reset(0)
