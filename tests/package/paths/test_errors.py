"""Wrong arguments of a path or a conversion: the error names it, what came and what is allowed."""

import pytest
import torch
from helpers import NETWORK, NOT_NUMBERS, PATH, POINTS, Case, check_error

from fmtutorial import StraightPath
from fmtutorial.paths import (
    CosinePath,
    VarianceExplodingPath,
    VariancePreservingPath,
    convert,
    converted_model,
    from_library,
)

CASES = [
    Case("StraightPath sigma_min=1.0", lambda: StraightPath(1.0), ValueError, "sigma_min [0.0, 1.0) 1.0"),
    Case("StraightPath sigma_min=-0.1", lambda: StraightPath(-0.1), ValueError, "sigma_min [0.0, 1.0) -0.1"),
    Case("StraightPath sigma_min=nan", lambda: StraightPath(float("nan")), ValueError, "sigma_min nan"),
    Case("StraightPath sigma_min='0.1'", lambda: StraightPath("0.1"), TypeError, "sigma_min real number str"),
    Case(
        "sample x1=3 points",
        lambda: PATH.sample(POINTS, POINTS[:3], 0.5),
        ValueError,
        "x0 x1 same shape (5, 2) (3, 2)",
    ),
    Case("sample t=1.5", lambda: PATH.sample(POINTS, POINTS, 1.5), ValueError, "t [0, 1] 1.5"),
    Case("velocity t=-0.1", lambda: PATH.velocity(POINTS, POINTS, -0.1), ValueError, "t [0, 1] -0.1"),
    Case("velocity t=nan", lambda: PATH.velocity(POINTS, POINTS, float("nan")), ValueError, "t [0, 1] nan"),
    Case(
        "velocity t of shape (4,)",
        lambda: PATH.velocity(POINTS, POINTS, torch.zeros(4)),
        ValueError,
        "t scalar (5,) (5, 1) (4,)",
    ),
    Case("sample x0=NaN", lambda: PATH.sample(NOT_NUMBERS, POINTS, 0.5), ValueError, "x0 finite"),
    Case(
        "conditional_velocity x1=NaN",
        lambda: PATH.conditional_velocity(POINTS, NOT_NUMBERS, 0.5),
        ValueError,
        "x1 finite",
    ),
    Case(
        "conditional_velocity t=1 where sigma(1)=0",
        lambda: StraightPath(0.0).conditional_velocity(POINTS, POINTS, 1.0),
        ValueError,
        "t sigma(t) = 0 undefined",
    ),
    Case(
        "VariancePreservingPath beta_min=0.0",
        lambda: VariancePreservingPath(beta_min=0.0),
        ValueError,
        "beta_min (0.0 0.0",
    ),
    Case(
        "VariancePreservingPath beta_max=0.5",
        lambda: VariancePreservingPath(1.0, 0.5),
        ValueError,
        "beta_max [1.0 0.5",
    ),
    Case(
        "VariancePreservingPath beta_min='0.1'",
        lambda: VariancePreservingPath("0.1"),
        TypeError,
        "beta_min real number str",
    ),
    Case(
        "VarianceExplodingPath sigma_min=0.0",
        lambda: VarianceExplodingPath(0.0),
        ValueError,
        "sigma_min (0.0 0.0",
    ),
    Case(
        "VarianceExplodingPath sigma_max=0.5",
        lambda: VarianceExplodingPath(0.5, 0.5),
        ValueError,
        "sigma_max (0.5 0.5",
    ),
    Case("VarianceExplodingPath rho=0.5", lambda: VarianceExplodingPath(rho=0.5), ValueError, "rho [1.0 0.5"),
    Case(
        "VariancePreservingPath velocity t=1.0",
        lambda: VariancePreservingPath().velocity(POINTS, POINTS, 1.0),
        ValueError,
        "t infinite VariancePreservingPath",
    ),
    Case("time_of noise_ratio=0.01", lambda: PATH.time_of(0.01), ValueError, "noise_ratio 0.1 0.01"),
    Case(
        "time_of noise_ratio=1000.0",
        lambda: VariancePreservingPath().time_of(1000.0),
        ValueError,
        "noise_ratio 152.2 1000",
    ),
    Case(
        "convert source='epsilon'",
        lambda: convert(POINTS, POINTS, 0.5, PATH, "epsilon", "score"),
        ValueError,
        "source 'noise' 'epsilon'",
    ),
    Case(
        "convert target='eps'",
        lambda: convert(POINTS, POINTS, 0.5, PATH, "noise", "eps"),
        ValueError,
        "target 'noise' 'eps'",
    ),
    Case(
        "convert value=3 points",
        lambda: convert(POINTS[:3], POINTS, 0.5, PATH, "noise", "score"),
        ValueError,
        "value x same shape (3, 2) (5, 2)",
    ),
    Case(
        "convert t=2.0",
        lambda: convert(POINTS, POINTS, 2.0, PATH, "noise", "score"),
        ValueError,
        "t [0, 1] 2.0",
    ),
    Case(
        "convert score to velocity at t=0",
        lambda: convert(POINTS, POINTS, 0.0, PATH, "score", "velocity"),
        ValueError,
        "t score velocity StraightPath",
    ),
    Case(
        "convert velocity to score at t=1",
        lambda: convert(POINTS, POINTS, 1.0, CosinePath(), "velocity", "score"),
        ValueError,
        "t velocity score CosinePath",
    ),
    Case(
        "converted_model path=0.5",
        lambda: converted_model(NETWORK, 0.5, "noise", "score"),
        TypeError,
        "path StraightPath float",
    ),
    Case(
        "from_library library='tensorflow'",
        lambda: from_library(NETWORK, "tensorflow", PATH),
        ValueError,
        "library 'edm' 'score_sde' 'tensorflow'",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)


def test_what_the_mathematics_allows_is_allowed():
    straight = StraightPath(0.0)
    assert torch.isfinite(straight.conditional_velocity(POINTS, POINTS, 0.999)).all()
    torch.testing.assert_close(straight.velocity(POINTS, POINTS + 1, 1.0), torch.ones_like(POINTS))
