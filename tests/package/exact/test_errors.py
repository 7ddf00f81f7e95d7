"""Wrong arguments of the exact answers: the error names it, what came and what is allowed."""

import pytest
import torch
from helpers import MIXTURE, NOT_NUMBERS, PATH, POINTS, Case, check_error, normal

from fmtutorial import EmpiricalDistribution, StraightPath, exact
from fmtutorial.distributions import Moons

CASES = [
    Case(
        "marginal_velocity t=2.0",
        lambda: exact.marginal_velocity(MIXTURE, PATH, POINTS, 2.0),
        ValueError,
        "t [0, 1] 2.0",
    ),
    Case(
        "marginal_score x of shape (5, 3)",
        lambda: exact.marginal_score(MIXTURE, PATH, normal(5, 3), 0.5),
        ValueError,
        "x (n, 2) (5, 3)",
    ),
    Case(
        "marginal_log_prob x=NaN",
        lambda: exact.marginal_log_prob(MIXTURE, PATH, NOT_NUMBERS, 0.5),
        ValueError,
        "x finite",
    ),
    Case(
        "marginal_velocity mixture=Moons()",
        lambda: exact.marginal_velocity(Moons(), PATH, POINTS, 0.5),
        TypeError,
        "mixture GaussianMixture Moons",
    ),
    Case(
        "velocity_field path=0.1",
        lambda: exact.velocity_field(MIXTURE, 0.1),
        TypeError,
        "path StraightPath float",
    ),
    Case(
        "loss_floor n_samples=0",
        lambda: exact.loss_floor(MIXTURE, PATH, 0),
        ValueError,
        "n_samples at least 1 0",
    ),
    Case(
        "marginal_velocity t=1 where sigma(1)=0",
        lambda: exact.marginal_velocity(EmpiricalDistribution(POINTS), StraightPath(0.0), POINTS, 1.0),
        ValueError,
        "t sigma(t) = 0 width",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)


def test_what_the_mathematics_allows_is_allowed():
    straight = StraightPath(0.0)
    assert torch.isfinite(exact.marginal_velocity(MIXTURE, straight, POINTS, 1.0)).all()
