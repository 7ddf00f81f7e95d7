"""The path of angles that are cut at the seam: its limits, its mass, and draws from it."""

import math

import pytest
import torch

from fmtutorial.variants import Sphere, Torus, WrappedNormalMixture, cut_density, geodesic_density, seam_mass

PI = math.pi
MIXTURE = WrappedNormalMixture([[0.3, -1.0], [PI, 2.2]], [[0.35, 0.5], [0.3, 0.6]], [0.4, 0.6])


def draws(t, n=100_000, is_cut=True):
    """Points of the path at t, drawn by its definition."""
    g = torch.Generator().manual_seed(0)
    x1 = MIXTURE.sample(n, g, dtype=torch.float64)
    x0 = Torus(2).uniform(n, g, dtype=torch.float64)
    return (1 - t) * x0 + t * x1 if is_cut else Torus(2).geodesic(x0, x1, t)


def near(x, width):
    """Whether any coordinate is within `width` of the seam."""
    return (x.abs() > PI - width).any(1).double()


@pytest.mark.parametrize("t", [0.0, 0.3, 0.8, 0.95])
def test_the_density_integrates_to_one(t):
    n = 400
    axis = -PI + 2 * PI / n * (torch.arange(n, dtype=torch.float64) + 0.5)
    p = cut_density(MIXTURE, torch.cartesian_prod(axis, axis), t)
    assert float(p.sum() * (2 * PI / n) ** 2) == pytest.approx(1, abs=1e-4)


def test_it_starts_uniform_and_ends_as_the_mixture():
    x = Torus(2).uniform(50, torch.Generator().manual_seed(1), dtype=torch.float64)
    uniform = torch.full((50,), 1 / (4 * PI**2), dtype=torch.float64)
    torch.testing.assert_close(cut_density(MIXTURE, x, 0.0), uniform, rtol=1e-4, atol=0)
    torch.testing.assert_close(cut_density(MIXTURE, x, 1.0), MIXTURE.log_prob(x).exp(), rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("t", [0.25, 0.7])
@pytest.mark.parametrize("is_cut, density", [(True, cut_density), (False, geodesic_density)])
def test_the_mass_at_the_seam_is_that_of_draws(t, is_cut, density):
    hits = near(draws(t, is_cut=is_cut), 0.4)
    z = (hits.mean() - seam_mass(density, MIXTURE, t, 0.4)) / (hits.std() / len(hits) ** 0.5)
    assert abs(z) < 4


@pytest.mark.parametrize("t", [0.25, 0.7])
def test_the_density_is_that_of_draws_in_a_small_square(t):
    center = torch.tensor([[1.0, -0.5]], dtype=torch.float64)
    hits = ((draws(t) - center).abs() < 0.15).all(1).double()
    axis = 0.3 * (torch.arange(9, dtype=torch.float64) / 9 + 1 / 18 - 0.5)
    p = cut_density(MIXTURE, center + torch.cartesian_prod(axis, axis), t).mean() * 0.09
    assert abs(hits.mean() - p) < 4 * hits.std() / len(hits) ** 0.5


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_nothing_is_on_the_seam_itself(t):
    seam = torch.tensor([[PI, 0.3], [-PI, 1.0]], dtype=torch.float64)
    assert cut_density(MIXTURE, seam, t).max() < 1e-12
    assert geodesic_density(MIXTURE, seam, t).min() > 1e-4


def test_wrong_calls():
    with pytest.raises(TypeError, match="mixture"):
        cut_density(Sphere(), torch.zeros(2, 2), 0.5)
    with pytest.raises(TypeError, match="mixture"):
        seam_mass(cut_density, Sphere(), 0.5)
    with pytest.raises(ValueError, match="width"):
        seam_mass(cut_density, MIXTURE, 0.5, width=-1.0)
    with pytest.raises(ValueError, match="t must lie"):
        cut_density(MIXTURE, torch.zeros(2, 2), 1.5)
