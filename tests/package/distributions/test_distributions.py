"""Mixtures against scipy, autograd, quadrature and Monte Carlo."""

import numpy as np
import pytest
import torch
from helpers import mixtures, normal, random_mixture, seeded
from hypothesis import given
from scipy.stats import multivariate_normal

from fmtutorial import EmpiricalDistribution, GaussianMixture, standard_mixture
from fmtutorial.distributions import Checkerboard, Moons, Spiral, eight_gaussians
from fmtutorial.plotting import grid


@given(mixtures)
def test_log_prob_agrees_with_scipy(mixture):
    x = 3 * normal(50, mixture.dim)
    density = sum(
        float(w) * multivariate_normal(m.numpy(), c.numpy()).pdf(x.numpy())
        for w, m, c in zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
    )
    np.testing.assert_allclose(mixture.log_prob(x).numpy(), np.log(density), rtol=1e-9, atol=1e-9)


@given(mixtures)
def test_score_is_the_gradient_of_log_prob(mixture):
    x = (3 * normal(30, mixture.dim)).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    torch.testing.assert_close(mixture.score(x), gradient, rtol=1e-8, atol=1e-8)


def test_density_integrates_to_one():
    X, Y, points = grid((-7.0, 9.0, -7.0, 8.0), 400)
    cell = (X[0, 1] - X[0, 0]) * (Y[1, 0] - Y[0, 0])
    mass = standard_mixture().log_prob(points.double()).exp().sum() * cell
    assert abs(float(mass) - 1) < 1e-4


@given(mixtures)
def test_moments_of_samples_are_those_of_the_formulas(mixture):
    x = mixture.sample(40_000, seeded(1), dtype=torch.float64)
    spread = mixture.covariance.diagonal().sqrt()
    assert ((x.mean(0) - mixture.mean).abs() < 6 * spread / 200).all()
    scale = float(mixture.covariance.abs().max())
    torch.testing.assert_close(
        torch.cov(x.T).reshape(mixture.covariance.shape), mixture.covariance, rtol=0, atol=0.1 * scale
    )


def test_weights_decide_how_often_a_component_is_drawn():
    mixture = GaussianMixture([{"mean": [0.0], "std": 0.1}, {"mean": [10.0], "std": 0.1}], [0.2, 0.8])
    share = (mixture.sample(100_000, seeded()) > 5).double().mean()
    assert abs(float(share) - 0.8) < 0.006


def test_stratified_counts_are_exact():
    parameters = [{"mean": [float(10 * k)], "std": 0.01} for k in range(3)]
    x = GaussianMixture(parameters, [0.5, 0.3, 0.2]).sample(101, seeded(), stratified=True)
    counts = [int(((x - 10 * k).abs() < 1).sum()) for k in range(3)]
    assert sum(counts) == 101
    assert all(abs(c - 101 * w) < 1 for c, w in zip(counts, (0.5, 0.3, 0.2), strict=True))


def test_many_components_are_sampled_by_the_same_law():
    many = random_mixture(3, 2, 80)
    x = many.sample(50_000, seeded(2), dtype=torch.float64)
    torch.testing.assert_close(torch.cov(x.T), many.covariance, rtol=0.05, atol=0.1)


def test_smoothing_adds_the_noise_variance():
    mixture = standard_mixture()
    noisy = mixture.sample(100_000, seeded(), dtype=torch.float64) + 0.7 * normal(100_000, 2, 5)
    torch.testing.assert_close(torch.cov(noisy.T), mixture.smoothed(0.7).covariance, rtol=0.02, atol=0.02)


def test_std_and_cov_say_the_same():
    x = normal(20, 2)
    by_std = GaussianMixture([{"mean": [1.0, 2.0], "std": [0.5, 2.0]}])
    by_cov = GaussianMixture([{"mean": [1.0, 2.0], "cov": [[0.25, 0.0], [0.0, 4.0]]}])
    torch.testing.assert_close(by_std.log_prob(x), by_cov.log_prob(x))


def test_the_standard_mixture_is_the_documented_one():
    mixture = standard_mixture()
    torch.testing.assert_close(mixture.means, torch.tensor([[0.0, 0.0], [3.0, 2.0]], dtype=torch.float64))
    torch.testing.assert_close(
        mixture.variances, torch.tensor([[1.0, 1.0], [0.25, 0.25]], dtype=torch.float64)
    )
    assert mixture.weights.tolist() == [0.5, 0.5]
    assert float(mixture.covariance.trace()) == pytest.approx(4.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_is_kept(dtype):
    mixture = standard_mixture()
    x = mixture.sample(5, seeded(), dtype=dtype)
    assert x.dtype == mixture.log_prob(x).dtype == mixture.score(x).dtype == dtype


DATA_SETS = [
    standard_mixture(),
    eight_gaussians(),
    Moons(),
    Checkerboard(),
    Spiral(),
    EmpiricalDistribution(torch.eye(2)),
]


@pytest.mark.parametrize("data", DATA_SETS, ids=repr)
def test_a_generator_makes_samples_reproducible_and_leaves_the_global_state(data):
    state = torch.get_rng_state()
    a, b = data.sample(100, seeded(1)), data.sample(100, seeded(1))
    assert a.shape == (100, 2)
    assert torch.equal(a, b)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(a, data.sample(100, seeded(2)))


def test_moons_lie_on_two_half_circles():
    x = Moons(noise=0.0).sample(1000, seeded())
    upper, lower = (x.norm(dim=1) - 1).abs(), ((x - torch.tensor([1.0, 0.5])).norm(dim=1) - 1).abs()
    assert (torch.minimum(upper, lower) < 1e-5).all()


def test_checkerboard_uses_every_dark_square_and_no_other():
    square = (Checkerboard(side=1.0).sample(20_000, seeded()) + 2).floor().long()
    assert ((square.sum(1) % 2) == 0).all()
    counts = torch.bincount(4 * square[:, 0] + square[:, 1], minlength=16)
    assert sorted((counts > 0).tolist()).count(True) == 8
    assert counts[counts > 0].min() > 2200


def test_spiral_radius_is_angle_over_two_pi():
    x = Spiral(turns=2.0, noise=0.0).sample(1000, seeded())
    angle = torch.atan2(x[:, 1], x[:, 0]) / (2 * torch.pi)
    turns = x.norm(dim=1) - angle
    torch.testing.assert_close(turns, turns.round(), atol=1e-4, rtol=0)


def test_empirical_samples_are_its_points():
    points = normal(7, 3)
    x = EmpiricalDistribution(points).sample(200, seeded())
    assert ((x[:, None] == points).all(-1).sum(1) == 1).all()
    assert len(x.unique(dim=0)) == 7
