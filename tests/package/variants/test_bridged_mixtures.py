"""Bridges between mixtures: against the closed forms of paths, the continuity equation, and samples."""

import math

import pytest
import torch
from helpers import normal, random_mixture, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial import GaussianMixture, StraightPath, exact, standard_mixture
from fmtutorial.variants import (
    Bridge,
    bridge_fields,
    bridge_log_prob,
    bridge_score,
    bridge_velocity,
)

NOISE = GaussianMixture([{"mean": [0.0, 0.0], "std": 1.0}])
LEFT = random_mixture(1, 2, 2)
RIGHT = random_mixture(2, 2, 3)
EYE = torch.eye(2, dtype=torch.float64)
TIMES = [0.1, 0.5, 0.9]


def column(n: int, seed: int = 5) -> torch.Tensor:
    return torch.rand(n, 1, generator=seeded(seed), dtype=torch.float64)


def test_from_noise_without_noise_on_the_way_it_is_the_straight_path():
    mixture, x, t = standard_mixture(), 2 * normal(100, 2), column(100)
    for ours, theirs in (
        (bridge_velocity, exact.marginal_velocity),
        (bridge_score, exact.marginal_score),
        (bridge_log_prob, exact.marginal_log_prob),
    ):
        expected = theirs(mixture, StraightPath(0.0), x, t)
        torch.testing.assert_close(ours(NOISE, mixture, Bridge(0.0), x, t), expected, rtol=1e-9, atol=1e-9)


@given(s=st.floats(0.0, 3.0), t=st.floats(0.0, 1.0), seed=st.integers(0, 100))
def test_two_gaussians_by_hand(s, t, seed):
    # x_t is N(mean, C); dx_t/dt and x_t are jointly Gaussian
    one, two = random_mixture(seed, 2, 1), random_mixture(seed + 1, 2, 1)
    a, b, cov_a, cov_b = one.means[0], two.means[0], one.covariances[0], two.covariances[0]
    x = normal(5, 2)
    c = (1 - t) ** 2 * cov_a + t**2 * cov_b + s**2 * t * (1 - t) * EYE
    both = t * cov_b - (1 - t) * cov_a + s**2 * (0.5 - t) * EYE
    residual = x - (1 - t) * a - t * b
    expected = b - a + residual @ torch.linalg.inv(c) @ both.T
    normal_density = torch.distributions.MultivariateNormal((1 - t) * a + t * b, c)
    torch.testing.assert_close(bridge_velocity(one, two, Bridge(s), x, t), expected, rtol=1e-7, atol=1e-8)
    torch.testing.assert_close(bridge_log_prob(one, two, Bridge(s), x, t), normal_density.log_prob(x))
    torch.testing.assert_close(bridge_score(one, two, Bridge(s), x, t), -residual @ torch.linalg.inv(c))


@pytest.mark.parametrize("t", TIMES)
@pytest.mark.parametrize("s", [0.0, 1.0])
def test_the_continuity_equation_holds(s, t):
    x, step = 1.5 * normal(100, 2), 1e-5
    later, earlier = (bridge_log_prob(LEFT, RIGHT, Bridge(s), x, u) for u in (t + step, t - step))
    rate = (later - earlier) / (2 * step)
    velocity, score = bridge_fields(LEFT, RIGHT, Bridge(s))
    jacobian = torch.func.vmap(torch.func.jacrev(lambda row: velocity(row[None], t)[0]))(x)
    divergence = jacobian.diagonal(dim1=1, dim2=2).sum(1)
    residual = rate + divergence + (velocity(x, t) * score(x, t)).sum(1)
    assert residual.abs().max() < 1e-5 * max(1, float(rate.abs().max()))


@pytest.mark.parametrize("t", TIMES)
def test_the_score_is_the_gradient_of_the_log_density(t):
    x = normal(50, 2).requires_grad_()
    (gradient,) = torch.autograd.grad(bridge_log_prob(LEFT, RIGHT, Bridge(0.7), x, t).sum(), x)
    torch.testing.assert_close(bridge_score(LEFT, RIGHT, Bridge(0.7), x.detach(), t), gradient)


@pytest.mark.parametrize("t", TIMES)
def test_velocity_and_score_are_means_of_the_samples_given_their_place(t):
    # what is left after the mean given x_t is orthogonal to every function of x_t
    n, bridge, generator = 100_000, Bridge(1.0), seeded(3)
    x0, x1 = LEFT.sample(n, generator, dtype=torch.float64), RIGHT.sample(n, generator, dtype=torch.float64)
    x_t, z = bridge.point_and_noise(x0, x1, t, generator)
    gamma = math.sqrt(bridge.variance(t))
    residuals = {
        "velocity": bridge.velocity(x0, x1, z, t) - bridge_velocity(LEFT, RIGHT, bridge, x_t, t),
        "score": -z / gamma - bridge_score(LEFT, RIGHT, bridge, x_t, t),
    }
    for name, residual in residuals.items():
        for feature in (torch.ones_like(x_t), x_t, torch.sin(2 * x_t)):
            product = residual * feature
            assert (product.mean(0).abs() < 4.5 * product.std(0) / math.sqrt(n)).all(), name


def test_a_column_of_times_is_as_many_numbers():
    x, t = normal(6, 2), column(6)
    for function in (bridge_velocity, bridge_score, bridge_log_prob):
        alone = [function(LEFT, RIGHT, Bridge(0.5), x[i : i + 1], float(t[i])) for i in range(6)]
        torch.testing.assert_close(function(LEFT, RIGHT, Bridge(0.5), x, t), torch.cat(alone))


def test_the_ends_are_the_mixtures():
    x = normal(50, 2)
    for t, mixture in ((0.0, LEFT), (1.0, RIGHT)):
        torch.testing.assert_close(bridge_log_prob(LEFT, RIGHT, Bridge(2.0), x, t), mixture.log_prob(x))
