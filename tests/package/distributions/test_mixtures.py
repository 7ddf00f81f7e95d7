"""Mixtures against scipy, autograd, quadrature and Monte Carlo."""

import math

import numpy as np
import pytest
import torch
from helpers import mixtures, normal, random_mixture, seeded
from hypothesis import given
from scipy.stats import multivariate_normal

from fmtutorial import GaussianMixture, standard_mixture
from fmtutorial.distributions import eight_gaussians
from fmtutorial.plotting import grid


@given(mixtures)
def test_log_prob_agrees_with_scipy(mixture):
    x = 3 * normal(50, mixture.dim)
    components = zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
    density = sum(
        float(w) * multivariate_normal(m.numpy(), c.numpy()).pdf(x.numpy()) for w, m, c in components
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


def test_eight_gaussians_stand_on_a_circle_an_eighth_of_a_turn_apart():
    mixture = eight_gaussians()
    diagonal = 4 / math.sqrt(2)
    expected = [[4.0, 0.0], [diagonal, diagonal], [0.0, 4.0], [-diagonal, diagonal]]
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(mixture.means, torch.cat([expected, -expected]))
    assert mixture.weights.tolist() == [1 / 8] * 8
    torch.testing.assert_close(mixture.variances, torch.full((8, 2), 0.09, dtype=torch.float64))
    torch.testing.assert_close(eight_gaussians(2.0, 0.1).means, mixture.means / 2)
    torch.testing.assert_close(eight_gaussians(2.0, 0.1).variances, mixture.variances / 9)


def test_a_diagonal_mixture_knows_that_it_is_one():
    assert standard_mixture().is_diagonal
    assert GaussianMixture([{"mean": [0.0, 0.0], "cov": [[1.0, 0.0], [0.0, 2.0]]}]).is_diagonal
    assert not GaussianMixture([{"mean": [0.0, 0.0], "cov": [[1.0, 1e-3], [1e-3, 2.0]]}]).is_diagonal
    assert not random_mixture(0, 2, 3).is_diagonal


def test_a_weight_of_zero_is_never_drawn():
    mixture = GaussianMixture([{"mean": [0.0], "std": 0.1}, {"mean": [10.0], "std": 0.1}], [1.0, 0.0])
    assert mixture.sample(10_000, seeded()).max() < 5
    x = normal(5, 1)
    alone = GaussianMixture([{"mean": [0.0], "std": 0.1}])
    torch.testing.assert_close(mixture.log_prob(x), alone.log_prob(x))
    torch.testing.assert_close(mixture.score(x), alone.score(x))
