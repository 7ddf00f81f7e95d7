"""The checks of chapter 05: steps, trajectories, extrapolation, evaluations, and the way back."""

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


def broken(v, x0, n):
    """The faulty loop that 05.2 gives: no start, and the clock of linspace(0, 1, n)."""
    return states(v, x0, torch.linspace(0, 1, n).tolist(), 1 / n)[1:]


def end_points(g):
    """End points of a method of order q with n and 2n steps: the truth and an error that falls as n^-q."""
    cases = []
    for q in (1, 2, 4):
        truth, error = normal(g, 4, 2, dtype=torch.float64), normal(g, 4, 2, dtype=torch.float64)
        cases.append((truth + error, truth + error / 2**q, q))
    return cases


def round_trip_factor(q):
    """Two errors C h^(q+1) and C (-h)^(q+1): they cancel for an even q, and order q + 1 is left."""
    return 2.0 ** (q + 1 if q % 2 == 0 else q)


@functools.cache
def reference():
    """The exact velocity of the standard mixture, noise, and where it ends."""
    v = exact.velocity_field(standard_mixture(), StraightPath())
    x0 = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    return v, x0, integrate_flow(v, x0, n_steps=60, method="rk4")[0][-1]


@functools.cache
def measured(name: str, n_steps: int) -> tuple[int, float]:
    """NFE, and the rms over the points of their distance from the ends of a tight solution."""
    v, x0, ideal = reference()
    counted = CountEvaluations(v)
    end = integrate_flow(counted, x0, n_steps=n_steps, method=name)[0][-1]
    return counted.nfe, float((end - ideal).square().sum(1).mean().sqrt())


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


EVALUATIONS = {"euler": 1, "midpoint": 2, "rk4": 4}

EXERCISES = {
    "05.1": Exercise(
        expects="a function step(v, x, t, h) -> (n, d): one step of the midpoint rule",
        truth=midpoint_step,
        inputs=step_inputs,
        insight="Two evaluations a step, and an error of h^3. Spent on two Euler steps of h/2 they only halve the error of one Euler step of h.",
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
        insight="n steps have n + 1 points: counting both guards against off-by-one errors.",
        mistakes={
            "Steps and points are off by one: n steps make n + 1 points, and the start is missing from yours.": lambda v, x0, n: states(v, x0, grid(n), 1 / n)[1:],
            "You took n + 1 steps of 1/n: it ends beyond t = 1.": lambda v, x0, n: states(v, x0, [k / n for k in range(n + 1)], 1 / n),
            "The start is there, but your times still are linspace(0, 1, n): k / (n - 1), while your steps are 1/n, and the two run apart.": lambda v, x0, n: states(v, x0, torch.linspace(0, 1, n).tolist(), 1 / n),
            "You took n points for n steps: that makes n - 1 steps, of 1 / (n - 1).": lambda v, x0, n: states(v, x0, grid(n - 1), 1 / (n - 1)),
            "Only the end came back: keep every state.": lambda v, x0, n: euler(v, x0, n),
            "This is the broken loop as it was: its start is missing, its clock is linspace(0, 1, n), and it keeps gradients.": broken,
        },
    ),
    "05.3": Exercise(
        expects="a function extrapolate(coarse, fine, q) -> (n, d): the end points with n and 2n steps combined so that an error ~ n^-q cancels",
        truth=lambda coarse, fine, q: (2**q * fine - coarse) / (2**q - 1),
        inputs=end_points,
        insight="Richardson's extrapolation: two Euler runs, 3n evaluations, and order 2. (fine - coarse) / (2^q - 1) estimates x* - fine, and adaptive solvers steer by estimates of this kind.",
        mistakes={
            "You took q = 1 whatever q is: the error shrinks by 2^q when n doubles.": lambda c, f, q: 2 * f - c,
            "The two are exchanged: the finer run deserves the large weight.": lambda c, f, q: (2**q * c - f) / (2**q - 1),
            "The weights do not add up to 1: divide by 2^q - 1.": lambda c, f, q: 2**q * f - c,
            "Both errors have the same sign, so a mean does not cancel them: one weight is negative.": lambda c, f, q: (2**q * f + c) / (2**q + 1),
            "The plain mean keeps most of the larger error.": lambda c, f, q: (c + f) / 2,
            "The factor is 2^q, not q.": lambda c, f, q: (q * f - c) / (q - 1) if q > 1 else None,
            "You divided by 2^q: from the two equations 2^q - 1 is left.": lambda c, f, q: f + (f - c) / 2**q,
            "The correction has the wrong sign: the finer run lies between the coarse one and the truth.": lambda c, f, q: f - (f - c) / (2**q - 1),
        },
    ),
    "05.4": Exercise(
        expects='a function nfe(method, n_steps) for "euler", "midpoint" and "rk4" that returns how often the velocity is evaluated',
        truth=lambda method, n_steps: EVALUATIONS[method] * n_steps,
        inputs=lambda g: [("euler", 10), ("midpoint", 4), ("rk4", 8), ("midpoint", 1)],
        insight="Compare solvers at equal NFE, never at equal steps: one call of the network is the unit of cost.",
        mistakes={
            "Steps are not evaluations: midpoint needs two a step, rk4 four.": lambda m, n: n,
            "You counted the points: there are n + 1, but the last one starts no step.": lambda m, n: EVALUATIONS[m] * (n + 1),
            "The order of rk4 and its number of evaluations are both 4, but midpoint needs 2 as well: one a stage.": lambda m, n: (4 if m == "rk4" else 1) * n,
            "Midpoint's half step does not make the whole step three evaluations.": lambda m, n: {"euler": 1, "midpoint": 3, "rk4": 4}[m] * n,
        },
    ),
    "05.5": Exercise(
        expects=f'a pair such as ("euler", 30): the solver and number of steps that reach an error of {TOLERANCE} (rms over the points of the distance) with the fewest evaluations',
        truth=lambda: "right",
        inputs=None,
        compared_quantity=verdict,
        insight="Two steps of rk4, 8 evaluations. Midpoint needs 12, half as many again, and Euler more than a hundred.",
        mistakes={
            "Not accurate enough: measure the rms distance to a tight solution with the same x0.": lambda: "not accurate enough",
            "Accurate enough, but another choice needs fewer evaluations: compare all three at equal NFE.": lambda: "accurate, but not the cheapest",
            'Choose "euler", "midpoint" or "rk4" and a whole number of steps up to 200.': lambda: "no such choice",
        },
    ),
    "05.6": Exercise(
        expects="a function round_trip_factor(q) -> number: by what factor the round trip's error falls when the steps are doubled, for an explicit Runge-Kutta method of order q",
        truth=round_trip_factor,
        inputs=lambda g: [(1,), (2,), (3,), (4,), (5,)],
        rtol=0.05,
        insight="For an even order the leading errors of -h and +h cancel, so midpoint's round trip has order 3 and rk4's 5: a small round trip does not certify a code.",
        mistakes={
            "This is the factor one way. Add the errors of a step of h and one of -h: for an even q something cancels.": lambda q: 2.0**q,
            "You took the cancelling for every q: for an odd q the power q + 1 is even, and the two errors add.": lambda q: 2.0 ** (q + 1),
            "Odd and even are exchanged: (-h)^(q+1) = -h^(q+1) needs an odd q + 1.": lambda q: 2.0 ** (q if q % 2 == 0 else q + 1),
            "This is the order; the factor for twice the steps is 2 to this power.": lambda q: q + 1 if q % 2 == 0 else q,
            "This is the factor for one step; n steps add up, so one power of h is lost.": lambda q: 2.0 ** (q + 2 if q % 2 == 0 else q + 1),
            "The error falls: give the factor by which it shrinks, larger than 1.": lambda q: 1 / round_trip_factor(q),
            "There are not two factors to multiply: the two errors add, or cancel.": lambda q: 4.0**q,
        },
    ),
}  # fmt: skip
