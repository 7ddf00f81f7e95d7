"""What all distributions share: samples that a generator makes reproducible."""

import pytest
import torch
from helpers import seeded

from fmtutorial import EmpiricalDistribution, standard_mixture
from fmtutorial.distributions import Checkerboard, Moons, Spiral, eight_gaussians

DATA_SETS = [
    standard_mixture(),
    eight_gaussians(),
    Moons(),
    Checkerboard(),
    Spiral(),
    EmpiricalDistribution(torch.eye(2)),
]


@pytest.mark.parametrize("data", DATA_SETS, ids=repr)
def test_a_generator_makes_samples_reproducible_and_leaves_the_global_state(data):
    state = torch.get_rng_state()
    a = data.sample(100, seeded(1))
    b = data.sample(100, seeded(1))
    assert a.shape == (100, 2)
    assert torch.equal(a, b)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(a, data.sample(100, seeded(2)))
