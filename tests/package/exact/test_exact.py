"""The closed forms against autograd, Monte Carlo, quadrature and the continuity equation."""

import math

import pytest
import torch
from helpers import mixtures, normal, random_mixture, seeded, times
from hypothesis import given
from torch.func import jacrev, vmap

from fmtutorial import (
    CosinePath,
    EmpiricalDistribution,
    GaussianMixture,
    StraightPath,
    VarianceExplodingPath,
    VariancePreservingPath,
    cfm_loss,
    exact,
    standard_mixture,
)
from fmtutorial.exact import marginal
from fmtutorial.metrics import excess_loss

MIXTURE = standard_mixture()


PATHS = [StraightPath(0.0), StraightPath(1e-4), StraightPath(0.3)]
PATHS += [
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
    a, b = float(path.alpha(t)), float(path.sigma(t))
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
    x, h = 2 * normal(20, mixture.dim), 1e-5

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
    path, x = VariancePreservingPath(), normal(20, 2)
    expected = 0.5 * path.beta_min * (x + MIXTURE.score(x))
    torch.testing.assert_close(exact.marginal_velocity(MIXTURE, path, x, 1.0), expected)
    near = exact.marginal_velocity(MIXTURE, path, x, 1 - 1e-7)
    torch.testing.assert_close(near, expected, rtol=1e-4, atol=1e-5)


def test_the_continuity_residual_falls_with_h_squared():
    path, x, t = StraightPath(1e-4), 2 * normal(200, 2), 0.6

    def p(x, t):
        return exact.marginal_log_prob(MIXTURE, path, x, t).exp()

    def flux(y, e, h):
        return p(y, t) * (exact.marginal_velocity(MIXTURE, path, y, t) @ e) / h

    def residual(h):
        total = (p(x, t + h) - p(x, t - h)) / (2 * h)
        for e in h * torch.eye(2, dtype=torch.float64):
            total = total + (flux(x + e, e, h) - flux(x - e, e, h)) / (2 * h)
        return float(total.abs().max())

    coarse, fine = residual(1e-2), residual(1e-3)
    assert 90 < coarse / fine < 110


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_the_velocity_is_the_posterior_mean_of_conditional_ones(path):
    # importance sampling over x1 from the data: weights p_t(x | x1)
    x1, t = MIXTURE.sample(400_000, seeded(), dtype=torch.float64), 0.4
    for x in torch.tensor([[0.5, 0.2], [1.5, 1.0], [-1.0, 0.5]], dtype=torch.float64):
        alpha, sigma = (
            float(path.alpha(torch.tensor(t).double())),
            float(path.sigma(torch.tensor(t).double())),
        )
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
    sigma, rate = path.sigma(t), path.alpha_dot(t) / path.alpha(t)
    expected = rate * x + (sigma**2 * rate - sigma * path.sigma_dot(t)) * score
    torch.testing.assert_close(exact.marginal_velocity(mixture, path, x, t), expected, rtol=1e-7, atol=1e-7)


def quadrature_floor(sigma_min: float) -> float:
    """E Var(u_t | x_t) per element, by sums over grids in t and x, from formulas written here anew."""
    s2, means = torch.tensor([1.0, 0.25]).double(), torch.tensor([[0.0, 0.0], [3.0, 2.0]]).double()
    nodes = torch.linspace(-6.5, 8.5, 260, dtype=torch.float64)
    x = torch.stack(torch.meshgrid(nodes, nodes, indexing="xy"), -1).reshape(-1, 2)
    cell, total, n_times, b = float(nodes[1] - nodes[0]) ** 2, 0.0, 40, 1 - sigma_min
    points, gauss = torch.tensor(legendre(n_times)).double()
    for t, weight in zip((points + 1) / 2, gauss / 2, strict=True):
        sigma = 1 - b * t
        c = sigma**2 + t**2 * s2
        difference = x[:, None] - t * means
        joint = 0.5 * torch.exp(-difference.square().sum(-1) / (2 * c)) / (2 * math.pi * c)
        r = joint / joint.sum(1, keepdim=True).clamp(min=1e-300)
        mean_k = means + ((t * s2 - b * sigma) / c)[:, None] * difference
        var_k = (s2 + b**2) - (t * s2 - b * sigma) ** 2 / c  # of each element of u, given x and k
        mean = (r[..., None] * mean_k).sum(1)
        variance = (r * (var_k + (mean_k - mean[:, None]).square().mean(-1))).sum(1)
        total += float(weight * (joint.sum(1) * variance).sum() * cell)
    return total


def legendre(n: int):
    from scipy.special import roots_legendre

    return [list(v) for v in roots_legendre(n)]


@pytest.mark.parametrize(
    "sigma_min, known", [(1e-4, 2.023572), (0.01, 2.013673), (0.1, 1.924442), (0.3, 1.741478)]
)
def test_the_floor_agrees_with_quadrature(sigma_min, known):
    by_quadrature = quadrature_floor(sigma_min)
    assert by_quadrature == pytest.approx(known, abs=2e-4)
    value, error = exact.loss_floor(MIXTURE, StraightPath(sigma_min), 300_000, seeded())
    assert error < 0.006
    assert abs(value - by_quadrature) < 4 * error


def test_the_exact_velocity_has_the_floor_as_its_loss():
    path = StraightPath(1e-4)
    u = exact.velocity_field(MIXTURE, path)
    losses = torch.stack(
        [cfm_loss(u, MIXTURE.sample(10_000, seeded(s)), path, seeded(99 + s)) for s in range(20)]
    )
    assert abs(float(losses.mean()) - 2.023572) < 4 * float(losses.std()) / math.sqrt(20)


def test_loss_is_excess_plus_floor():
    path = StraightPath(0.1)

    def model(x, t):
        return 0.3 * x + 1 - t

    losses = torch.stack(
        [cfm_loss(model, MIXTURE.sample(10_000, seeded(s)), path, seeded(50 + s)) for s in range(30)]
    )
    excess = excess_loss(model, MIXTURE, path, 200_000, seeded(7))
    error = float(losses.std()) / math.sqrt(30)
    assert abs(float(losses.mean()) - excess - 1.924442) < 5 * error


def test_the_gradients_of_cfm_and_fm_agree_in_the_limit():
    path, theta = StraightPath(0.1), torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)

    def gap(n, seed):
        x1, x0 = MIXTURE.sample(n, seeded(seed), dtype=torch.float64), normal(n, 2, seed + 1)
        t = torch.rand(n, 1, generator=seeded(seed + 2), dtype=torch.float64)
        x_t = path.sample(x0, x1, t)
        v = theta[0] * x_t + theta[1] * t
        targets = path.velocity(x0, x1, t), exact.marginal_velocity(MIXTURE, path, x_t, t)
        grads = [torch.autograd.grad((v - u).square().mean(), theta, retain_graph=True)[0] for u in targets]
        return float((grads[0] - grads[1]).square().sum())

    small, large = (sum(gap(n, 10 * s) for s in range(40)) / 40 for n in (500, 8000))
    assert 4 / 1.6 < math.sqrt(small / large) < 4 * 1.6  # 1/sqrt(N): sixteen times the samples, a quarter


def test_a_finite_data_set_is_the_limit_of_narrow_components():
    points, path = normal(6, 2), StraightPath(0.1)
    narrow = GaussianMixture([{"mean": p, "std": 1e-6} for p in points])
    data, x = EmpiricalDistribution(points), normal(50, 2, 3)
    for t in (0.0, 0.5, 0.9, 1.0):
        for f in (exact.marginal_log_prob, exact.marginal_score, exact.marginal_velocity):
            torch.testing.assert_close(f(data, path, x, t), f(narrow, path, x, t), rtol=1e-5, atol=1e-5)


def test_chunks_change_nothing(monkeypatch):
    mixture, path, x = random_mixture(1, 3, 4), StraightPath(0.1), normal(101, 3)
    t = torch.rand(101, generator=seeded(), dtype=torch.float64)
    functions = (exact.marginal_log_prob, exact.marginal_score, exact.marginal_velocity)
    whole = [f(mixture, path, x, t) for f in functions] + [f(mixture, path, x, 0.4) for f in functions]
    monkeypatch.setattr(marginal, "MAX_ELEMENTS", 100)
    parts = [f(mixture, path, x, t) for f in functions] + [f(mixture, path, x, 0.4) for f in functions]
    for a, b in zip(whole, parts, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("f", [exact.marginal_log_prob, exact.marginal_score, exact.marginal_velocity])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_times_of_every_shape_and_dtypes_are_kept(f, dtype):
    x, path = normal(9, 2).to(dtype), StraightPath(0.1)
    expected = f(MIXTURE, path, x, 0.3)
    assert expected.dtype == dtype
    for t in (
        torch.tensor(0.3, dtype=dtype),
        torch.full((9,), 0.3, dtype=dtype),
        torch.full((9, 1), 0.3, dtype=dtype),
    ):
        torch.testing.assert_close(f(MIXTURE, path, x, t), expected, rtol=1e-5, atol=1e-5)


def test_fields_are_the_functions_bound():
    x, path = normal(9, 2), StraightPath(0.1)
    torch.testing.assert_close(
        exact.velocity_field(MIXTURE, path)(x, 0.3), exact.marginal_velocity(MIXTURE, path, x, 0.3)
    )
    torch.testing.assert_close(
        exact.score_field(MIXTURE, path)(x, 0.3), exact.marginal_score(MIXTURE, path, x, 0.3)
    )


def test_single_precision_stays_finite_far_from_the_data():
    data, x = EmpiricalDistribution(normal(50, 2).float()), 30 * normal(50, 2).float()
    for t in (0.0, 0.5, 0.999, 1.0):
        assert torch.isfinite(exact.marginal_velocity(data, StraightPath(1e-3), x, t)).all()


@pytest.mark.parametrize("sigma_min, tolerance", [(0.1, 1e-6), (1e-3, 1e-5), (1e-4, 1e-3)])
@pytest.mark.parametrize("shift", [0.0, 10.0])
def test_finite_data_is_accurate_where_the_kernels_are_narrow(sigma_min, tolerance, shift):
    # against differences in double precision, written out
    points, path, t = normal(40, 3) + shift, StraightPath(sigma_min), 1.0
    x = points[:20] + sigma_min * normal(20, 3, 5)
    square = (x[:, None] - t * points).square().sum(-1)
    r = torch.softmax(-square / (2 * sigma_min**2), 1)
    conditional = points - (1 - sigma_min) / sigma_min * (x[:, None] - t * points)
    expected = torch.einsum("nk,nki->ni", r, conditional)
    data = EmpiricalDistribution(points)
    torch.testing.assert_close(
        exact.marginal_velocity(data, path, x, t), expected, rtol=tolerance, atol=tolerance
    )
    log_p = (
        torch.logsumexp(-square / (2 * sigma_min**2), 1)
        - math.log(40)
        - 1.5 * math.log(2 * math.pi * sigma_min**2)
    )
    torch.testing.assert_close(
        exact.marginal_log_prob(data, path, x, t), log_p, rtol=tolerance, atol=tolerance
    )


def test_memory_stays_bounded(monkeypatch):
    # ten thousand data points in 64 dimensions: no tensor larger than the data and the chunks
    largest = []
    softmax = torch.softmax
    monkeypatch.setattr(torch, "softmax", lambda x, dim: largest.append(x.numel()) or softmax(x, dim=dim))
    data, x = EmpiricalDistribution(normal(10_000, 64).float()), normal(300, 64).float()
    assert exact.marginal_velocity(data, StraightPath(0.1), x, 0.5).shape == (300, 64)
    assert len(largest) > 1 and max(largest) <= marginal.MAX_ELEMENTS
