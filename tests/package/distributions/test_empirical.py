"""A finite data set as a distribution."""

import torch
from helpers import normal, seeded

from fmtutorial import EmpiricalDistribution


def test_empirical_samples_are_its_points():
    points = normal(7, 3)
    x = EmpiricalDistribution(points).sample(200, seeded())
    assert ((x[:, None] == points).all(-1).sum(1) == 1).all()
    assert len(x.unique(dim=0)) == 7


def test_every_point_has_the_same_weight():
    data = EmpiricalDistribution(torch.arange(5.0)[:, None])
    counts = torch.bincount(data.sample(50_000, seeded()).long().squeeze(1), minlength=5)
    assert ((counts - 10_000).abs() < 450).all()  # five standard errors of a binomial count


def test_dim_and_dtype_are_those_of_the_points():
    data = EmpiricalDistribution(normal(7, 3))
    assert data.dim == 3
    assert data.sample(2, seeded()).dtype == torch.float64
    assert repr(data) == "EmpiricalDistribution(7 points in 3 dimensions)"
