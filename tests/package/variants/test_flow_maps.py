"""Exact flow maps: closed forms of a Gaussian, the three identities, and the floor."""

import math

import numpy as np
import pytest
import torch
from helpers import MIXTURE, normal, seeded

from fmtutorial import (
    CosinePath,
    GaussianMixture,
    StraightPath,
    VarianceExplodingPath,
    VariancePreservingPath,
    exact,
)
from fmtutorial.variants import (
    exact_average_velocity,
    exact_flow_map,
    flow_map_trajectories,
    meanflow_floor,
    paired_gap,
)

PATH = StraightPath(0.0)
PATHS = [
    PATH,
    StraightPath(0.1),
    CosinePath(),
    VariancePreservingPath(0.1, 5.0),
    VarianceExplodingPath(0.1, 3.0, 2.0),
]
MEAN = torch.tensor([1.0, -2.0], dtype=torch.float64)
STD = torch.tensor([0.5, 2.0], dtype=torch.float64)
GAUSSIAN = GaussianMixture([{"mean": MEAN, "std": STD}])
both = pytest.mark.parametrize("path", PATHS, ids=repr)


def columns(n, seed=0):
    """Departures and arrivals in any order."""
    times = torch.rand(n, 2, generator=seeded(seed), dtype=torch.float64)
    return times[:, :1], times[:, 1:]


def spread(path, t):
    """The standard deviation of each axis of x_t, of shape (n, 2)."""
    return (path.sigma(t) ** 2 + path.alpha(t) ** 2 * STD**2).sqrt()


def gaussian_map(path, x, s, t):
    """X_{s->t}(x) where the data are one Gaussian: every axis is shifted and scaled."""
    return path.alpha(t) * MEAN + spread(path, t) / spread(path, s) * (x - path.alpha(s) * MEAN)


def on_the_path(n, seed=0):
    """Points x_s of the standard mixture on the straight path, and s and t."""
    s, t = (torch.sort(torch.cat(columns(n, seed), 1), dim=1)[0]).split(1, 1)
    x1 = MIXTURE.sample(n, seeded(seed), dtype=torch.float64)
    return PATH.sample(normal(n, 2, seed), x1, s), s, t


# the exact flow map


@both
def test_the_flow_map_of_a_gaussian_is_linear(path):
    s, t = columns(50)
    x = path.alpha(s) * MEAN + spread(path, s) * normal(50, 2)
    expected = gaussian_map(path, x, s, t)
    torch.testing.assert_close(exact_flow_map(GAUSSIAN, path, x, s, t, 200), expected, rtol=1e-7, atol=1e-7)
    u = exact_average_velocity(GAUSSIAN, path, x, s, t, 200)
    torch.testing.assert_close(u, (expected - x) / (t - s), rtol=1e-6, atol=1e-6)


@both
def test_all_of_the_way_and_back(path):
    x = path.sigma(0.0) * normal(50, 2)
    end = exact_flow_map(GAUSSIAN, path, x, 0, 1, 400)
    one = torch.ones(1, dtype=torch.float64)
    torch.testing.assert_close(end, gaussian_map(path, x, 0 * one, one), rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(exact_flow_map(GAUSSIAN, path, end, 1, 0, 400), x, rtol=1e-6, atol=1e-6)


def test_steps_of_order_four_and_their_accuracy():
    x = normal(2000, 2)
    reference = exact_flow_map(MIXTURE, PATH, x, 0, 1, 256)
    errors = [float((exact_flow_map(MIXTURE, PATH, x, 0, 1, k) - reference).abs().max()) for k in (32, 64)]
    assert errors[0] < 2e-5 and 12 < errors[0] / errors[1] < 20


def test_by_way_of_another_time():
    x, s, t = on_the_path(100)
    w = s + 0.3 * (t - s)
    between = exact_flow_map(MIXTURE, PATH, x, s, w, 64)
    torch.testing.assert_close(
        exact_flow_map(MIXTURE, PATH, between, w, t, 64),
        exact_flow_map(MIXTURE, PATH, x, s, t, 128),
        rtol=1e-6,
        atol=1e-6,
    )


def test_numbers_and_columns_are_the_same_times():
    x = normal(5, 2)
    expected = exact_flow_map(MIXTURE, PATH, x, 0.2, 0.7)
    a = torch.tensor(0.2, dtype=torch.float64)
    b = torch.tensor(0.7, dtype=torch.float64)
    torch.testing.assert_close(exact_flow_map(MIXTURE, PATH, x, a, b), expected)
    torch.testing.assert_close(exact_flow_map(MIXTURE, PATH, x, a.expand(5, 1), b.expand(5)), expected)


@both
def test_the_average_over_no_time_is_the_velocity(path):
    t = torch.tensor([[0.1], [0.5], [1.0]], dtype=torch.float64)
    x = normal(3, 2)
    v = exact.marginal_velocity(MIXTURE, path, x, t)
    torch.testing.assert_close(exact_average_velocity(MIXTURE, path, x, t, t), v)
    torch.testing.assert_close(exact_average_velocity(MIXTURE, path, x, t, t - 1e-7), v, rtol=1e-4, atol=1e-4)


@both
def test_one_point_and_single_precision(path):
    x = normal(1, 2)
    u = exact_average_velocity(MIXTURE, path, x, 0.0, 1.0)
    single = exact_average_velocity(MIXTURE, path, x.float(), 0.0, 1.0)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), u, rtol=1e-3, atol=1e-3)


# the three identities, by derivatives through the exact map


def test_the_identity_at_the_departure():
    """u = v + (t - s) (d_s u + grad u . v), which is MeanFlow's in our time."""
    x, s, t = on_the_path(100)
    v = exact.marginal_velocity(MIXTURE, PATH, x, s)
    u, du = torch.func.jvp(
        lambda x, s: exact_average_velocity(MIXTURE, PATH, x, s, t, 64), (x, s), (v, torch.ones_like(s))
    )
    torch.testing.assert_close(u, v + (t - s) * du, rtol=0, atol=1e-6)


def test_the_identity_at_the_arrival():
    """d_t X_{s->t}(x) = v(X_{s->t}(x), t), the Lagrangian one."""
    x, s, t = on_the_path(100)
    arrival, speed = torch.func.jvp(
        lambda t: exact_flow_map(MIXTURE, PATH, x, s, t, 64), (t,), (torch.ones_like(t),)
    )
    torch.testing.assert_close(speed, exact.marginal_velocity(MIXTURE, PATH, arrival, t), rtol=0, atol=2e-6)


def test_the_same_end_from_all_along_the_trajectory():
    """d_s X_{s->t}(x) + grad X . v = 0, which a consistency model learns for t = 1."""
    x, s, _ = on_the_path(100)
    v = exact.marginal_velocity(MIXTURE, PATH, x, s)
    _, change = torch.func.jvp(
        lambda x, s: exact_flow_map(MIXTURE, PATH, x, s, 1.0, 64), (x, s), (v, torch.ones_like(s))
    )
    assert change.abs().max() < 2e-6


# the floor


def gaussian_floor(path, s, t):
    """mean_i (sd_t / sd_s)^2 Var(v_c | x_s) of one Gaussian, from the joint Gaussian of x_s and v_c."""
    s, t = torch.as_tensor(s, dtype=torch.float64), torch.as_tensor(t, dtype=torch.float64)
    of_target = path.alpha_dot(s) ** 2 * STD**2 + path.sigma_dot(s) ** 2
    together = path.alpha_dot(s) * path.alpha(s) * STD**2 + path.sigma_dot(s) * path.sigma(s)
    remaining = of_target - together**2 / spread(path, s) ** 2
    return float(((spread(path, t) / spread(path, s)) ** 2 * remaining).mean())


@both
@pytest.mark.parametrize("interval", [(0.0, 1.0), (0.3, 0.6), (0.7, 0.7)], ids=str)
def test_the_floor_of_a_gaussian(path, interval):
    mean, standard_error = meanflow_floor(GAUSSIAN, path, 4000, seeded(), interval=interval)
    assert mean == pytest.approx(gaussian_floor(path, *interval), abs=4 * standard_error)
    assert standard_error < 0.06 * mean


def test_the_floor_over_random_intervals():
    nodes, weights = np.polynomial.legendre.leggauss(20)
    rule = list(zip((1 + nodes) / 2, weights / 2, strict=True))
    # the density of s < t is 2; with s = t r it is 2 t dr dt
    expected = sum(2 * t * a * b * gaussian_floor(PATH, t * r, t) for t, a in rule for r, b in rule)
    mean, standard_error = meanflow_floor(GAUSSIAN, PATH, 4000, seeded(1))
    assert mean == pytest.approx(expected, abs=4 * standard_error)
    assert standard_error < 0.05 * mean


def test_an_interval_of_no_length_has_the_floor_of_plain_matching():
    mean, standard_error = meanflow_floor(MIXTURE, PATH, 4000, seeded(), interval=(0.4, 0.4))
    plain, its_error = exact.loss_floor(MIXTURE, PATH, 4000, seeded(5), t=0.4)
    assert mean == pytest.approx(plain, abs=4 * math.hypot(standard_error, its_error))


def test_the_floor_is_the_variance_of_the_target_given_the_point():
    """At one point x_s, over the data that may have led to it: x1 drawn from their posterior."""
    s, t, x = 0.3, 0.9, torch.tensor([[0.8, 0.5]], dtype=torch.float64)
    x1 = MIXTURE.sample(200_000, seeded(), dtype=torch.float64)
    weights = torch.exp(-(x - s * x1).square().sum(1) / (2 * (1 - s) ** 2))
    x1 = x1[torch.multinomial(weights, 4000, replacement=True, generator=seeded(1))]
    conditional = (x1 - x) / (1 - s)
    departures = torch.full((4000, 1), s, dtype=torch.float64)
    _, du = torch.func.jvp(
        lambda x, s: exact_average_velocity(MIXTURE, PATH, x, s, t),
        (x.repeat(4000, 1), departures),
        (conditional, torch.ones_like(departures)),
    )
    target = conditional + (t - s) * du
    jacobian = torch.func.jacrev(lambda y: exact_flow_map(MIXTURE, PATH, y[None], s, t)[0])(x[0])
    noise = conditional - exact.marginal_velocity(MIXTURE, PATH, x, s)
    expected = (noise @ jacobian.T).square().mean()
    assert float(target.var(0).mean()) == pytest.approx(float(expected), rel=0.02)
    u = exact_average_velocity(MIXTURE, PATH, x, s, t)
    assert (target.mean(0) - u[0]).abs().max() < 5 * float(target.std(0).max()) / 4000**0.5


# trajectories and gaps


def test_trajectories_follow_the_flow_from_noise():
    x = flow_map_trajectories(exact.velocity_field(GAUSSIAN, PATH), 200, 2, 17, seeded())
    assert x.shape == (200, 17, 2) and x.is_contiguous()
    start = torch.randn(200, 2, generator=seeded())
    assert torch.equal(x[:, 0], start)
    for k in (1, 8, 16):
        t = torch.full((1, 1), k / 16, dtype=torch.float64)
        expected = gaussian_map(PATH, start.double(), torch.zeros_like(t), t)
        torch.testing.assert_close(x[:, k].double(), expected, rtol=1e-4, atol=1e-4)


def test_the_gap_by_hand():
    ends = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    others = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    assert paired_gap(ends, others) == pytest.approx(math.sqrt((25 + 1) / 2))
