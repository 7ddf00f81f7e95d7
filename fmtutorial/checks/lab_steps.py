"""Bugs in the steps of a solver or sampler: broken programs as tutorials have them, and right ones."""

import math

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, normal, number
from fmtutorial.checks._lab import PROGRAM, Bug
from fmtutorial.checks.chapter00 import euler, solver_inputs


# 3 and 4. Steps, points and times that do not fit together; 8. time that runs the other way.
def euler_at(times):
    """Euler's method that asks for the velocity at times(n)."""
    return lambda v, x0, n: euler(v, x0, n, times(n))


euler_past_the_end = euler_at(lambda n: [k / n for k in range(n + 1)])
euler_stretched = euler_at(lambda n: [k / max(n - 1, 1) for k in range(n)])
euler_backwards = euler_at(lambda n: [1 - k / n for k in range(n)])
euler_at_the_end = euler_at(lambda n: [(k + 1) / n for k in range(n)])
euler_short = euler_at(lambda n: [k / n for k in range(n - 1)])
euler_standing = euler_at(lambda n: [0.0] * n)


def euler_counting(v, x0, n):
    x, t = x0.clone(), 0.0
    for _ in range(n):
        x, t = x + v(x, t) / n, t + 1 / n
    return x


field_inputs = solver_inputs((1, 2, 2), (4, 2, 5), (3, 3, 8))

EULER_MISTAKES = {
    "Still n + 1 steps: it goes past t = 1.": euler_past_the_end,
    "The times still run ahead of x: with n steps of 1/n they are k/n.": euler_stretched,
    "Time still runs backwards while x goes forward.": euler_backwards,
    "Now the velocity is taken at the end of each step.": euler_at_the_end,
    "Now one step is missing.": euler_short,
    "Now time stands still.": euler_standing,
}


def euler_bug(broken, insight):
    exercise = Exercise(PROGRAM, lambda v, x0, n: euler(v, x0, n), field_inputs, insight, EULER_MISTAKES)
    return Bug(exercise, broken, (euler, euler_counting))


# 5. Noise that is multiplied in twice.
def diffuse(drift, x, h, z):
    return x + h * drift(x) + math.sqrt(2 * h) * z


def diffuse_broken(drift, x, h, z):
    noise = math.sqrt(2 * h) * z
    return x + h * drift(x) + noise * z


def drift_inputs(g):
    cases = []
    for n, d, dtype in SHAPES:
        x, h, z = normal(g, n, d, dtype=dtype), number(g, 0.05, 0.4), normal(g, n, d, dtype=dtype)
        a = number(g, 0.5, 1.5)
        cases.append((lambda x, a=a: -a * x, x, h, z))
    return cases


EXERCISES = {
    "lab.3": euler_bug(euler_past_the_end, "A constant velocity of 1 must move every point by exactly 1: the test needs one line."),
    "lab.4": euler_bug(euler_stretched, "No picture shows it, and the order of convergence hardly does. Write down the times that the velocity is asked for."),
    "lab.5": Bug(
        Exercise(
            PROGRAM,
            diffuse,
            drift_inputs,
            "The mean of z * z is 1, not 0: the first two moments of a step find it.",
            {
                "The noise is still multiplied in twice: z * z is never negative.": diffuse_broken,
                "Now the 2 is gone: the variance of a step is 2h.": lambda f, x, h, z: x + h * f(x) + math.sqrt(h) * z,
                "Now there is no noise at all.": lambda f, x, h, z: x + h * f(x),
                "Noise grows with the root of the step: sqrt(2h), not 2h.": lambda f, x, h, z: x + h * f(x) + 2 * h * z,
            },
        ),
        diffuse_broken,
        (diffuse, lambda drift, x, h, z: x + drift(x) * h + z * (2 * h) ** 0.5),
    ),
    "lab.8": euler_bug(euler_backwards, "Training says t = 0 is noise, and so must sampling: a velocity that depends on t shows which end came first."),
}  # fmt: skip
