"""Bugs in the steps of a solver or sampler: broken programs as tutorials have them, and right ones."""

import math

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, normal, number
from fmtutorial.checks._lab import PROGRAM, Bug
from fmtutorial.solvers import euler_step


# 3 and 4. Steps, points and times that do not fit together; 8. time that runs the other way.
def euler_over(times, h):
    def solve(v, x0, n):
        x = x0
        for t in times(n):
            x = euler_step(v, x, t, h(n))
        return x

    return solve


def per_step(n):
    return 1 / n


euler = euler_over(lambda n: [k / n for k in range(n)], per_step)
euler_past_the_end = euler_over(lambda n: [k / n for k in range(n + 1)], per_step)
euler_stretched = euler_over(lambda n: [k / max(n - 1, 1) for k in range(n)], per_step)
euler_backwards = euler_over(lambda n: [1 - k / n for k in range(n)], per_step)
euler_at_the_end = euler_over(lambda n: [(k + 1) / n for k in range(n)], per_step)
euler_short = euler_over(lambda n: [k / n for k in range(n - 1)], per_step)
euler_standing = euler_over(lambda n: [0.0] * n, per_step)


def euler_counting(v, x0, n):
    x, t = x0.clone(), 0.0
    for _ in range(n):
        x, t = x + v(x, t) / n, t + 1 / n
    return x


def field_inputs(g):
    a, b = number(g, 0.5, 1.0), number(g, 1.0, 2.0)
    return [
        (lambda x, t: a * x.roll(1, -1) + b * t * t, normal(g, n, d), k)
        for n, d, k in [(1, 2, 2), (4, 2, 5), (3, 3, 8)]
    ]


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
