"""Denoising score matching: its formula, its floor, and what a wrong score costs."""

import math

import pytest
import torch
from helpers import normal, seeded

from fmtutorial import GaussianMixture, standard_mixture
from fmtutorial.exact import dsm_floor
from fmtutorial.training import dsm_loss

MIXTURE = standard_mixture()


def test_dsm_loss_is_the_formula():
    x1 = normal(50, 2)
    sigma = 0.3
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
