"""The checks of chapter 05: steps, trajectories, orders, evaluations, and the way back."""

import functools

import torch

from fmtutorial import exact
from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import normal, number
from fmtutorial.checks.chapter00 import euler
from fmtutorial.distributions import standard_mixture
from fmtutorial.paths import StraightPath
from fmtutorial.sampling import CountEvaluations, euler_step, integrate_flow, midpoint_step

SHAPES = [(1, 2), (4, 2), (3, 3)]
TOLERANCE = 0.02


def field(g):
    """A velocity that is linear in neither x nor t."""
    a, b = number(g, 0.5, 1.0), number(g, 1.0, 2.0)
    return lambda x, t: a * torch.sin(x).roll(1, -1) + b * t * t * x


def step_inputs(g):
    return [(field(g), normal(g, n, d), number(g, 0.1, 0.5), number(g, 0.1, 0.4)) for n, d in SHAPES]


def heun(v, x, t, h):
    k = v(x, t)
    return x + h / 2 * (k + v(x + h * k, t + h))


def solve_inputs(g):
    return [(field(g), normal(g, n, d), k) for (n, d), k in zip(SHAPES, (2, 4, 7), strict=True)]


def states(v, x0, times, h):
    """x0 and the state after each Euler step."""
    kept = [x0]
    for t in times:
        kept.append(euler_step(v, kept[-1], t, h))
    return torch.stack(kept)


def grid(n):
    return [k / n for k in range(n)]


def keeps_gradient(solve) -> str | None:
    """A complaint if the trajectory of a network holds its whole computation."""
    net = torch.nn.Linear(2, 2)
    trajectory = solve(lambda x, t: net(x), torch.zeros(3, 2), 2)
    if getattr(trajectory, "requires_grad", False):
        return "The numbers are right, but the gradient is kept through the solver: use torch.no_grad(), or memory grows with every step."
    return None


def error_inputs(g):
    cases = []
    for order in (1, 2, 4):
        steps = torch.tensor([4.0, 8.0, 16.0, 32.0], dtype=torch.float64)
        cases.append(
            (steps, number(g, 0.5, 2.0) * steps**-order * (1 + 0.02 * normal(g, 4, dtype=torch.float64)))
        )
    return cases


def slope(x, y):
    x, y = x - x.mean(), y - y.mean()
    return (x * y).sum() / x.square().sum()


@functools.cache
def reference():
    """The exact velocity of the standard mixture, noise, and where it ends."""
    v, x0 = (
        exact.velocity_field(standard_mixture(), StraightPath()),
        torch.randn(400, 2, generator=torch.Generator().manual_seed(0)),
    )
    return v, x0, integrate_flow(v, x0, n_steps=60, method="rk4")[0][-1]


@functools.cache
def measured(name: str, n_steps: int) -> tuple[int, float]:
    """NFE, and rms distance of the end points from those of a tight solution."""
    v, x0, ideal = reference()
    counted = CountEvaluations(v)
    end = integrate_flow(counted, x0, n_steps=n_steps, method=name)[0][-1]
    return counted.nfe, float((end - ideal).square().mean().sqrt())


def verdict(answer) -> str:
    """A word for a pair (method, n_steps)."""
    try:
        name, n = answer
        n = float(n)
    except (TypeError, ValueError):
        return "no such choice"
    if name not in ("euler", "midpoint", "rk4") or int(n) != n or not 1 <= n <= 200:
        return "no such choice"
    nfe, error = measured(name, int(n))
    if error > TOLERANCE:
        return "not accurate enough"
    return "right" if nfe <= fewest() else "accurate, but not the cheapest"


@functools.cache
def fewest() -> int:
    """The least number of evaluations that reaches the tolerance."""
    runs = [
        measured(m, n) for m, k in (("euler", 1), ("midpoint", 2), ("rk4", 4)) for n in range(1, 16 // k + 1)
    ]
    return min(nfe for nfe, error in runs if error <= TOLERANCE)


def backwards(v, x1, n, sign=-1.0, times=None):
    x, h = x1, 1 / n
    for t in [1 - k / n for k in range(n)] if times is None else times:
        x = midpoint_step(v, x, t, sign * h)
    return x


EVALUATIONS = {"euler": 1, "midpoint": 2, "rk4": 4}

EXERCISES = {
    "05.1": Exercise(
        expects="a function step(v, x, t, h) -> (n, d): one step of the midpoint rule",
        truth=midpoint_step,
        inputs=step_inputs,
        insight="Two evaluations a step, and an error of h^3: the same two spent on Euler steps gain a factor of 2 only.",
        mistakes={
            "This is Euler's step: use the velocity half-way.": euler_step,
            "The place is right, the time is not: at the midpoint it is t + h/2.": lambda v, x, t, h: x + h * v(x + h / 2 * v(x, t), t),
            "The time is right, the place is not: go half a step to the midpoint first.": lambda v, x, t, h: x + h * v(x, t + h / 2),
            "You went a whole step to find the midpoint: it is half a step away.": lambda v, x, t, h: x + h * v(x + h * v(x, t), t + h / 2),
            "This is Heun's method (the mean of the velocities at both ends): of order 2 as well, but not the midpoint rule.": heun,
            "The last step starts from x, not from the midpoint.": lambda v, x, t, h: x + h / 2 * v(x, t) + h * v(x + h / 2 * v(x, t), t + h / 2),
            "You took half a step with the midpoint's velocity: it is for the whole step.": lambda v, x, t, h: x + h / 2 * v(x + h / 2 * v(x, t), t + h / 2),
        },
    ),
    "05.2": Exercise(
        expects="a function solve(v, x0, n_steps) -> trajectory (n_steps + 1, n, d): Euler from t = 0 to 1, the start included",
        truth=lambda v, x0, n_steps: states(v, x0, grid(n_steps), 1 / n_steps),
        inputs=solve_inputs,
        further_check=keeps_gradient,
        insight="n steps have n + 1 points. Most off-by-one errors of samplers are born here.",
        mistakes={
            "Steps and points are off by one: n steps make n + 1 points, and the start is missing from yours.": lambda v, x0, n: states(v, x0, grid(n), 1 / n)[1:],
            "You took n + 1 steps of 1/n: it ends beyond t = 1.": lambda v, x0, n: states(v, x0, [k / n for k in range(n + 1)], 1 / n),
            "You took n points for n steps: that makes n - 1 steps, of 1 / (n - 1).": lambda v, x0, n: states(v, x0, grid(n - 1), 1 / (n - 1)),
            "Only the end came back: keep every state.": lambda v, x0, n: euler(v, x0, n),
            "Your times are k / (n - 1), your steps 1/n: the two run apart.": lambda v, x0, n: states(v, x0, [k / (n - 1) for k in range(n)], 1 / n),
        },
    ),
    "05.3": Exercise(
        expects="a function order(n_steps, errors) that returns the q in error ~ n_steps^-q, fitted to all points",
        truth=lambda n_steps, errors: -slope(n_steps.log(), errors.log()),
        inputs=error_inputs,
        rtol=0.02,
        insight="A straight line on doubly logarithmic axes. An implementation with the wrong order has a bug, however good its pictures.",
        mistakes={
            "The sign is wrong: the error falls with n, the order is positive.": lambda n, e: slope(n.log(), e.log()),
            "Take the logarithm of both: error against log n is not a line.": lambda n, e: -slope(n.log(), e),
            "Take the logarithm of n too: log error against n is not a line.": lambda n, e: -slope(n, e.log()),
            "This is how much the error falls when n doubles, 2^q: take its logarithm.": lambda n, e: 2 ** -slope(n.log(), e.log()),
            "Between the first and last point the exponent is log of the ratio of errors over log of the ratio of steps; yours lacks the latter.": lambda n, e: (e[0] / e[-1]).log(),
        },
    ),
    "05.4": Exercise(
        expects='a function nfe(method, n_steps) for "euler", "midpoint" and "rk4" that returns how often the velocity is evaluated',
        truth=lambda method, n_steps: EVALUATIONS[method] * n_steps,
        inputs=lambda g: [("euler", 10), ("midpoint", 4), ("rk4", 8), ("midpoint", 1)],
        insight="Compare solvers at equal NFE, never at equal steps: one call of the network is the unit of cost.",
        mistakes={
            "Steps are not evaluations: midpoint needs two a step, rk4 four.": lambda m, n: n,
            "You counted the points: n steps evaluate nothing at the end point.": lambda m, n: EVALUATIONS[m] * (n + 1),
            "The order of rk4 and its number of evaluations are both 4, but midpoint needs 2 as well: one a stage.": lambda m, n: (4 if m == "rk4" else 1) * n,
            "Midpoint's half step does not make the whole step three evaluations.": lambda m, n: {"euler": 1, "midpoint": 3, "rk4": 4}[m] * n,
        },
    ),
    "05.5": Exercise(
        expects=f'a pair such as ("euler", 30): the solver and number of steps that reach an rms error of {TOLERANCE} with the fewest evaluations',
        truth=lambda: "right",
        inputs=None,
        compared_quantity=verdict,
        insight="Two steps of rk4, 8 evaluations. Midpoint needs half as many again, Euler about a hundred.",
        mistakes={
            "Not accurate enough: measure the rms distance to a tight solution with the same x0.": lambda: "not accurate enough",
            "Accurate enough, but another choice needs fewer evaluations: compare all three at equal NFE.": lambda: "accurate, but not the cheapest",
            'Choose "euler", "midpoint" or "rk4" and a whole number of steps up to 200.': lambda: "no such choice",
        },
    ),
    "05.6": Exercise(
        expects="a function encode(v, x1, n_steps) -> (n, d): from data at t = 1 back to noise at t = 0 with the midpoint rule",
        truth=backwards,
        inputs=solve_inputs,
        insight="The same field, a negative step: the flow is a bijection, and this is the way to likelihoods and edits.",
        mistakes={
            "The velocity is right and the step has the wrong sign: back in time h is negative.": lambda v, x1, n: backwards(v, x1, n, sign=1.0),
            "You start at t = 0: the data are at t = 1.": lambda v, x1, n: backwards(v, x1, n, times=grid(n)),
            "This integrates forward from t = 0: it would carry the data even further.": lambda v, x1, n: backwards(v, x1, n, sign=1.0, times=grid(n)),
            "These are Euler steps: use the midpoint rule, or the way back differs from the way there.": lambda v, x1, n: euler(v, x1, n, [1 - k / n for k in range(n)], -1 / n),
            "Your first time is 1 - 1/n: a step back begins at t = 1.": lambda v, x1, n: backwards(v, x1, n, times=[1 - (k + 1) / n for k in range(n)]),
        },
    ),
}  # fmt: skip
