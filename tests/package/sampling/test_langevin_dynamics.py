"""Langevin dynamics, plain and annealed, against what is known exactly."""

import math

import pytest
import torch
from helpers import mixtures, normal, seeded
from hypothesis import given

from fmtutorial import GaussianMixture, VarianceExplodingPath, exact, standard_mixture
from fmtutorial.sampling import annealed_langevin, langevin, langevin_step

MIXTURE = standard_mixture()
S = 0.5


@given(mixtures)
def test_a_step_has_the_right_mean_and_variance(mixture):
    x = normal(1, mixture.dim).expand(20_000, -1)
    h = 0.05
    y = langevin_step(mixture.score, x, h, seeded(1))
    mean = x[0] + h * mixture.score(x[:1])[0]
    assert ((y.mean(0) - mean).abs() < 6 * math.sqrt(2 * h / 20_000)).all()
    torch.testing.assert_close(
        y.var(0), torch.full((mixture.dim,), 2 * h, dtype=torch.float64), rtol=0.06, atol=0
    )


@pytest.mark.parametrize("h", [0.05, 0.5])
def test_the_stationary_variance_of_a_gaussian_is_known(h):
    x = langevin(lambda x: -x, normal(40_000, 1), 150, h, seeded(1))
    assert float(x.var()) == pytest.approx(1 / (1 - h / 2), rel=0.03)


def test_samples_stay_samples():
    x = MIXTURE.sample(20_000, seeded(), dtype=torch.float64)
    y = langevin(MIXTURE.score, x, 50, 0.01, seeded(1))
    torch.testing.assert_close(torch.cov(y.T), MIXTURE.covariance, rtol=0.05, atol=0.08)


def test_annealed_langevin_crosses_where_langevin_cannot():
    distant = GaussianMixture([{"mean": [0.0, 0.0], "std": 1.0}, {"mean": [8.0, 6.0], "std": 0.5}])
    path = VarianceExplodingPath(0.05, 10.0)
    times = torch.linspace(0, 1, 30)
    end = annealed_langevin(
        exact.score_field(distant, path), 10 * normal(1000, 2), path, times, 10, 0.1, seeded(2)
    )
    share = float(((end - torch.tensor([8.0, 6.0])).norm(dim=1) < 3).float().mean())
    assert share == pytest.approx(0.5, abs=0.12)


def test_annealed_steps_are_in_proportion_to_the_variance_of_the_noise():
    # one step on N(0, c), c = S^2 + sigma^2: x + h sigma^2 score + sqrt(2 h sigma^2) z, affine in x
    path = VarianceExplodingPath(0.05, 10.0)
    t = torch.tensor(0.4, dtype=torch.float64)
    h = 0.1
    at_zero = GaussianMixture([{"mean": [0.0], "std": S}])
    x = annealed_langevin(exact.score_field(at_zero, path), normal(100_000, 1), path, [t], 1, h, seeded(1))
    step = h * float(path.sigma(t)) ** 2
    expected = (1 - step / (S**2 + float(path.sigma(t)) ** 2)) ** 2 + 2 * step
    assert float(x.var()) == pytest.approx(expected, rel=0.02)
