"""The explorer of kernel widths: the numbers that it shows are right, and every control does something."""

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from scipy.stats import gaussian_kde

from fmtutorial import standard_mixture
from fmtutorial.widgets import kernel_width_explorer

MIXTURE = standard_mixture()


@pytest.fixture(scope="module")
def explorer():
    return kernel_width_explorer()


@pytest.mark.parametrize("n", [8, 32, 128])
@pytest.mark.parametrize("width", [0.1, 0.4])
def test_kl_is_that_of_scipys_kernel_estimate(explorer, n, width):
    explorer.points.value = n
    explorer.sigma_min.value = width
    points = np.stack(explorer.training_points.get_data()).astype(float)
    kde = gaussian_kde(points)
    kde.covariance = width**2 * np.eye(2)
    kde.cho_cov = width * np.eye(2)
    kde.log_det = 2 * np.log(2 * np.pi * width**2)
    x = MIXTURE.sample(4000, torch.Generator().manual_seed(9), dtype=torch.float64)
    gaps = MIXTURE.log_prob(x).numpy() - kde.logpdf(x.T.numpy())
    error = np.hypot(gaps.std() / 4000**0.5, explorer.numbers["kl_error"])
    assert abs(explorer.numbers["kl"] - gaps.mean()) < 5 * error
    assert f"{explorer.numbers['kl']:.3f}" in explorer.readout.value


def test_the_best_width_shrinks_with_more_points(explorer):
    best = {}
    for n in (8, 32, 128):
        explorer.points.value = n
        best[n] = explorer.numbers["best_width"], explorer.numbers["best_kl"]
        explorer.sigma_min.value = best[n][0]
        assert explorer.numbers["kl"] == pytest.approx(best[n][1], rel=0.05)
    assert best[8][0] > best[32][0] > best[128][0] and best[8][1] > best[32][1] > best[128][1]


def test_the_nearest_distances_agree_with_a_kd_tree(explorer):
    explorer.points.value = 32
    explorer.sigma_min.value = 0.3
    points = np.stack(explorer.training_points.get_data(), axis=1)
    x = MIXTURE.sample(20_000, torch.Generator().manual_seed(9)).numpy()
    assert explorer.numbers["nearest_fresh"] == pytest.approx(cKDTree(points).query(x)[0].mean(), rel=0.1)
    rng = np.random.default_rng(0)
    moved = points[rng.integers(32, size=20_000)] + 0.3 * rng.normal(size=(20_000, 2))
    assert explorer.numbers["nearest"] == pytest.approx(cKDTree(points).query(moved)[0].mean(), rel=0.1)


@pytest.mark.parametrize("name, value", [("sigma_min", 0.6), ("points", 8)])
def test_every_control_redraws(explorer, name, value):
    explorer.points.value = 128
    explorer.sigma_min.value = 0.2
    before = explorer.image.value, repr(explorer)
    getattr(explorer, name).value = value
    assert explorer.image.value != before[0]
    assert repr(explorer) != before[1]
