"""What every path has from its base class: points, targets, fields, and the time of a noise ratio."""

import math
from dataclasses import dataclass

import pytest
import torch
from helpers import normal, times, widths
from hypothesis import given

from fmtutorial import (
    CosinePath,
    GaussianMixture,
    StraightPath,
    VarianceExplodingPath,
    VariancePreservingPath,
    exact,
)
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path

X0 = normal(40, 3, 1)
X1 = normal(40, 3, 2)
PATHS = [
    StraightPath(0.0),
    StraightPath(0.1),
    CosinePath(),
    VariancePreservingPath(),
    VariancePreservingPath(1.0, 1.0),
    VarianceExplodingPath(),
    VarianceExplodingPath(0.1, 5.0, 1.0),
]


@given(widths, times)
def test_velocity_is_the_time_derivative_of_the_point(sigma_min, t):
    path = StraightPath(sigma_min)
    h = 1e-6
    difference = (path.sample(X0, X1, t + h) - path.sample(X0, X1, t - h)) / (2 * h)
    torch.testing.assert_close(path.velocity(X0, X1, t), difference, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(path.velocity(X0, X1, t), X1 - (1 - sigma_min) * X0)


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
    path = StraightPath(0.05)
    x = X0
    n = 2000
    for k in range(n):
        x = x + path.conditional_velocity(x, X1, k / n) / n
    torch.testing.assert_close(x, X1 + 0.05 * X0, atol=2e-3, rtol=0)


@pytest.mark.parametrize("path", PATHS, ids=repr)
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


@pytest.mark.parametrize("path", PATHS, ids=repr)
@given(t=times)
def test_point_and_target_are_sample_and_velocity(path, t):
    x_t, u_t = path.point_and_target(X0, X1, torch.tensor(t, dtype=torch.float64))
    torch.testing.assert_close(x_t, path.sample(X0, X1, t), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(u_t, path.velocity(X0, X1, t), rtol=1e-9, atol=1e-9)


@dataclass(frozen=True)
class QuadraticPath(AffineGaussianPath):
    """A path of one's own: alpha = t^2, sigma = 1 - t."""

    def alpha(self, t):
        return t**2

    def sigma(self, t):
        return 1 - t

    def alpha_dot(self, t):
        return 2 * t

    def sigma_dot(self, t):
        return -1.0


@given(times)
def test_a_path_of_ones_own_has_everything_else_from_the_base_class(t):
    path = QuadraticPath()
    t = torch.tensor(t, dtype=torch.float64)
    x_t, u_t = path.point_and_target(X0, X1, t)
    torch.testing.assert_close(path.sample(X0, X1, t), t**2 * X1 + (1 - t) * X0)
    torch.testing.assert_close(path.velocity(X0, X1, t), 2 * t * X1 - X0)
    torch.testing.assert_close(path.conditional_velocity(x_t, X1, t), u_t, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(path.sigma_sigma_dot(t), -(1 - t))
    torch.testing.assert_close(path.time_of(path.noise_ratio(t)), t)
    assert path == QuadraticPath()


def test_the_exact_velocity_takes_a_path_of_ones_own():
    # N(0, s^2 I) stays Gaussian with variance c = sigma^2 + alpha^2 s^2, whose flow is u = c' x / (2 c)
    gaussian = GaussianMixture([{"mean": [0.0, 0.0, 0.0], "std": 0.5}])
    t = 0.6
    c = (1 - t) ** 2 + t**4 * 0.25
    c_dot = -2 * (1 - t) + 4 * t**3 * 0.25
    torch.testing.assert_close(
        exact.marginal_velocity(gaussian, QuadraticPath(), X0, t), c_dot / (2 * c) * X0
    )


def test_a_class_that_lacks_a_function_of_time_is_no_path():
    class HalfAPath(AffineGaussianPath):
        def alpha(self, t):
            return t

    with pytest.raises(TypeError, match="sigma"):
        HalfAPath()
    with pytest.raises(TypeError, match="path must be an AffineGaussianPath such as StraightPath, got float"):
        check_path(0.1)
    assert check_path(QuadraticPath()) is None
