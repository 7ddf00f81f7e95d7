"""Wrong arguments of a simulator: the error names it, what came and what is allowed."""

import pytest
from helpers import MIXTURE, POINTS, Case, check_error, normal

from fmtutorial.problems import HeatRod, Projectile, heat_matrix, linear_posterior

CASES = [
    Case("HeatRod noise=0.0", lambda: HeatRod(noise=0.0), ValueError, "noise (0.0, inf] 0.0"),
    Case("HeatRod time=-1.0", lambda: HeatRod(time=-1.0), ValueError, "time [0.0, inf] -1.0"),
    Case("HeatRod n=0", lambda: HeatRod(n=0), ValueError, "n at least 1 0"),
    Case(
        "heat_matrix positions=1.2",
        lambda: heat_matrix([0.5, 1.2], POINTS[:, 0], 0.1),
        ValueError,
        "positions [0, 1] 1.2",
    ),
    Case(
        "HeatRod.posterior y of shape (4, 2)",
        lambda: HeatRod().posterior(normal(4, 2)),
        ValueError,
        "y (n, 3) (4, 2)",
    ),
    Case(
        "linear_posterior matrix of shape (1, 3)",
        lambda: linear_posterior(MIXTURE, normal(1, 3), 0.1, POINTS),
        ValueError,
        "matrix (m, 2) (1, 3)",
    ),
    Case(
        "linear_posterior noise=0.0",
        lambda: linear_posterior(MIXTURE, normal(2, 2), 0.0, POINTS),
        ValueError,
        "noise (0.0, inf] 0.0",
    ),
    Case("Projectile drag=-0.1", lambda: Projectile(drag=-0.1), ValueError, "drag -0.1"),
    Case("Projectile noise='1'", lambda: Projectile(noise="1"), TypeError, "noise real number str"),
    Case(
        "Projectile.posterior metres='50'",
        lambda: Projectile().posterior("50"),
        TypeError,
        "metres real number str",
    ),
    Case(
        "Projectile.posterior half_width=0.0",
        lambda: Projectile().posterior(50.0, half_width=0.0),
        ValueError,
        "half_width 0.0",
    ),
    Case(
        "Projectile.distance x1 of shape (5, 3)",
        lambda: Projectile().distance(normal(5, 3)),
        ValueError,
        "x1 (n, 2) (5, 3)",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)
