"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import numpy as np
import torch
from torchdiffeq import odeint

from fmtutorial import integrate_flow


@torch.no_grad()
def solve(v, x0, n_steps):
    states = [x0]
    for k in range(n_steps):
        states.append(states[-1] + v(states[-1], k / n_steps) / n_steps)
    return torch.stack(states)


@torch.no_grad()
def solve_into_a_table(v, start, n):
    table = torch.empty(n + 1, *start.shape)
    table[0] = start
    for i in range(n):
        table[i + 1] = table[i] + v(table[i], torch.tensor(i / n)) / n
    return table


def solve_with_gradient(v, x0, n):
    states = [x0]
    for k in range(n):
        states.append(states[-1] + v(states[-1], k / n) / n)
    return torch.stack(states)


@torch.no_grad()
def solve_over(v, x0, times, h):
    states = [x0]
    for t in times:
        states.append(states[-1] + h * v(states[-1], t))
    return torch.stack(states)


def broken_solve(v, x0, n_steps):
    """The loop of 05.2 as it is given."""
    x, states = x0, []
    for t in torch.linspace(0, 1, n_steps):
        x = x + v(x, t) / n_steps
        states.append(x)
    return torch.stack(states)


def solve_by_equations(coarse, fine, q):
    """The unknowns truth and error of coarse = truth + error, fine = truth + error / 2^q."""
    matrix = np.array([[1.0, 1.0], [1.0, 0.5**q]])
    right = np.stack([coarse.numpy().ravel(), fine.numpy().ravel()])
    return np.linalg.solve(matrix, right)[0].reshape(coarse.shape)


def factor_by_measurement(q):
    """From one interval: a step of h and one of -h, with an error of C h^(q+1) + D h^(q+2) each."""

    def round_trip(n):
        h = 1 / n
        return n * (h ** (q + 1) + (-h) ** (q + 1) + h ** (q + 2))

    return round_trip(1000) / round_trip(2000)


ANSWERS = {
    "05.1": (
        [
            lambda v, x, t, h: x + h * v(x + h / 2 * v(x, t), t + h / 2),
            lambda f, y, s, dt: odeint(lambda t, x: f(x, t), y, torch.tensor([s, s + dt]), method="midpoint")[-1],
            lambda v, x, t, h: x.double() + h * v(x.double() + 0.5 * h * v(x.double(), t), t + 0.5 * h),
        ],
        [
            (lambda v, x, t, h: x + h * v(x, t), "Euler"),
            (lambda v, x, t, h: x + h * v(x + h / 2 * v(x, t), t), "the time is not"),
            (lambda v, x, t, h: x + h * v(x, t + h / 2), "the place is not"),
            (lambda v, x, t, h: x + h * v(x + h * v(x, t), t + h / 2), "whole step to find"),
            (lambda v, x, t, h: x + h / 2 * (v(x, t) + v(x + h * v(x, t), t + h)), "Heun"),
        ],
    ),
    "05.2": (
        [solve, solve_into_a_table, lambda v, x0, n: integrate_flow(v, x0, n_steps=n, method="euler")[0]],
        [
            (lambda v, x0, n: solve(v, x0, n)[1:], "start is missing"),
            (lambda v, x0, n: solve_over(v, x0, [k / n for k in range(n + 1)], 1 / n), "n + 1 steps"),
            (lambda v, x0, n: solve(v, x0, n - 1), "n - 1 steps"),
            (lambda v, x0, n: solve(v, x0, n)[-1], "Only the end"),
            (lambda v, x0, n: solve_over(v, x0, np.linspace(0, 1, n).tolist(), 1 / n), "run apart"),
            (solve_with_gradient, "gradient is kept"),
            (broken_solve, "as it was"),
        ],
    ),
    "05.3": (
        [
            lambda coarse, fine, q: (2**q * fine - coarse) / (2**q - 1),
            lambda c, f, q: f + (f - c) / (2**q - 1),
            solve_by_equations,
        ],
        [
            (lambda c, f, q: 2 * f - c, "whatever q is"),
            (lambda c, f, q: (2**q * c - f) / (2**q - 1), "exchanged"),
            (lambda c, f, q: 2**q * f - c, "add up to 1"),
            (lambda c, f, q: (c + f) / 2, "plain mean"),
            (lambda c, f, q: f + (c - f) / (2**q - 1), "wrong sign"),
            (lambda c, f, q: f + (f - c) / 2**q, "divided by 2^q"),
        ],
    ),
    "05.4": (
        [
            lambda method, n_steps: {"euler": 1, "midpoint": 2, "rk4": 4}[method] * n_steps,
            lambda m, n: sum((1, 2, 4)[("euler", "midpoint", "rk4").index(m)] for _ in range(n)),
            lambda m, n: torch.tensor(float(n)) * (1 if m == "euler" else 2 if m == "midpoint" else 4),
        ],
        [
            (lambda m, n: n, "Steps are not evaluations"),
            (lambda m, n: {"euler": 1, "midpoint": 2, "rk4": 4}[m] * (n + 1), "counted the points"),
            (lambda m, n: n * (4 if m == "rk4" else 1), "midpoint needs 2"),
            (lambda m, n: n * {"euler": 1, "midpoint": 3, "rk4": 4}[m], "three evaluations"),
        ],
    ),
    "05.5": (
        [("rk4", 2), ["rk4", 2], ("rk4", 2.0), ("rk4", np.int64(2))],
        [
            (("euler", 8), "Not accurate enough"),
            (("midpoint", 4), "Not accurate enough"),
            (("midpoint", 6), "fewer evaluations"),
            (("rk4", 3), "fewer evaluations"),
            (("dopri5", 2), "Choose"),
            ("rk4", "Choose"),
            (("rk4", 2.5), "Choose"),
        ],
    ),
    "05.6": (
        [lambda q: 2 ** (q + (q % 2 == 0)), lambda q: 2.0 ** (2 * (q // 2) + 1), factor_by_measurement],
        [
            (lambda q: 2**q, "one way"),
            (lambda q: 2 ** (q + 1), "for every q"),
            (lambda q: 2 ** (q + q % 2), "exchanged"),
            (lambda q: 2 * (q // 2) + 1, "This is the order"),
            (lambda q: 0.5 ** (2 * (q // 2) + 1), "larger than 1"),
        ],
    ),
}  # fmt: skip
