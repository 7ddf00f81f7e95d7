"""The closed forms against autograd, Monte Carlo and the continuity equation."""

import math

import pytest
import torch
from helpers import mixtures, normal, seeded, times
from hypothesis import given
from torch.func import jacrev, vmap

from fmtutorial import (
    CosinePath,
    GaussianMixture,
    StraightPath,
    VarianceExplodingPath,
    VariancePreservingPath,
    exact,
    standard_mixture,
)

MIXTURE = standard_mixture()
PATHS = [
    StraightPath(0.0),
    StraightPath(1e-4),
    StraightPath(0.3),
    CosinePath(),
    VariancePreservingPath(),
    VarianceExplodingPath(),
    VarianceExplodingPath(0.1, 5.0, 1.0),
]


@pytest.mark.parametrize("path", PATHS, ids=repr)
@given(mixture=mixtures, t=times)
def test_the_marginal_is_the_mixture_scaled_and_blurred(path, mixture, t):
    eye = torch.eye(mixture.dim, dtype=torch.float64)
    pairs = zip(mixture.means, mixture.covariances, strict=True)
    a = float(path.alpha(t))
    b = float(path.sigma(t))
    blurred = [{"mean": a * m, "cov": a**2 * s + b**2 * eye} for m, s in pairs]
    x = 2 * normal(30, mixture.dim)
    expected = GaussianMixture(blurred, mixture.weights)
    torch.testing.assert_close(
        exact.marginal_log_prob(mixture, path, x, t), expected.log_prob(x), rtol=1e-8, atol=1e-8
    )
    torch.testing.assert_close(
        exact.marginal_score(mixture, path, x, t), expected.score(x), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize("path", PATHS, ids=repr)
@given(mixture=mixtures, t=times)
def test_the_continuity_equation_holds(path, mixture, t):
    # d/dt log p + div u + u . grad log p = 0, the divergence by autograd, the time derivative by differences
    x = 2 * normal(20, mixture.dim)
    h = 1e-5

    def log_p(x, t):
        return exact.marginal_log_prob(mixture, path, x, t)

    def u(row):
        return exact.velocity_field(mixture, path)(row.unsqueeze(0), t).squeeze(0)

    rate = (log_p(x, t + h) - log_p(x, t - h)) / (2 * h)
    divergence = vmap(jacrev(u))(x).diagonal(dim1=1, dim2=2).sum(1)
    transport = (
        exact.marginal_velocity(mixture, path, x, t) * exact.marginal_score(mixture, path, x, t)
    ).sum(1)
    scale = 1 + rate.abs() + divergence.abs()
    assert ((rate + divergence + transport).abs() / scale).max() < 1e-4


def test_the_marginal_velocity_is_finite_where_sigma_dot_is_not():
    # at t = 1 on the variance-preserving path: u = (beta / 2)(x + score of the data), whatever sigma' is
    path = VariancePreservingPath()
    x = normal(20, 2)
    expected = 0.5 * path.beta_min * (x + MIXTURE.score(x))
    torch.testing.assert_close(exact.marginal_velocity(MIXTURE, path, x, 1.0), expected)
    near = exact.marginal_velocity(MIXTURE, path, x, 1 - 1e-7)
    torch.testing.assert_close(near, expected, rtol=1e-4, atol=1e-5)


def test_the_continuity_residual_falls_with_h_squared():
    path = StraightPath(1e-4)
    x = 2 * normal(200, 2)
    t = 0.6

    def p(x, t):
        return exact.marginal_log_prob(MIXTURE, path, x, t).exp()

    def flux(y, e, h):
        return p(y, t) * (exact.marginal_velocity(MIXTURE, path, y, t) @ e) / h

    def residual(h):
        total = (p(x, t + h) - p(x, t - h)) / (2 * h)
        for e in h * torch.eye(2, dtype=torch.float64):
            total = total + (flux(x + e, e, h) - flux(x - e, e, h)) / (2 * h)
        return float(total.abs().max())

    coarse = residual(1e-2)
    fine = residual(1e-3)
    assert 90 < coarse / fine < 110


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_the_velocity_is_the_posterior_mean_of_conditional_ones(path):
    # importance sampling over x1 from the data: weights p_t(x | x1)
    x1 = MIXTURE.sample(400_000, seeded(), dtype=torch.float64)
    t = 0.4
    for x in torch.tensor([[0.5, 0.2], [1.5, 1.0], [-1.0, 0.5]], dtype=torch.float64):
        alpha = float(path.alpha(torch.tensor(t).double()))
        sigma = float(path.sigma(torch.tensor(t).double()))
        weights = torch.softmax(-(x - alpha * x1).square().sum(1) / (2 * sigma**2), 0)
        conditional = path.conditional_velocity(x.expand_as(x1), x1, t)
        expected = weights @ conditional
        error = (weights.square() @ (conditional - expected).square()).sqrt()
        value = exact.marginal_velocity(MIXTURE, path, x[None], t)[0]
        assert ((value - expected).abs() < 6 * error + 1e-6).all()


@pytest.mark.parametrize("path", PATHS, ids=repr)
@given(mixture=mixtures, t=times)
def test_velocity_and_score_are_linked(path, mixture, t):
    # u = (alpha'/alpha) x + (sigma^2 alpha'/alpha - sigma sigma') score, for every affine Gaussian path
    x = 2 * normal(20, mixture.dim)
    score = exact.marginal_score(mixture, path, x, t)
    sigma = path.sigma(t)
    rate = path.alpha_dot(t) / path.alpha(t)
    expected = rate * x + (sigma**2 * rate - sigma * path.sigma_dot(t)) * score
    torch.testing.assert_close(exact.marginal_velocity(mixture, path, x, t), expected, rtol=1e-7, atol=1e-7)


def test_the_gradients_of_cfm_and_fm_agree_in_the_limit():
    path = StraightPath(0.1)
    theta = torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)

    def gap(n, seed):
        x1 = MIXTURE.sample(n, seeded(seed), dtype=torch.float64)
        x0 = normal(n, 2, seed + 1)
        t = torch.rand(n, 1, generator=seeded(seed + 2), dtype=torch.float64)
        x_t = path.sample(x0, x1, t)
        v = theta[0] * x_t + theta[1] * t
        targets = path.velocity(x0, x1, t), exact.marginal_velocity(MIXTURE, path, x_t, t)
        grads = [torch.autograd.grad((v - u).square().mean(), theta, retain_graph=True)[0] for u in targets]
        return float((grads[0] - grads[1]).square().sum())

    small, large = (sum(gap(n, 10 * s) for s in range(40)) / 40 for n in (500, 8000))
    assert 4 / 1.6 < math.sqrt(small / large) < 4 * 1.6  # 1/sqrt(N): sixteen times the samples, a quarter
