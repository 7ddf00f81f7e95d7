"""The rod: heat by other means, and the moments of its prior and its readings."""

import math

import pytest
import torch
from helpers import normal, seeded

from fmtutorial import StraightPath, integrate_flow
from fmtutorial.problems import HeatRod, heat_matrix, linear_posterior

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
    assert x1.shape == (100_000, 32)
    assert y.shape == (100_000, 3)
    assert y.dtype == torch.float32
    residual = y.double() - x1.double() @ ROD.matrix.T
    covariance = residual.T @ residual / len(residual)
    torch.testing.assert_close(covariance, 0.01 * torch.eye(3, dtype=torch.float64), atol=2e-4, rtol=0.03)
    torch.testing.assert_close(x1.mean(0).double(), ROD.prior.mean, atol=0.02, rtol=0.0)


def test_the_velocity_is_the_denoiser_with_more_sensors():
    path = StraightPath(0.1)
    _, y = ROD.sample(6, seeded())
    x = normal(6, 32, 3)
    t = 0.6
    sigma = path.sigma(t)
    matrix = torch.cat([ROD.matrix / ROD.noise, t / sigma * torch.eye(32, dtype=torch.float64)])
    x1 = linear_posterior(ROD.prior, matrix, 1.0, torch.cat([y.double() / ROD.noise, x / sigma], 1)).mean
    expected = x1 + path.sigma_dot(t) * (x - t * x1) / sigma
    torch.testing.assert_close(ROD.posterior(y).velocity(path, x, t), expected, rtol=1e-6, atol=1e-6)


def test_the_flow_of_the_exact_velocity_has_the_posteriors_mean_and_std():
    y = ROD.matrix.new_tensor([[0.55, 0.58, 0.62]])
    v = ROD.velocity_field(StraightPath())
    x0 = normal(4000, 32)
    end = integrate_flow(v, x0, n_steps=8, method="midpoint", condition=y.expand(4000, 3))[0][-1]
    posterior = ROD.posterior(y)
    assert ((end.mean(0) - posterior.mean[0]) / posterior.std[0]).abs().max() < 0.08
    assert (end.std(0) / posterior.std[0] - 1).abs().max() < 0.08


def test_the_prior_is_a_hot_spot_left_or_right():
    assert ROD.prior.weights.tolist() == [0.5, 0.5]
    assert ROD.x.tolist() == pytest.approx([(i + 0.5) / 32 for i in range(32)])
    for mean, centre in zip(ROD.prior.means, (0.25, 0.75), strict=True):
        # a Gaussian of height 2 and width 0.12: its sum is its integral, its moments those of the bell
        mass = float(mean.sum()) / 32
        assert mass == pytest.approx(2 * 0.12 * math.sqrt(2 * math.pi), rel=0.03)
        assert float(mean @ ROD.x / mean.sum()) == pytest.approx(centre, abs=0.01)
        height = float(mean.max())
        assert height == pytest.approx(2 * math.exp(-0.5 * (1 / 64 / 0.12) ** 2))  # half a cell from the top


def test_the_prior_varies_smoothly_around_its_hot_spot():
    for k, (cov, mean) in enumerate(zip(ROD.prior.covariances, ROD.prior.means, strict=True)):
        spot = mean / 2
        rest = cov - 0.2**2 * spot[:, None] * spot  # without the height's own variation
        variance = 0.25**2 + 0.05**2
        torch.testing.assert_close(rest.diagonal(), torch.full((32,), variance, dtype=torch.float64))
        # the correlation of cells a distance apart is exp(-(distance / 0.15)^2 / 2)
        for cells in (1, 5, 12):
            distance = cells / 32
            expected = 0.25**2 * math.exp(-0.5 * (distance / 0.15) ** 2)
            assert rest.diagonal(cells).tolist() == pytest.approx([expected] * (32 - cells)), k


def test_the_usual_rod_has_three_sensors_near_its_middle():
    assert ROD.sensors == (0.46, 0.5, 0.54)
    assert ROD.time == 0.02
    assert ROD.noise == 0.1
    torch.testing.assert_close(ROD.matrix, heat_matrix([0.46, 0.5, 0.54], ROD.x, 0.02))


def test_readings_are_the_matrix_times_the_temperatures_and_noise():
    x1 = torch.ones(50_000, 32)  # a rod of one temperature keeps it
    y = ROD.observe(x1, seeded())
    torch.testing.assert_close(y.mean(0), torch.ones(3), atol=0.003, rtol=0.0)
    torch.testing.assert_close(y.std(0), torch.full((3,), 0.1), atol=0.002, rtol=0.0)
