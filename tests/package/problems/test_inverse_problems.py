"""The rod and the projectile: physics by other means, and posteriors by independent formulas."""

import math

import numpy as np
import pytest
import torch
from helpers import normal, random_mixture, seeded
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from fmtutorial import GaussianMixture, StraightPath, exact, integrate_flow
from fmtutorial.problems import GRAVITY, HeatRod, Projectile, flight, heat_matrix, landing, linear_posterior

ROD = HeatRod()


def test_heat_spreads_as_second_differences_say():
    x = (torch.arange(64, dtype=torch.float64) + 0.5) / 64
    L = torch.diag(torch.ones(63), 1) + torch.diag(torch.ones(63), -1)
    L = (L - torch.diag(L.sum(1))).double() * 64**2
    for time in (0.01, 0.1):
        torch.testing.assert_close(heat_matrix(x, x, time), torch.matrix_exp(time * L), atol=2e-4, rtol=0.02)


def test_heat_is_kept_and_modes_decay():
    x = ROD.x
    H = heat_matrix(torch.linspace(0, 1, 9), x, 0.02)
    torch.testing.assert_close(H.sum(1), torch.ones(9, dtype=torch.float64))
    for k in (1, 3):
        after = heat_matrix(x, x, 0.02) @ torch.cos(k * math.pi * x)
        torch.testing.assert_close(after, math.exp(-((k * math.pi) ** 2) * 0.02) * torch.cos(k * math.pi * x))
    torch.testing.assert_close(heat_matrix(x, x, 0.0), torch.eye(32, dtype=torch.float64))
    torch.testing.assert_close(heat_matrix(x, x, 0.01) @ heat_matrix(x, x, 0.02), heat_matrix(x, x, 0.03))


def test_simulated_readings_have_the_moments_of_the_model():
    x1, y = ROD.sample(100_000, seeded())
    assert x1.shape == (100_000, 32) and y.shape == (100_000, 3) and y.dtype == torch.float32
    left = y.double() - x1.double() @ ROD.matrix.T
    torch.testing.assert_close(
        left.T @ left / len(left), 0.01 * torch.eye(3, dtype=torch.float64), atol=2e-4, rtol=0.03
    )
    torch.testing.assert_close(x1.mean(0).double(), ROD.prior.mean, atol=0.02, rtol=0.0)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 3), st.floats(0.2, 2.0))
def test_the_posterior_times_evidence_is_prior_times_likelihood(seed, dim, m, noise):
    prior, H, y = random_mixture(seed, dim, 3), normal(m, dim, seed), normal(1, m, seed + 1)
    posterior = linear_posterior(prior, H, noise, y).mixture(0)
    x = normal(20, dim, seed + 2)
    log_likelihood = -0.5 * ((y - x @ H.T) / noise).square().sum(1)
    ratio = posterior.log_prob(x) - prior.log_prob(x) - log_likelihood  # minus log p(y): the same everywhere
    torch.testing.assert_close(ratio, ratio[:1].expand(20), rtol=1e-6, atol=1e-6)


@given(st.integers(0, 10**6))
def test_measuring_twice_is_measuring_all_at_once(seed):
    prior, H, y = random_mixture(seed, 3, 2), normal(2, 3, seed), normal(1, 2, seed + 1)
    first = linear_posterior(prior, H[:1], 0.5, y[:, :1]).mixture(0)
    second, both = linear_posterior(first, H[1:], 0.5, y[:, 1:]), linear_posterior(prior, H, 0.5, y)
    torch.testing.assert_close(second.weights, both.weights)
    torch.testing.assert_close(second.means, both.means)
    torch.testing.assert_close(second.covariances, both.covariances)


def test_batches_means_stds_and_samples_agree_with_the_mixture():
    _, y = ROD.sample(4, seeded())
    posterior = ROD.posterior(y)
    samples = posterior.sample(40_000, seeded(1))
    for i in range(4):
        mixture = ROD.posterior(y[i : i + 1]).mixture(0)
        torch.testing.assert_close(posterior.mean[i], mixture.mean)
        torch.testing.assert_close(posterior.std[i], mixture.covariance.diagonal().sqrt())
        torch.testing.assert_close(samples[i].mean(0), mixture.mean, atol=0.03, rtol=0.0)
        torch.testing.assert_close(samples[i].T.cov(), mixture.covariance, atol=0.03, rtol=0.0)


@pytest.mark.parametrize("sigma_min", [1e-4, 0.2])
def test_the_conditional_velocity_is_each_posteriors_own(sigma_min):
    path, (_, y) = StraightPath(sigma_min), ROD.sample(5, seeded())
    x, t = normal(5, 32, 2), torch.linspace(0.05, 0.95, 5, dtype=torch.float64)[:, None]
    batched = ROD.posterior(y).velocity(path, x, t)
    for i in range(5):
        mixture = ROD.posterior(y[i : i + 1]).mixture(0)
        alone = exact.marginal_velocity(mixture, path, x[i : i + 1], float(t[i]))
        torch.testing.assert_close(batched[i : i + 1], alone, rtol=1e-6, atol=1e-8)


def test_so_it_is_where_the_components_differ_in_width():
    path, prior, H, y = StraightPath(0.1), random_mixture(3, 2, 3), normal(1, 2), normal(6, 1, 1)
    posterior, x = linear_posterior(prior, H, 0.7, y), normal(6, 2, 2)
    expected = [exact.marginal_velocity(posterior.mixture(i), path, x[i : i + 1], 0.7) for i in range(6)]
    torch.testing.assert_close(posterior.velocity(path, x, 0.7), torch.cat(expected))


def test_the_velocity_is_the_denoiser_with_more_sensors():
    path, (_, y), x, t = StraightPath(0.1), ROD.sample(6, seeded()), normal(6, 32, 3), 0.6
    sigma = path.sigma(t)
    matrix = torch.cat([ROD.matrix / ROD.noise, t / sigma * torch.eye(32, dtype=torch.float64)])
    x1 = linear_posterior(ROD.prior, matrix, 1.0, torch.cat([y.double() / ROD.noise, x / sigma], 1)).mean
    expected = x1 + path.sigma_dot(t) * (x - t * x1) / sigma
    torch.testing.assert_close(ROD.posterior(y).velocity(path, x, t), expected, rtol=1e-6, atol=1e-6)


def test_the_flow_of_the_exact_velocity_has_the_posteriors_mean_and_std():
    y = ROD.matrix.new_tensor([[0.55, 0.58, 0.62]])
    v, x0 = ROD.velocity_field(StraightPath()), normal(4000, 32)
    end = integrate_flow(v, x0, n_steps=8, method="midpoint", condition=y.expand(4000, 3))[0][-1]
    posterior = ROD.posterior(y)
    assert ((end.mean(0) - posterior.mean[0]) / posterior.std[0]).abs().max() < 0.08
    assert (end.std(0) / posterior.std[0] - 1).abs().max() < 0.08


def test_a_plain_gaussian_prior_gives_the_textbook_update():
    prior = GaussianMixture([{"mean": [1.0], "std": 2.0}])
    posterior = linear_posterior(prior, torch.tensor([[1.0]]), 1.0, torch.tensor([[3.0]]))
    assert posterior.mean.item() == pytest.approx((1 / 4 + 3) / (1 / 4 + 1))
    assert posterior.std.item() == pytest.approx((1 / (1 / 4 + 1)) ** 0.5)


def test_without_drag_the_landing_is_galileis():
    angle, speed = np.array([10.0, 30.0, 45.0, 80.0]), np.array([20.0, 25.0, 30.0, 35.0])
    expected = speed**2 * np.sin(2 * np.radians(angle)) / GRAVITY
    np.testing.assert_allclose(landing(angle, speed, 0.0), expected, rtol=1e-5)


def test_with_drag_it_is_that_of_one_throw_with_an_event():
    def slope(t, s, k=0.02):
        pull = k * math.hypot(s[2], s[3])
        return [s[2], s[3], -pull * s[2], -GRAVITY - pull * s[3]]

    def ground(t, s):
        return s[1] if t > 0.01 else 1.0

    ground.terminal = True
    for angle, speed in ((20.0, 28.0), (70.0, 33.0)):
        start = [0, 0, speed * math.cos(math.radians(angle)), speed * math.sin(math.radians(angle))]
        alone = solve_ivp(slope, (0, 20), start, events=ground, rtol=1e-10, atol=1e-10).y[0, -1]
        together = landing(np.array([angle, 45.0]), np.array([speed, 30.0]), 0.02)[0]
        assert together == pytest.approx(alone, abs=1e-3)


def test_drag_only_takes_energy():
    _, states = flight(np.array([35.0, 60.0]), np.array([30.0, 30.0]), 0.01)
    energy = 0.5 * (states[:, 2] ** 2 + states[:, 3] ** 2) + GRAVITY * states[:, 1]
    assert (np.diff(energy, axis=0) < 0).all()


def test_the_grid_posterior_agrees_with_weighted_prior_draws():
    throw, metres = Projectile(noise=2.0), 54.0
    grid = throw.posterior(metres)
    x1 = torch.randn(40_000, 2, generator=seeded(), dtype=torch.float64)
    w = (-0.5 * ((throw.distance(x1) - metres) / throw.noise).square()).softmax(0)
    mean = w @ x1
    torch.testing.assert_close(grid.mean, mean, atol=0.06, rtol=0.0)
    torch.testing.assert_close(grid.std, (w @ (x1 - mean).square()).sqrt(), atol=0.06, rtol=0.0)
    far, near = (throw.distance(points) - metres for points in (x1, grid.points))
    expected = (w @ far.square()).sqrt().item()  # how well the posterior explains what was seen
    assert (grid.probabilities @ near.square()).sqrt().item() == pytest.approx(expected, rel=0.05)
    samples = grid.sample(20_000, seeded(1)).double()
    torch.testing.assert_close(samples.mean(0), grid.mean, atol=0.03, rtol=0.0)
    torch.testing.assert_close(samples.std(0), grid.std, atol=0.03, rtol=0.0)
    axis, table = grid.density()
    assert table.shape == (201, 201) and table.sum() == pytest.approx(1.0)
    torch.testing.assert_close((axis[:, None] * table).sum(), grid.mean[0])


def test_a_wide_grid_holds_a_posterior_that_the_usual_one_cuts_off():
    throw = Projectile()
    near, wide, wider = (throw.posterior(72.0, w) for w in (5.0, 10.0, 12.0))
    torch.testing.assert_close(wide.mean, wider.mean, rtol=0, atol=0.02)
    torch.testing.assert_close(wide.std, wider.std, rtol=0.03, atol=0)
    beyond = wider.probabilities[wider.points[:, 1] > 5].sum()
    assert beyond > 0.9 and wider.mean[1] > near.mean[1] + 0.5
    usual = throw.posterior(55.0)  # where the prior expects the distance both grids agree
    torch.testing.assert_close(usual.mean, throw.posterior(55.0, 10.0).mean, rtol=0, atol=0.02)


def test_throws_and_their_conditions():
    throw = Projectile(noise=0.5)
    x1, y = throw.sample(4000, seeded())
    angle, speed = throw.launch(x1)
    assert angle.min() >= 1 and angle.max() <= 89
    assert np.mean(speed) == pytest.approx(30, abs=0.1) and np.std(angle) == pytest.approx(12, abs=0.5)
    left = y[:, 0].double() * 10 + 60 - throw.distance(x1)
    assert left.mean().item() == pytest.approx(0.0, abs=0.05) and left.std().item() == pytest.approx(
        0.5, abs=0.03
    )
