"""Solvers: order, agreement with torchdiffeq, and honest counting."""

import math
import subprocess
import sys
from functools import partial

import pytest
import torch
from helpers import normal
from scipy.integrate import solve_ivp
from torchdiffeq import odeint

from fmtutorial import GaussianMixture, StraightPath, exact, integrate_flow, standard_mixture
from fmtutorial.sampling import ADAPTIVE, FIXED_STEP, CountEvaluations, euler_step, midpoint_step, rk4_step

U = exact.velocity_field(standard_mixture(), StraightPath(1e-4))
X0 = normal(50, 2)
STEPS = {"euler": (euler_step, 1), "midpoint": (midpoint_step, 2), "rk4": (rk4_step, 4)}


@pytest.mark.parametrize("method", FIXED_STEP)
@pytest.mark.parametrize("span", [(0.0, 1.0), (1.0, 0.0), (0.2, 0.7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fixed_steps_are_torchdiffeqs_to_the_last_bit(method, span, dtype):
    x0 = X0.to(dtype)
    trajectory, _ = integrate_flow(U, x0, span, n_steps=9, method=method)
    theirs = odeint(lambda t, x: U(x, t), x0, torch.linspace(*span, 10, dtype=dtype), method=method)
    assert torch.equal(trajectory, theirs)


@pytest.mark.parametrize("method", FIXED_STEP)
def test_rounding_asks_for_no_time_beyond_the_end(method):
    # in single precision 0.01 + (1 - 0.01) is more than 1 for some starts, and a path refuses such a time
    for start in torch.linspace(0.001, 0.3, 100).tolist():
        integrate_flow(U, X0[:1].float(), (start, 1.0), n_steps=1, method=method)


def test_equal_steps_load_neither_torchdiffeq_nor_scipy():
    program = """
import sys, torch, fmtutorial
fmtutorial.integrate_flow(lambda x, t: -x, torch.zeros(2, 2), method="midpoint")
assert not {"torchdiffeq", "scipy"} & set(sys.modules)
fmtutorial.integrate_flow(lambda x, t: -x, torch.zeros(2, 2), method="dopri5")
assert "torchdiffeq" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "method, order", [("euler", 1), ("midpoint", 2), ("heun2", 2), ("heun3", 3), ("rk4", 4)]
)
def test_order_of_convergence(method, order):
    def error(n):
        trajectory, _ = integrate_flow(lambda x, t: t * x, X0, n_steps=n, method=method)
        return float((trajectory[-1] - math.exp(0.5) * X0).norm())

    assert math.log2(error(16) / error(32)) == pytest.approx(order, abs=0.15)


def test_an_adaptive_solution_agrees_with_scipy():
    def field(t, y):
        return U(torch.tensor(y).reshape(5, 2), torch.tensor(t)).reshape(-1).numpy()

    solution = solve_ivp(field, (0, 1), X0[:5].reshape(-1).numpy(), rtol=1e-10, atol=1e-10)
    expected = torch.tensor(solution.y[:, -1].reshape(5, 2))
    trajectory, _ = integrate_flow(U, X0[:5], n_steps=3, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(trajectory[-1], expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("method", FIXED_STEP + ADAPTIVE)
@pytest.mark.parametrize("n_steps", [1, 4])
def test_n_steps_counts_steps_and_not_points(method, n_steps):
    trajectory, t = integrate_flow(lambda x, t: -x, X0, n_steps=n_steps, method=method)
    assert trajectory.shape == (n_steps + 1, 50, 2)
    torch.testing.assert_close(t, torch.linspace(0, 1, n_steps + 1, dtype=torch.float64))
    assert torch.equal(trajectory[0], X0)


@pytest.mark.parametrize(
    "method, stages", [("euler", 1), ("midpoint", 2), ("heun2", 2), ("heun3", 3), ("rk4", 4)]
)
def test_function_evaluations_are_counted(method, stages):
    counted = CountEvaluations(U)
    integrate_flow(counted, X0, n_steps=5, method=method)
    assert counted.nfe == 5 * stages


@pytest.mark.parametrize("method", FIXED_STEP + ADAPTIVE)
@pytest.mark.parametrize("span", [(0.0, 1.0), (1.0, 0.0), (0.2, 0.7)])
def test_no_velocity_is_asked_for_outside_the_span(method, span):
    seen = []

    def v(x, t):
        seen.append(float(t))
        return torch.cos(20 * t) * x

    integrate_flow(v, X0, span, n_steps=3, method=method)
    assert min(span) - 1e-12 <= min(seen) and max(seen) <= max(span) + 1e-12


def test_output_times_cost_nothing_with_an_adaptive_method():
    counts = []
    for n_steps in (1, 50):
        counted = CountEvaluations(U)
        integrate_flow(counted, X0, n_steps=n_steps)
        counts.append(counted.nfe)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("method, tolerance", [("dopri5", 1e-3), ("rk4", 1e-4), ("midpoint", 1e-2)])
def test_there_and_back_again(method, tolerance):
    there = integrate_flow(U, X0, (0.0, 1.0), 40, method)[0][-1]
    back = integrate_flow(U, there, (1.0, 0.0), 40, method)[0][-1]
    assert (back - X0).abs().max() < tolerance


def test_the_flow_of_one_gaussian_is_known():
    # data N(m, s^2 I): the flow is the affine map x -> m + c(1) x with c(t)^2 = sigma^2 + t^2 s^2
    field = exact.velocity_field(GaussianMixture([{"mean": [2.0, -1.0], "std": 0.5}]), StraightPath(0.1))
    end = integrate_flow(field, X0, n_steps=1, atol=1e-10, rtol=1e-10)[0][-1]
    expected = torch.tensor([2.0, -1.0]).double() + math.sqrt(0.26) * X0
    torch.testing.assert_close(end, expected, rtol=1e-7, atol=1e-7)


def test_gradients_only_when_asked_for():
    scale = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    assert not integrate_flow(lambda x, t: scale * x, X0, n_steps=2, method="euler")[0].requires_grad
    end = integrate_flow(lambda x, t: scale * x, X0, n_steps=2, method="euler", differentiable=True)[0][-1]
    (gradient,) = torch.autograd.grad(end.sum(), scale)
    torch.testing.assert_close(gradient, X0.sum() * (1 + 2.0 / 2))  # d/ds (1 + s/2)^2 = 1 + s/2
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_is_kept(dtype):
    trajectory, t = integrate_flow(U, X0.to(dtype), n_steps=2)
    assert trajectory.dtype == t.dtype == dtype


def test_the_solver_passes_the_condition_on():
    y = torch.tensor([[1.0], [2.0], [-3.0]], dtype=torch.float64)
    end = integrate_flow(lambda x, t, y: y.expand_as(x), normal(3, 2), n_steps=4, method="euler", condition=y)
    torch.testing.assert_close(end[0][-1], normal(3, 2) + y)
    whole = integrate_flow(partial(lambda x, t, y: y * x, y=y), normal(3, 2), n_steps=50, method="rk4")[0][-1]
    torch.testing.assert_close(whole, normal(3, 2) * y.exp(), rtol=1e-5, atol=1e-8)
