"""One step of each method: the same as `integrate_flow` takes, and of its order on a flow that is known."""

import math

import pytest
import torch
from helpers import normal

from fmtutorial import StraightPath, exact, integrate_flow, standard_mixture
from fmtutorial.sampling import euler_step, midpoint_step, rk4_step
from fmtutorial.sampling.steps import STEPS

U = exact.velocity_field(standard_mixture(), StraightPath(1e-4))
X0 = normal(50, 2)
ORDERS = {"euler": 1, "midpoint": 2, "heun2": 2, "heun3": 3, "rk4": 4}


@pytest.mark.parametrize("method", STEPS)
def test_our_steps_are_those_of_the_solver(method):
    n = 7
    x = X0
    for k in range(n):
        x = STEPS[method](U, x, k / n, 1 / n)
    trajectory, _ = integrate_flow(U, X0, n_steps=n, method=method)
    torch.testing.assert_close(trajectory[-1], x, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", STEPS)
def test_the_error_of_one_step_has_one_order_more_than_the_method(method):
    # dx/dt = cos(3 t) x from t = 0.2: x(t) = x0 exp((sin 3 t - sin 0.6) / 3)
    errors = []
    for h in (0.02, 0.01):
        end = STEPS[method](lambda x, t: math.cos(3 * t) * x, X0, 0.2, h)
        expected = X0 * math.exp((math.sin(3 * (0.2 + h)) - math.sin(0.6)) / 3)
        errors.append(float((end - expected).abs().max()))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(ORDERS[method] + 1, abs=0.35)


def test_the_named_steps_are_those_of_the_table():
    assert STEPS["euler"] is euler_step and STEPS["midpoint"] is midpoint_step and STEPS["rk4"] is rk4_step
