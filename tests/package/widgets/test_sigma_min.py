"""The explorer of sigma_min: the numbers that it shows are right, and every control does something."""

import math

import numpy as np
import pytest
import torch
from helpers import seeded
from scipy.spatial import cKDTree

from fmtutorial import StraightPath, exact, standard_mixture
from fmtutorial.widgets import sigma_min_explorer

MIXTURE = standard_mixture()


@pytest.fixture
def explorer():
    return sigma_min_explorer()


def drawn(line) -> np.ndarray:
    """The points (n, 2) of a line."""
    return np.stack(line.get_data(), axis=1)


@pytest.mark.parametrize("sigma_min", [1e-4, 0.01, 0.1, 0.3])
def test_the_floor_shown_is_the_floor(explorer, sigma_min):
    explorer.sigma_min.value = sigma_min
    floor, error = exact.loss_floor(MIXTURE, StraightPath(sigma_min), 200_000, seeded(7))
    combined_error = math.hypot(error, explorer.numbers["floor_error"])
    assert abs(explorer.numbers["floor"] - floor) < 5 * combined_error
    assert f"{explorer.numbers['floor']:.3f}" in explorer.readout.value


@pytest.mark.parametrize("n", [8, 32, 128])
def test_the_nearest_distance_is_that_of_noise_around_the_data(explorer, n):
    explorer.data.value = n
    explorer.sigma_min.value = 1e-4
    # far below the spacing of the points, an end point's distance is |sigma_min x0|: a Rayleigh variable
    assert explorer.numbers["nearest"] == pytest.approx(1e-4 * math.sqrt(math.pi / 2), rel=0.1)


def test_the_nearest_distance_agrees_with_a_kd_tree(explorer):
    explorer.data.value = 32
    explorer.sigma_min.value = 0.3
    distances, _ = cKDTree(drawn(explorer.data_points)).query(drawn(explorer.end_points))
    assert explorer.numbers["nearest"] == pytest.approx(distances.mean(), rel=1e-4)


def test_wide_kernels_move_the_end_points_away_from_the_truth(explorer):
    distances = []
    for sigma_min in (0.01, 0.5):
        explorer.sigma_min.value = sigma_min
        distances.append(explorer.numbers["distance"])
    assert distances[0] < 1.5 * explorer.numbers["distance_floor"] < distances[1] * 1.5
    assert distances[1] > distances[0]


def test_end_points_spread_as_sigma_min_says(explorer):
    explorer.sigma_min.value = 0.5
    end = torch.tensor(drawn(explorer.end_points), dtype=torch.float64)
    expected = float(MIXTURE.covariance.trace()) + 2 * 0.5**2
    assert float(end.T.cov().trace()) == pytest.approx(expected, rel=0.12)


def test_the_circles_have_the_width_of_the_path_at_t(explorer):
    explorer.sigma_min.value = 0.1
    explorer.t.value = 0.4
    for circle in explorer.circles.get_segments():
        radius = np.linalg.norm(circle[:-1] - circle[:-1].mean(axis=0), axis=1)
        np.testing.assert_allclose(radius, 1 - 0.9 * 0.4, rtol=1e-5)


@pytest.mark.parametrize("name, value", [("sigma_min", 0.4), ("t", 0.2), ("data", 8)])
def test_every_control_redraws(explorer, name, value):
    image = explorer.image.value
    sentence = repr(explorer)
    explorer.controls[name].value = value
    assert explorer.image.value != image
    assert repr(explorer) != sentence
