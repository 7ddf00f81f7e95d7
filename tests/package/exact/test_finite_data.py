"""The optimum for a finite training set: against narrow mixtures, and against differences written out."""

import math

import pytest
import torch
from helpers import normal

from fmtutorial import EmpiricalDistribution, GaussianMixture, StraightPath, exact
from fmtutorial.exact import marginal


def test_a_finite_data_set_is_the_limit_of_narrow_components():
    points = normal(6, 2)
    path = StraightPath(0.1)
    narrow = GaussianMixture([{"mean": p, "std": 1e-6} for p in points])
    data = EmpiricalDistribution(points)
    x = normal(50, 2, 3)
    for t in (0.0, 0.5, 0.9, 1.0):
        for f in (exact.marginal_log_prob, exact.marginal_score, exact.marginal_velocity):
            torch.testing.assert_close(f(data, path, x, t), f(narrow, path, x, t), rtol=1e-5, atol=1e-5)


def test_single_precision_stays_finite_far_from_the_data():
    data = EmpiricalDistribution(normal(50, 2).float())
    x = 30 * normal(50, 2).float()
    for t in (0.0, 0.5, 0.999, 1.0):
        assert torch.isfinite(exact.marginal_velocity(data, StraightPath(1e-3), x, t)).all()


@pytest.mark.parametrize("sigma_min, tolerance", [(0.1, 1e-6), (1e-3, 1e-5), (1e-4, 1e-3)])
@pytest.mark.parametrize("shift", [0.0, 10.0])
def test_finite_data_is_accurate_where_the_kernels_are_narrow(sigma_min, tolerance, shift):
    # against differences in double precision, written out
    points = normal(40, 3) + shift
    path = StraightPath(sigma_min)
    t = 1.0
    x = points[:20] + sigma_min * normal(20, 3, 5)
    square = (x[:, None] - t * points).square().sum(-1)
    r = torch.softmax(-square / (2 * sigma_min**2), 1)
    conditional = points - (1 - sigma_min) / sigma_min * (x[:, None] - t * points)
    expected = torch.einsum("nk,nki->ni", r, conditional)
    data = EmpiricalDistribution(points)
    torch.testing.assert_close(
        exact.marginal_velocity(data, path, x, t), expected, rtol=tolerance, atol=tolerance
    )
    log_p = (
        torch.logsumexp(-square / (2 * sigma_min**2), 1)
        - math.log(40)
        - 1.5 * math.log(2 * math.pi * sigma_min**2)
    )
    torch.testing.assert_close(
        exact.marginal_log_prob(data, path, x, t), log_p, rtol=tolerance, atol=tolerance
    )


def test_memory_stays_bounded(monkeypatch):
    # ten thousand data points in 64 dimensions: no tensor larger than the data and the chunks
    sizes = []
    softmax = torch.softmax

    def recording_softmax(x, dim):
        sizes.append(x.numel())
        return softmax(x, dim=dim)

    monkeypatch.setattr(torch, "softmax", recording_softmax)
    data = EmpiricalDistribution(normal(10_000, 64).float())
    x = normal(300, 64).float()
    assert exact.marginal_velocity(data, StraightPath(0.1), x, 0.5).shape == (300, 64)
    assert len(sizes) > 1
    assert max(sizes) <= marginal.MAX_ELEMENTS
