"""The paths' functions of time: ends, derivatives, and what their papers say."""

import math

import pytest
import torch
from helpers import normal, times, widths
from hypothesis import given

from fmtutorial import CosinePath, StraightPath, VarianceExplodingPath, VariancePreservingPath

X0 = normal(40, 3, 1)
X1 = normal(40, 3, 2)
DIFFUSION = [
    CosinePath(),
    VariancePreservingPath(),
    VariancePreservingPath(1.0, 1.0),
    VarianceExplodingPath(),
]


@given(widths)
def test_a_path_starts_at_the_noise_and_ends_at_the_data_with_width_sigma_min(sigma_min):
    path = StraightPath(sigma_min)
    torch.testing.assert_close(path.sample(X0, X1, 0.0), X0)
    torch.testing.assert_close(path.sample(X0, X1, 1.0), X1 + sigma_min * X0)


@given(widths, times)
def test_derivatives_of_alpha_and_sigma(sigma_min, t):
    path = StraightPath(sigma_min)
    h = 1e-6
    assert path.alpha_dot(t) == pytest.approx((path.alpha(t + h) - path.alpha(t - h)) / (2 * h))
    assert path.sigma_dot(t) == pytest.approx((path.sigma(t + h) - path.sigma(t - h)) / (2 * h))


def test_a_path_cannot_be_changed():
    with pytest.raises(AttributeError):
        StraightPath(0.1).sigma_min = 0.2


@pytest.mark.parametrize("path", DIFFUSION, ids=repr)
@given(t=times)
def test_derivatives_of_the_diffusion_paths(path, t):
    h = 1e-5
    assert float(path.alpha_dot(t)) == pytest.approx(
        float(path.alpha(t + h) - path.alpha(t - h)) / (2 * h), rel=1e-6, abs=1e-9
    )
    assert float(path.sigma_dot(t)) == pytest.approx(
        float(path.sigma(t + h) - path.sigma(t - h)) / (2 * h), rel=1e-5, abs=1e-9
    )
    half_rate = float(path.sigma(t + h) ** 2 - path.sigma(t - h) ** 2) / (4 * h)
    assert float(path.sigma_sigma_dot(t)) == pytest.approx(half_rate, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("path", [CosinePath(), VariancePreservingPath(), VariancePreservingPath(0.5, 3.0)])
@given(t=times)
def test_variance_is_preserved(path, t):
    assert float(path.alpha(t) ** 2 + path.sigma(t) ** 2) == pytest.approx(1.0, abs=1e-12)


def test_the_ends_of_the_diffusion_paths():
    assert float(VariancePreservingPath().alpha(0.0)) == pytest.approx(math.exp(-5.025))
    assert float(VariancePreservingPath().sigma(1.0)) == 0.0
    assert float(VariancePreservingPath().sigma_dot(1.0)) == -math.inf
    assert float(VariancePreservingPath().sigma_sigma_dot(1.0)) == pytest.approx(-0.05)
    ve = VarianceExplodingPath(0.01, 50.0)
    assert float(ve.sigma(0.0)) == pytest.approx(50.0) and float(ve.sigma(1.0)) == pytest.approx(0.01)
    torch.testing.assert_close(ve.sample(X0, X1, 0.0), X1 + 50.0 * X0)
    torch.testing.assert_close(CosinePath().sample(X0, X1, 0.0), X0)
    torch.testing.assert_close(CosinePath().sample(X0, X1, 1.0), X1, rtol=0, atol=1e-15)


def test_alpha_of_the_variance_preserving_path_is_the_limit_of_ddpm_steps():
    # alpha_bar = product of (1 - beta_j) with beta_j = beta(j / N) / N, as N grows
    path = VariancePreservingPath()
    gaps = []
    for n in (1000, 4000):
        beta = (0.1 + 19.9 * (torch.arange(n, dtype=torch.float64) + 0.5) / n) / n
        alpha = (1 - beta).cumprod(0).sqrt()
        gaps.append(float((alpha - path.alpha(1 - torch.arange(1, n + 1) / n)).abs().max()))
    assert gaps[0] < 3e-3 and 3.5 < gaps[0] / gaps[1] < 4.5


@pytest.mark.parametrize("rho", [1.0, 3.0, 7.0])
def test_equal_steps_of_time_are_karras_noise_levels(rho):
    path = VarianceExplodingPath(0.002, 80.0, rho)
    n = 18
    ramp = torch.linspace(0, 1, n, dtype=torch.float64)
    expected = (80.0 ** (1 / rho) + ramp * (0.002 ** (1 / rho) - 80.0 ** (1 / rho))) ** rho
    torch.testing.assert_close(path.sigma(ramp), expected)


def test_the_loss_of_the_variance_preserving_velocity_has_no_finite_floor():
    # E sigma'^2 x0^2 = int (beta_min / 4) / s ds near the data: every decade of s adds as much
    path = VariancePreservingPath()
    t = 1 - torch.logspace(-8, -1, 701, dtype=torch.float64)
    parts = [
        float(torch.trapezoid(path.sigma_dot(t[i : i + 101]).square(), -t[i : i + 101]))
        for i in (0, 100, 200)
    ]
    assert parts == pytest.approx([0.1 / 4 * math.log(10)] * 3, rel=0.01)
