"""The floors of the losses: against quadrature, and against the losses of the exact answers."""

import math

import pytest
import torch
from helpers import normal, seeded
from scipy.special import roots_legendre

from fmtutorial import CosinePath, GaussianMixture, StraightPath, cfm_loss, exact, standard_mixture
from fmtutorial.metrics import excess_loss

MIXTURE = standard_mixture()


def quadrature_floor(sigma_min: float) -> float:
    """E Var(u_t | x_t) per element, by sums over grids in t and x, from formulas written here anew."""
    s2 = torch.tensor([1.0, 0.25]).double()
    means = torch.tensor([[0.0, 0.0], [3.0, 2.0]]).double()
    nodes = torch.linspace(-6.5, 8.5, 260, dtype=torch.float64)
    x = torch.stack(torch.meshgrid(nodes, nodes, indexing="xy"), -1).reshape(-1, 2)
    cell = float(nodes[1] - nodes[0]) ** 2
    total = 0.0
    n_times = 40
    b = 1 - sigma_min
    points, gauss = roots_legendre(n_times)  # on [-1, 1]
    for t, weight in zip(torch.tensor((points + 1) / 2), torch.tensor(gauss / 2), strict=True):
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


def test_at_one_time_the_floor_is_that_of_a_gaussian_in_closed_form():
    # one Gaussian N(m, s^2 I): Var(u_t | x_t) = (alpha' sigma - alpha sigma')^2 s^2 / (sigma^2 + alpha^2 s^2)
    gaussian = GaussianMixture([{"mean": [1.0, -2.0], "std": 0.5}])
    path = CosinePath()
    for t in (0.1, 0.5, 0.9):
        alpha, sigma = float(path.alpha(t)), float(path.sigma(t))
        w = float(path.alpha_dot(t)) * sigma - alpha * float(path.sigma_dot(t))
        expected = w**2 * 0.25 / (sigma**2 + 0.25 * alpha**2)
        value, error = exact.loss_floor(gaussian, path, 200_000, seeded(), t=t)
        assert error < 0.01 * expected
        assert abs(value - expected) < 4 * error


def test_the_dsm_floor_of_a_gaussian_is_its_closed_form():
    # score -(x - m) / (s^2 + sigma^2), so the floor is 1 / sigma^2 - 1 / (s^2 + sigma^2)
    gaussian = GaussianMixture([{"mean": [1.0, -2.0], "std": 0.5}])
    for sigma in (0.3, 1.0):
        expected = 1 / sigma**2 - 1 / (0.25 + sigma**2)
        value, error = exact.dsm_floor(gaussian, sigma, 200_000, seeded())
        assert error == pytest.approx(1 / (0.25 + sigma**2) / math.sqrt(200_000), rel=0.05)
        assert abs(value - expected) < 4 * error


def test_the_dsm_floor_is_the_loss_of_the_smoothed_score():
    sigma = 0.4
    x1 = MIXTURE.sample(200_000, seeded(1), dtype=torch.float64)
    z = normal(200_000, 2, 2)
    losses = (MIXTURE.smoothed(sigma).score(x1 + sigma * z) + z / sigma).square().mean(1)
    value, error = exact.dsm_floor(MIXTURE, sigma, 200_000, seeded(3))
    error_of_both = math.hypot(error, float(losses.std()) / math.sqrt(200_000))
    assert abs(float(losses.mean()) - value) < 4 * error_of_both
