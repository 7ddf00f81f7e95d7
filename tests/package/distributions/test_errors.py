"""Wrong arguments of a distribution: the error names it, what came and what is allowed."""

import pytest
import torch
from helpers import IDENTITY, MIXTURE, NOT_NUMBERS, POINTS, Case, check_error, normal

from fmtutorial import EmpiricalDistribution, GaussianMixture
from fmtutorial.distributions import Checkerboard, Moons, Spiral


def one_component(**parameters):
    """A mixture of one component in the plane."""
    return GaussianMixture([{"mean": [0.0, 0.0], **parameters}])


CASES = [
    Case(
        "GaussianMixture parameters=[]",
        lambda: GaussianMixture([]),
        ValueError,
        "parameters at least one empty",
    ),
    Case(
        "GaussianMixture parameters=one dict",
        lambda: GaussianMixture({"mean": [0.0]}),
        TypeError,
        "parameters list dict",
    ),
    Case(
        "GaussianMixture parameters=[[0.0]]",
        lambda: GaussianMixture([[0.0]]),
        TypeError,
        "parameters[0] dict list",
    ),
    Case(
        "GaussianMixture neither std nor cov",
        lambda: GaussianMixture([{"mean": [0.0]}]),
        ValueError,
        "parameters[0] 'std' 'cov'",
    ),
    Case(
        "GaussianMixture std and cov",
        lambda: one_component(std=1.0, cov=IDENTITY),
        ValueError,
        "parameters[0] either",
    ),
    Case("GaussianMixture std=0.0", lambda: one_component(std=0.0), ValueError, "std greater than 0 0.0"),
    Case("GaussianMixture std=-1.0", lambda: one_component(std=-1.0), ValueError, "std greater than 0 -1.0"),
    Case(
        "GaussianMixture std=[1.0, 2.0, 3.0]",
        lambda: one_component(std=[1.0, 2.0, 3.0]),
        ValueError,
        "std 2 (3,)",
    ),
    Case("GaussianMixture std='wide'", lambda: one_component(std="wide"), TypeError, "std numbers 'wide'"),
    Case("GaussianMixture std=nan", lambda: one_component(std=float("nan")), ValueError, "std finite"),
    Case("GaussianMixture cov=[[1.0]]", lambda: one_component(cov=[[1.0]]), ValueError, "cov (2, 2) (1, 1)"),
    Case(
        "GaussianMixture cov not symmetric",
        lambda: one_component(cov=[[1.0, 0.5], [0.0, 1.0]]),
        ValueError,
        "cov symmetric",
    ),
    Case(
        "GaussianMixture cov indefinite",
        lambda: one_component(cov=[[1.0, 2.0], [2.0, 1.0]]),
        ValueError,
        "cov positive definite",
    ),
    Case(
        "GaussianMixture mean=inf",
        lambda: GaussianMixture([{"mean": [float("inf")], "std": 1.0}]),
        ValueError,
        "mean finite",
    ),
    Case(
        "GaussianMixture mean=0.0",
        lambda: GaussianMixture([{"mean": 0.0, "std": 1.0}]),
        ValueError,
        "mean d numbers ()",
    ),
    Case(
        "GaussianMixture means of two dimensions",
        lambda: GaussianMixture([{"mean": [0.0], "std": 1.0}, {"mean": [0.0, 1.0], "std": 1.0}]),
        ValueError,
        "parameters one dimension [1, 2]",
    ),
    Case(
        "GaussianMixture weights=[0.5, 0.5]",
        lambda: GaussianMixture([{"mean": [0.0], "std": 1.0}], [0.5, 0.5]),
        ValueError,
        "weights (1,) (2,)",
    ),
    Case(
        "GaussianMixture weights=[1.5, -0.5]",
        lambda: GaussianMixture([{"mean": [0.0], "std": 1.0}] * 2, [1.5, -0.5]),
        ValueError,
        "weights negative -0.5",
    ),
    Case(
        "GaussianMixture weights=[0.5, 0.6]",
        lambda: GaussianMixture([{"mean": [0.0], "std": 1.0}] * 2, [0.5, 0.6]),
        ValueError,
        "weights sum to 1 1.1",
    ),
    Case("sample n=0", lambda: MIXTURE.sample(0), ValueError, "n at least 1 0"),
    Case("sample n=2.5", lambda: MIXTURE.sample(2.5), TypeError, "n integer float 2.5"),
    Case("sample n=True", lambda: MIXTURE.sample(True), TypeError, "n integer bool"),
    Case("log_prob x of shape (5, 3)", lambda: MIXTURE.log_prob(normal(5, 3)), ValueError, "x (n, 2) (5, 3)"),
    Case("log_prob x=NaN", lambda: MIXTURE.log_prob(NOT_NUMBERS), ValueError, "x finite 10 NaN"),
    Case("score x of shape (2,)", lambda: MIXTURE.score(POINTS[0]), ValueError, "x (n, d) (2,)"),
    Case("score x=list", lambda: MIXTURE.score([[0.0, 0.0]]), TypeError, "x Tensor list"),
    Case(
        "score x of integers",
        lambda: MIXTURE.score(torch.zeros(5, 2, dtype=torch.long)),
        TypeError,
        "x floating-point int64",
    ),
    Case("smoothed sigma=-1.0", lambda: MIXTURE.smoothed(-1.0), ValueError, "sigma [0.0, inf] -1.0"),
    Case(
        "EmpiricalDistribution x1 of shape (0, 2)",
        lambda: EmpiricalDistribution(torch.zeros(0, 2)),
        ValueError,
        "x1 at least one empty",
    ),
    Case("EmpiricalDistribution x1=NaN", lambda: EmpiricalDistribution(NOT_NUMBERS), ValueError, "x1 finite"),
    Case("Moons noise=-0.1", lambda: Moons(noise=-0.1), ValueError, "noise -0.1"),
    Case("Spiral turns=0", lambda: Spiral(turns=0), ValueError, "turns (0.0 0"),
    Case("Checkerboard side='2'", lambda: Checkerboard(side="2"), TypeError, "side real number str"),
    Case("Moons.sample n=-3", lambda: Moons().sample(-3), ValueError, "n at least 1 -3"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)
