"""The checks of chapter 00: the whole method in small."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import each, normal, number, points, uniform
from fmtutorial.sampling import euler_step


def flat_times(g, n, d, dtype):
    return uniform(g, n, dtype=dtype)


def line_inputs(g):
    """As everywhere, and batches with n = d and with d = 1, where a wrong broadcast goes unnoticed."""
    square = (normal(g, 3, 3), normal(g, 3, 3), uniform(g, 3))
    column = (normal(g, 4, 1), normal(g, 4, 1), uniform(g, 4))
    return [*each(points, points, flat_times)(g), square, column]


def data_inputs(g):
    """Noise, and a data set of as many rows whose mean is not zero."""
    cases = []
    for x0, x1 in each(points, points)(g):
        cases.append((x0, 2 * x1 + 1.0))
    return cases


def euler(v, x0, n_steps, times=None, h=None):
    """Euler's method with the times and the step given."""
    h = 1 / n_steps if h is None else h
    x = x0
    for t in [k / n_steps for k in range(n_steps)] if times is None else times:
        x = euler_step(v, x, t, h)
    return x


def solver_inputs(*sizes):
    """inputs(g): a velocity that depends on x and t, and for every (n, d, steps) points to start from."""

    def inputs(g):
        a, b = number(g, 0.5, 1.0), number(g, 1.0, 2.0)
        return [(lambda x, t: a * x.roll(1, -1) + b * t * t, normal(g, n, d), k) for n, d, k in sizes]

    return inputs


EXERCISES = {
    "00.1": Exercise(
        expects="a function point(x0, x1, t) with x0, x1 of shape (n, d) and t of shape (n,); returns (n, d)",
        truth=lambda x0, x1, t: t[:, None] * x1 + (1 - t[:, None]) * x0,
        inputs=line_inputs,
        insight="At t = 0 this is the noise, at t = 1 the data, and in between a straight line.",
        mistakes={
            "Time is reversed: at t = 0 you stand on the data. In this course x0 is noise and belongs to t = 0.": lambda x0, x1, t: (1 - t[:, None]) * x1 + t[:, None] * x0,
            "You add t x1 to all of x0: the noise must fade as 1 - t.": lambda x0, x1, t: x0 + t[:, None] * x1,
            "One time for the whole batch: use each row's own t.": lambda x0, x1, t: t[0] * x1 + (1 - t[0]) * x0,
            "You used t where the noise needs 1 - t.": lambda x0, x1, t: t[:, None] * (x1 + x0),
        },
    ),
    "00.2": Exercise(
        expects="a function target(x0, x1) -> (n, d), the velocity of x_t = t x1 + (1 - t) x0",
        truth=lambda x0, x1: x1 - x0,
        inputs=each(points, points),
        insight="The velocity of a straight line does not depend on t: that is what makes the target so simple.",
        mistakes={
            "The sign is wrong: this velocity goes from the data to the noise. Differentiate x_t with respect to t.": lambda x0, x1: x0 - x1,
            "This is where the line ends, not how fast it moves there.": lambda x0, x1: x1,
            "The noise enters with the wrong sign: d/dt of (1 - t) x0 is -x0.": lambda x0, x1: x1 + x0,
            "This is a unit vector: the velocity has the length of the whole line, as t goes from 0 to 1.": lambda x0, x1: (x1 - x0) / (x1 - x0).norm(dim=1, keepdim=True),
        },
    ),
    "00.3": Exercise(
        expects="a function first_velocity(x0, x1) -> (n, d): the best guess of x1 - x0 at each place x0, where x1 is any row of the data set",
        truth=lambda x0, x1: x1.mean(0) - x0,
        inputs=data_inputs,
        insight="One step of size 1 from here lands every particle on the mean of the data. Hence more steps than one, and trajectories that turn or change their speed.",
        mistakes={
            "You paired the rows of x1 with those of x0: they do not belong together. At t = 0 nobody knows which x1 it will be, so average over all of them.": lambda x0, x1: x1 - x0,
            "The sign is wrong: this velocity leads away from the data.": lambda x0, x1: x0 - x1.mean(0),
            "This is where the step ends, not the velocity: subtract the place x0.": lambda x0, x1: x1.mean(0).expand_as(x0),
            "You averaged over x0 too, but the network sees its x0: each row has its own answer.": lambda x0, x1: (x1 - x0).mean(0).expand_as(x0),
            "You took one mean over rows and columns: each coordinate has its own, mean(dim=0).": lambda x0, x1: x1.mean() - x0,
            "The median makes the mean absolute error smallest, the mean the mean squared error.": lambda x0, x1: x1.median(0).values - x0,
        },
    ),
    "00.4": Exercise(
        expects="a function sample(v, x0, n_steps) -> (n, d): Euler's method from t = 0 to t = 1 with n_steps equal steps",
        truth=euler,
        inputs=solver_inputs((1, 2, 1), (4, 2, 4), (3, 3, 7)),
        insight="n steps of 1/n, each with the velocity at its own beginning: 0, 1/n, ..., (n - 1)/n.",
        mistakes={
            "You took n + 1 steps of 1/n: the last one goes past t = 1.": lambda v, x0, n: euler(v, x0, n, [k / n for k in range(n + 1)]),
            "Steps and points are off by one: with times k / (n - 1) and steps of 1/n, t runs ahead of x.": lambda v, x0, n: euler(v, x0, n, torch.linspace(0, 1, n).tolist()),
            "You took the velocity at the end of each step: Euler's method takes it at the beginning.": lambda v, x0, n: euler(v, x0, n, [(k + 1) / n for k in range(n)]),
            "Time is reversed: your t goes from 1 to 0 while x goes forward.": lambda v, x0, n: euler(v, x0, n, [1 - k / n for k in range(n)]),
            "Time stands still: you asked for the velocity at t = 0 in every step.": lambda v, x0, n: euler(v, x0, n, [0.0] * n),
            "One step is missing: n - 1 steps of 1/n end before t = 1.": lambda v, x0, n: euler(v, x0, n, [k / n for k in range(n - 1)]),
        },
    ),
    "00.5": Exercise(
        expects="a function leaked_samples(x0, n_steps) -> (n, d): where n Euler steps end if v_theta(x1, t) was fitted to x1 - x0",
        truth=lambda x0, n: (1 + 1 / n) ** n * x0,
        inputs=lambda g: [(normal(g, 4, 2), 1), (normal(g, 3, 3), 4), (normal(g, 1, 2), 10)],
        insight="The network learns v(x, t) = x. Its loss is the variance of the noise, 1, and its samples are the noise, up to e times as wide.",
        mistakes={
            "This is the exact solution of dx/dt = x, the limit of many steps. n Euler steps end a little earlier.": lambda x0, n: math.e * x0,
            "Here nothing moves. Given x1, the best guess of x1 - x0 is not zero: only the mean of x0 is.": lambda x0, n: x0,
            "This doubles x0: one step of size 1, or n steps that all use the first velocity. The velocity is the x of each step, which grows: every step multiplies it by 1 + 1/n.": lambda x0, n: 2 * x0,
            "The sign is wrong: given x1, the best guess of x1 - x0 is +x1, so the samples grow.": lambda x0, n: (1 - 1 / n) ** n * x0,
            "One step too many: n steps of 1/n end at t = 1.": lambda x0, n: (1 + 1 / n) ** (n + 1) * x0,
            "You took one step of size 1/n: n of them lead to t = 1.": lambda x0, n: (1 + 1 / n) * x0,
        },
    ),
}  # fmt: skip
