# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""From demonstrations of linear feedback the policy learns the feedback and the dynamics.

Paper §4.5, Connections to Control Theory: let the plant be s' = A s + B a + w and the demonstrator
a = -K s. Sampling with the optimal denoiser then gives a = -K s, and a prediction of several steps
gives -K (A - B K)^t s, since the disturbances w are zero in expectation: to clone a feedback over
a horizon is to learn the closed loop.

Done: two carts joined by a spring, K from the Riccati equation.
1. The optimal denoiser is known in closed form (`lqr_denoiser.py`); it goes through our schedule
   and our sampling loop, which must not add an error of its own.
2. A small U-Net is trained on recorded rollouts. Its gain is the linear regression of sampled
   actions on states it has not seen; errors are Frobenius norms relative to that of the truth.
3. It drives the carts. Its cost is compared with that of the demonstrator on the same starts and
   disturbances, replanning at each step and at every eighth.

Refuted if 1. is off by more than 1e-5 N, the trained gain by more than 5 %, or the predicted
steps, averaged over draws, by more than 10 % (root mean square over states and all 16 steps,
relative to that of -K (A - B K)^t s). That driving costs at most 5 % more than the optimum is our
own bound.
"""

from __future__ import annotations

from typing import Any

from dp_core.config import PolicyConfig
from dp_core.evaluation.claims.catalogue import Options
from dp_core.evaluation.claims.catalogue import verdict
from dp_core.evaluation.claims.fit import fit
from dp_core.evaluation.claims.fit import SMALL
from dp_core.evaluation.claims.lqr_denoiser import GaussianDenoiser
from dp_core.evaluation.claims.lqr_system import Array
from dp_core.evaluation.claims.lqr_system import carts
from dp_core.evaluation.claims.lqr_system import contract
from dp_core.evaluation.claims.lqr_system import cost
from dp_core.evaluation.claims.lqr_system import demonstrate
from dp_core.evaluation.claims.lqr_system import LinearSystem
from dp_core.observation import ObservationWindow
from dp_core.policy import Policy
import numpy as np
import torch

HORIZON = 16
NOISE = 0.05  # standard deviation of each component of w
FORCE_N = 10.0  # the force that is 1 in the normalised units of the optimal denoiser
SAMPLERS = (('ddim', 10), ('ddim', 100), ('ddpm', 100))


def run(options: Options) -> dict[str, Any]:
    """Run the three parts."""
    system = carts(NOISE)
    policy = train(system, options)
    optimal = {
        f'{name} {steps}': through_our_loop(PolicyConfig(sampler=name, inference_steps=steps))
        for name, steps in SAMPLERS
    }
    learned = compare(policy, system, options)
    driven = drive(policy, system, options)
    worst = {
        key: max(figures[key] for figures in optimal.values())
        for key in ('one_step_error_n', 'all_steps_error_n')
    }
    return {
        'verdicts': [
            verdict('optimal denoiser, -K s [N]', worst['one_step_error_n'], at_most=1e-5),
            verdict('optimal denoiser, 16 steps [N]', worst['all_steps_error_n'], at_most=1e-5),
            verdict('trained, gain', learned['gain_error'], at_most=0.05),
            verdict('trained, 16 steps', learned['prediction_error'], at_most=0.10),
            verdict('trained, cost / optimum', driven['trained']['1'], at_most=1.05),
        ],
        'optimal_denoiser': optimal,
        'trained': learned,
        'cost_over_optimum': driven,
        'system': {'A': system.A.tolist(), 'B': system.B.tolist(), 'K': system.K.tolist()},
    }


def through_our_loop(
    config: PolicyConfig, n_states: int = 200, draws: int = 200
) -> dict[str, Any]:
    """Sample with the optimal denoiser; forces in N.

    Returns:
        largest errors without disturbances, for one step and for all of them; with disturbances
        (many draws for one state) the error of the mean and the spread, both relative.
    """
    states = torch.randn((n_states, 4), generator=torch.Generator().manual_seed(0))
    figures = {}
    for key, horizon in (('one_step_error_n', 1), ('all_steps_error_n', HORIZON)):
        actions, mean = draw(carts(0.0), horizon, config, states)
        figures[key] = float((actions - mean).abs().max())
    system = carts(NOISE)
    actions, mean = draw(system, HORIZON, config, states[:1].repeat(draws, 1))
    off = float((actions.mean(dim=0) - mean[0]).norm() / mean[0].norm())
    variance = float(actions.var(dim=0).sum())
    figures['mean_error_with_disturbances'] = off
    figures['spread_over_true_spread'] = (variance / np.trace(system.spread(HORIZON))) ** 0.5
    return figures


def draw(
    system: LinearSystem, horizon: int, config: PolicyConfig, states: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sample actions (B, horizon, 2) [N] for states (B, 4), and return their true mean too."""
    gains = torch.from_numpy(system.gains(horizon)).float() / FORCE_N

    def mean(s: torch.Tensor) -> torch.Tensor:
        return torch.einsum('tus,bs->btu', gains, s)

    denoiser = GaussianDenoiser(mean, system.spread(horizon) / FORCE_N**2, config)
    start = torch.randn((len(states), horizon, 2), generator=torch.Generator().manual_seed(1))
    return FORCE_N * denoiser.sample(config, states, start, seed=2), FORCE_N * mean(states)


def train(system: LinearSystem, options: Options) -> Policy:
    """Train on 1000 rollouts of 2.4 s."""
    buffer = demonstrate(system, 24, 20 if options.quick else 1000, options.seed)
    steps = 10 if options.quick else 1200
    return fit(contract(HORIZON), buffer, SMALL, steps, options.seed)


def predict(policy: Policy, states: Array, seed: int) -> Array:
    """Predict forces (B, HORIZON, 2) [N] at states (B, 4), each with noise of its own."""
    windows = [ObservationWindow(0, {'state': s[None].astype(np.float32)}, {}) for s in states]
    seeds = [(seed << 20) + row for row in range(len(states))]
    return np.asarray(policy.predict_batch(windows, seeds), dtype=np.float64)


def compare(policy: Policy, system: LinearSystem, options: Options) -> dict[str, Any]:
    """Hold sampled actions at unseen states of the demonstrations against -K (A - B K)^t s."""
    count, draws = (4, 2) if options.quick else (32, 32)
    rolled, _ = system.roll_out(lambda s, _: -s @ system.K.T, 9, count, options.seed + 1)
    states = rolled[:, ::4].reshape(-1, 4)  # at steps 0, 4, 8 of an episode
    sampled = predict(policy, np.repeat(states, draws, axis=0), options.seed + 1)
    sampled = sampled.reshape(len(states), draws, HORIZON, 2)
    gains = system.gains(HORIZON)  # (T, U, S)
    truth = np.einsum('tus,bs->btu', gains, states)
    fitted = regress(states, sampled[:, 0])
    off = sampled.mean(axis=1) - truth
    return {
        'gain_error': relative(fitted[0] - gains[0], gains[0]),
        'gains_error_all_steps': relative(fitted - gains, gains),
        'prediction_error': relative(off, truth),
        'prediction_error_by_step': [relative(off[:, t], truth[:, t]) for t in range(HORIZON)],
        'states': len(states),
        'draws': draws,
        'gains': gains.round(4).tolist(),
        'fitted_gains': fitted.round(4).tolist(),
    }


def regress(states: Array, actions: Array) -> Array:
    """Fit actions (B, T, U) = gains s + constant to states (B, S); return gains (T, U, S)."""
    inputs = np.column_stack((states, np.ones(len(states))))
    solution = np.linalg.lstsq(inputs, actions.reshape(len(states), -1), rcond=None)[0]
    return np.asarray(solution[:-1].T.reshape(*actions.shape[1:], -1))


def relative(error: Array, truth: Array) -> float:
    """Return the Frobenius norm of the error relative to that of the truth."""
    return float(np.linalg.norm(error) / np.linalg.norm(truth))


def drive(policy: Policy, system: LinearSystem, options: Options) -> dict[str, Any]:
    """Return mean costs over the optimum's: who drives -> steps executed per plan -> ratio."""
    gains = system.gains(HORIZON)
    episodes = options.episodes or (4 if options.quick else 100)
    steps = 8 if options.quick else 48

    def demonstrator(states: Array, step: int) -> Array:
        return np.asarray(np.einsum('tus,bs->btu', gains, states))

    def trained(states: Array, step: int) -> Array:
        return predict(policy, states, options.seed + 2 + step)

    def ratio(planner: Any, n_action_steps: int) -> float:
        plan = np.zeros(0)

        def act(states: Array, step: int) -> Array:
            nonlocal plan
            if step % n_action_steps == 0:
                plan = planner(states, step)
            return np.asarray(plan[:, step % n_action_steps])

        return float(cost(*system.roll_out(act, steps, episodes, options.seed + 2)).mean())

    optimum = ratio(demonstrator, 1)
    planners = {'demonstrator': demonstrator, 'trained': trained}
    ratios = {
        who: {str(n): ratio(planner, n) / optimum for n in (1, 8)}
        for who, planner in planners.items()
    }
    return {**ratios, 'episodes': episodes, 'steps': steps, 'optimum_per_step': optimum}


def plot(result: dict[str, Any], figure: Any) -> None:
    """Draw the gains over the horizon and the costs."""
    gains, fitted = (np.array(result['trained'][key]) for key in ('gains', 'fitted_gains'))
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    for index, name in enumerate(('p1 [N/m]', 'p2 [N/m]', 'v1 [N s/m]', 'v2 [N s/m]')):
        (line,) = left.plot(gains[:, 0, index], label=name)
        left.plot(fitted[:, 0, index], 'o', color=line.get_color(), ms=4)
    left.set_xlabel('step t of the prediction')
    left.set_ylabel('gain from the first state to force 1')
    left.set_title('lines: $-K(A-BK)^t$, dots: fitted to sampled actions')
    left.legend()
    left.grid(alpha=0.3)
    costs = result['cost_over_optimum']
    for offset, who in ((-0.2, 'demonstrator'), (0.2, 'trained')):
        heights = [costs[who][n] for n in ('1', '8')]
        bars = right.bar(np.arange(2) + offset, heights, 0.38, label=who)
        right.bar_label(bars, fmt='%.3f')
    right.set_xticks([0, 1], ['1', '8'])
    right.set_xlabel('steps executed per plan')
    right.set_ylabel('cost / optimum')
    right.legend(loc='lower right')
