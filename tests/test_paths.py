"""Conditional paths: end points, derivatives and consistency."""

import pytest
import torch
from helpers import normal, times, widths
from hypothesis import given

from fmtutorial import StraightPath

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
