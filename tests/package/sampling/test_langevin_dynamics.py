"""Denoising score matching and Langevin dynamics against what is known exactly."""

import math

import pytest
import torch
from helpers import mixtures, normal, seeded
from hypothesis import given

from fmtutorial import GaussianMixture, standard_mixture
from fmtutorial.sampling import langevin, langevin_step
from fmtutorial.training import dsm_floor, dsm_loss

MIXTURE = standard_mixture()


def test_dsm_loss_is_the_formula():
    x1, sigma = normal(50, 2), 0.3
    z = torch.randn(50, 2, generator=seeded(4), dtype=torch.float64)
    expected = ((x1 + sigma * z) ** 2 + z / sigma).square().mean()
    torch.testing.assert_close(dsm_loss(lambda x: x**2, x1, sigma, seeded(4)), expected)


@pytest.mark.parametrize("sigma", [0.2, 0.5, 2.0])
def test_the_smoothed_score_reaches_the_floor(sigma):
    floor, error = dsm_floor(MIXTURE, sigma, 200_000, seeded())
    x1 = MIXTURE.sample(200_000, seeded(1), dtype=torch.float64)
    z = normal(200_000, 2, 2)
    terms = (MIXTURE.smoothed(sigma).score(x1 + sigma * z) + z / sigma).square().mean(1)
    assert abs(float(terms.mean()) - floor) < 5 * math.hypot(error, float(terms.std()) / math.sqrt(200_000))


def test_the_floor_of_one_gaussian_is_known():
    # 1/sigma^2 - 1/(s^2 + sigma^2)
    gaussian = GaussianMixture([{"mean": [1.0, 2.0, 3.0], "std": 0.7}])
    floor, error = dsm_floor(gaussian, 0.5, 100_000, seeded())
    assert abs(floor - (1 / 0.25 - 1 / (0.49 + 0.25))) < 5 * error


def test_any_other_score_costs_its_distance_more():
    sigma = 0.5
    wrong = dsm_loss(
        lambda x: MIXTURE.smoothed(sigma).score(x) + 0.3, MIXTURE.sample(400_000, seeded()), sigma, seeded(1)
    )
    assert float(wrong) - dsm_floor(MIXTURE, sigma, 400_000, seeded(2))[0] == pytest.approx(0.09, abs=0.03)


@given(mixtures)
def test_a_step_has_the_right_mean_and_variance(mixture):
    x, h = normal(1, mixture.dim).expand(20_000, -1), 0.05
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
