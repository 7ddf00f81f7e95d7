"""Metrics against closed forms and scipy."""

import math

import numpy as np
import pytest
import torch
from helpers import normal, seeded
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fmtutorial import StraightPath, exact, standard_mixture
from fmtutorial.metrics import (
    energy_distance,
    excess_loss,
    sliced_wasserstein,
    sliced_wasserstein_floor,
    straightness,
)

MIXTURE = standard_mixture()
PATH = StraightPath(0.1)


@given(st.integers(1, 5), st.floats(-5, 5))
def test_a_shift_moves_by_its_length_over_root_d(dim, size):
    a = normal(200, dim)
    shift = torch.zeros(dim, dtype=torch.float64)
    shift[0] = size
    value = sliced_wasserstein(a, a + shift, 20_000, seeded())
    assert value == pytest.approx(abs(size) / math.sqrt(dim), rel=0.03, abs=1e-9)


def test_in_one_dimension_it_is_w2_of_sorted_samples():
    a = normal(100, 1, 1)
    b = 2 * normal(100, 1, 2) + 1
    expected = (a.sort(0).values - b.sort(0).values).square().mean().sqrt()
    assert sliced_wasserstein(a, b, 3, seeded()) == pytest.approx(float(expected))


@given(st.integers(1, 30), st.integers(1, 30))
def test_sets_of_different_sizes_agree_with_their_common_refinement(n, m):
    a = normal(n, 1, n)
    b = normal(m, 1, 100 + m) + 0.3
    expected = sliced_wasserstein(a.repeat_interleave(m, 0), b.repeat_interleave(n, 0), 2, seeded())
    assert sliced_wasserstein(a, b, 2, seeded()) == pytest.approx(expected, rel=1e-6)


def test_it_is_a_symmetric_distance_that_ignores_order():
    a, b = normal(150, 3, 1), normal(150, 3, 2)
    assert sliced_wasserstein(a, a[torch.randperm(150)], generator=seeded()) < 1e-7
    assert sliced_wasserstein(a, b, generator=seeded()) == pytest.approx(
        sliced_wasserstein(b, a, generator=seeded())
    )
    doubled = sliced_wasserstein(2 * a, 2 * b, generator=seeded())
    assert doubled == pytest.approx(2 * sliced_wasserstein(a, b, generator=seeded()))


def test_the_floor_falls_with_n_and_is_lower_when_stratified():
    few, many = (sliced_wasserstein_floor(MIXTURE, n, 20, seeded())[0] for n in (200, 3200))
    assert 2.2 < few / many < 7  # about sqrt(16)
    mean, spread = sliced_wasserstein_floor(MIXTURE, 3200, 20, seeded(), stratified=True)
    assert mean < many and spread < many / 3


def test_the_floors_spread_is_the_standard_deviation_of_its_distances():
    generator = seeded(3)
    distances = []
    for _ in range(7):
        a = MIXTURE.sample(50, generator)
        b = MIXTURE.sample(50, generator)
        distances.append(sliced_wasserstein(a, b, generator=generator))
    mean, spread = sliced_wasserstein_floor(MIXTURE, 50, 7, seeded(3))
    assert mean == pytest.approx(np.mean(distances))
    assert spread == pytest.approx(np.std(distances, ddof=1))
    assert sliced_wasserstein_floor(MIXTURE, 50, 1, seeded(3)) == (pytest.approx(distances[0]), 0.0)


def test_energy_distance_is_scipys_in_one_dimension():
    a = normal(80, 1, 1)
    b = normal(120, 1, 2) + 0.5
    expected = stats.energy_distance(a[:, 0].numpy(), b[:, 0].numpy())
    assert energy_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_energy_distance_of_two_points_in_the_plane():
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    assert energy_distance(a, b) == pytest.approx(math.sqrt(2 * 5.0))


def test_energy_distance_does_not_depend_on_chunks():
    from fmtutorial.metrics.distances import _mean_distance

    a, b = normal(50, 2, 1), normal(70, 2, 2)
    expected = np.linalg.norm(a.numpy()[:, None] - b.numpy(), axis=-1).mean()
    assert _mean_distance(a, b, chunk=7) == pytest.approx(expected)


def test_the_exact_velocity_has_no_excess():
    assert excess_loss(exact.velocity_field(MIXTURE, PATH), MIXTURE, PATH, 5000, seeded()) < 1e-10


@pytest.mark.parametrize("t", [None, 0.0, 0.5, 1.0])
def test_a_constant_error_is_its_own_excess(t):
    u = exact.velocity_field(MIXTURE, PATH)

    def model(x, t):
        return u(x, t) + torch.tensor([0.3, -0.4])

    assert excess_loss(model, MIXTURE, PATH, 2000, seeded(), t) == pytest.approx((0.09 + 0.16) / 2, rel=1e-4)


def test_excess_averages_over_time():
    u = exact.velocity_field(MIXTURE, PATH)
    value = excess_loss(lambda x, t: u(x, t) + t, MIXTURE, PATH, 5000, seeded())
    assert value == pytest.approx(1 / 3, rel=1e-3)  # stratified times: far better than Monte Carlo


def test_straight_lines_are_straight_and_an_arc_is_not():
    t = torch.linspace(0, 1, 2001, dtype=torch.float64)
    line = t[:, None, None] * normal(5, 2) + 1
    assert straightness(line, t) < 1e-12
    arc = torch.stack([torch.cos(torch.pi * t / 2), torch.sin(torch.pi * t / 2)], -1).unsqueeze(1)
    # mean |v|^2 - |x(1) - x(0)|^2 = (pi/2)^2 - 2
    assert straightness(arc, t) == pytest.approx((math.pi / 2) ** 2 - 2, rel=1e-5)
    assert straightness(arc.flip(0), t.flip(0)) == pytest.approx((math.pi / 2) ** 2 - 2, rel=1e-5)
