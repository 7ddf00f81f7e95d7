"""Conditional paths: end points, derivatives and consistency."""

import math

import pytest
import torch
from helpers import normal, times, widths
from hypothesis import given

from fmtutorial import CosinePath, StraightPath, VarianceExplodingPath, VariancePreservingPath

X0, X1 = normal(40, 3, 1), normal(40, 3, 2)


@given(widths)
def test_a_path_starts_at_the_noise_and_ends_at_the_data_with_width_sigma_min(sigma_min):
    path = StraightPath(sigma_min)
    torch.testing.assert_close(path.sample(X0, X1, 0.0), X0)
    torch.testing.assert_close(path.sample(X0, X1, 1.0), X1 + sigma_min * X0)


@given(widths, times)
def test_velocity_is_the_time_derivative_of_the_point(sigma_min, t):
    path, h = StraightPath(sigma_min), 1e-6
    difference = (path.sample(X0, X1, t + h) - path.sample(X0, X1, t - h)) / (2 * h)
    torch.testing.assert_close(path.velocity(X0, X1, t), difference, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(path.velocity(X0, X1, t), X1 - (1 - sigma_min) * X0)


@given(widths, times)
def test_derivatives_of_alpha_and_sigma(sigma_min, t):
    path, h = StraightPath(sigma_min), 1e-6
    assert path.alpha_dot(t) == pytest.approx((path.alpha(t + h) - path.alpha(t - h)) / (2 * h))
    assert path.sigma_dot(t) == pytest.approx((path.sigma(t + h) - path.sigma(t - h)) / (2 * h))


@given(widths, times)
def test_the_conditional_field_at_the_point_is_the_velocity(sigma_min, t):
    path = StraightPath(sigma_min)
    x_t = path.sample(X0, X1, t)
    torch.testing.assert_close(
        path.conditional_velocity(x_t, X1, t), path.velocity(X0, X1, t), rtol=1e-8, atol=1e-8
    )


@given(widths, times)
def test_the_conditional_field_is_the_closed_form(sigma_min, t):
    expected = (X1 - (1 - sigma_min) * X0) / (1 - (1 - sigma_min) * t)
    torch.testing.assert_close(StraightPath(sigma_min).conditional_velocity(X0, X1, t), expected)


@pytest.mark.parametrize("method", ["sample", "velocity", "conditional_velocity"])
def test_time_may_be_a_scalar_a_vector_or_a_column(method):
    call = getattr(StraightPath(0.1), method)
    expected = call(X0, X1, 0.3)
    for t in (
        torch.tensor(0.3),
        torch.full((40,), 0.3, dtype=torch.float64),
        torch.full((40, 1), 0.3).double(),
    ):
        torch.testing.assert_close(call(X0, X1, t), expected, rtol=1e-6, atol=1e-6)


def test_each_row_has_its_own_time():
    t = torch.linspace(0, 1, 40, dtype=torch.float64)
    x = StraightPath(0.1).sample(X0, X1, t)
    for i in (0, 17, 39):
        torch.testing.assert_close(
            x[i : i + 1], StraightPath(0.1).sample(X0[i : i + 1], X1[i : i + 1], float(t[i]))
        )


def test_following_the_conditional_field_ends_within_sigma_min_of_the_data():
    path, x, n = StraightPath(0.05), X0, 2000
    for k in range(n):
        x = x + path.conditional_velocity(x, X1, k / n) / n
    torch.testing.assert_close(x, X1 + 0.05 * X0, atol=2e-3, rtol=0)


def test_a_path_cannot_be_changed():
    with pytest.raises(AttributeError):
        StraightPath(0.1).sigma_min = 0.2


DIFFUSION = [
    CosinePath(),
    VariancePreservingPath(),
    VarianceExplodingPath(),
    VariancePreservingPath(1.0, 1.0),
]
ALL = [*DIFFUSION, StraightPath(0.0), StraightPath(0.1), VarianceExplodingPath(0.1, 5.0, 1.0)]


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
    path, n = VarianceExplodingPath(0.002, 80.0, rho), 18
    ramp = torch.linspace(0, 1, n, dtype=torch.float64)
    expected = (80.0 ** (1 / rho) + ramp * (0.002 ** (1 / rho) - 80.0 ** (1 / rho))) ** rho
    torch.testing.assert_close(path.sigma(ramp), expected)


@pytest.mark.parametrize("path", ALL, ids=repr)
@given(t=times)
def test_time_of_is_the_inverse_of_the_noise_ratio(path, t):
    assert float(path.time_of(path.noise_ratio(torch.tensor(t, dtype=torch.float64)))) == pytest.approx(
        t, abs=1e-12
    )


def test_time_of_in_closed_form():
    ratio = torch.tensor([0.05, 0.7, 3.0, 40.0], dtype=torch.float64)
    torch.testing.assert_close(StraightPath(0.01).time_of(ratio), 1 / (ratio + 0.99))
    torch.testing.assert_close(CosinePath().time_of(ratio), 2 / math.pi * torch.atan(1 / ratio))
    b = torch.log1p(ratio**2)  # beta_min s + (beta_max - beta_min) s^2 / 2
    s = (-0.1 + torch.sqrt(0.01 + 2 * 19.9 * b)) / 19.9
    torch.testing.assert_close(VariancePreservingPath().time_of(ratio), 1 - s)


def test_the_loss_of_the_variance_preserving_velocity_has_no_finite_floor():
    # E sigma'^2 x0^2 = int (beta_min / 4) / s ds near the data: every decade of s adds as much
    path = VariancePreservingPath()
    t = 1 - torch.logspace(-8, -1, 701, dtype=torch.float64)
    parts = [
        float(torch.trapezoid(path.sigma_dot(t[i : i + 101]).square(), -t[i : i + 101]))
        for i in (0, 100, 200)
    ]
    assert parts == pytest.approx([0.1 / 4 * math.log(10)] * 3, rel=0.01)


@pytest.mark.parametrize("path", ALL, ids=repr)
@given(t=times)
def test_a_pair_is_the_point_and_its_target(path, t):
    x_t, u_t = path.point_and_target(X0, X1, torch.tensor(t, dtype=torch.float64))
    torch.testing.assert_close(x_t, path.sample(X0, X1, t), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(u_t, path.velocity(X0, X1, t), rtol=1e-9, atol=1e-9)
