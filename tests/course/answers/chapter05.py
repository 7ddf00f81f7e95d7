"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import numpy as np
import torch
from torchdiffeq import odeint

from fmtutorial import integrate_flow
from fmtutorial.sampling import midpoint_step


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


def back(v, x, n, sign=-1, first=0, step=midpoint_step):
    for k in range(n):
        x = step(v, x, 1 - (k + first) / n, sign / n)
    return x


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
        ],
    ),
    "05.3": (
        [
            lambda n_steps, errors: -np.polyfit(np.log(n_steps.numpy()), np.log(errors.numpy()), 1)[0],
            lambda n, e: -torch.linalg.lstsq(torch.stack([n.log2(), torch.ones_like(n)], 1), e.log2()[:, None]).solution[0, 0],
            lambda n, e: -np.cov(np.log10(n.numpy()), np.log10(e.numpy()))[0, 1] / np.var(np.log10(n.numpy()), ddof=1),
        ],
        [
            (lambda n, e: np.polyfit(np.log(n), np.log(e), 1)[0], "sign is wrong"),
            (lambda n, e: -np.polyfit(np.log(n), e, 1)[0], "both"),
            (lambda n, e: -np.polyfit(n, np.log(e), 1)[0], "n too"),
            (lambda n, e: 2 ** -np.polyfit(np.log(n), np.log(e), 1)[0], "2^q"),
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
        [
            back,
            lambda v, x1, n: integrate_flow(v, x1, t_span=(1.0, 0.0), n_steps=n, method="midpoint")[0][-1],
            lambda f, y, k: back(lambda x, t: f(x, t).double(), y.double(), k),
        ],
        [
            (lambda v, x, n: back(v, x, n, sign=1), "wrong sign"),
            (lambda v, x, n: back(v, x, n, step=lambda f, y, t, h: y + h * f(y, t)), "Euler steps"),
            (lambda v, x, n: back(v, x, n, first=1), "begins at t = 1"),
            (lambda v, x, n: integrate_flow(v, x, n_steps=n, method="midpoint")[0][-1], "forward from t = 0"),
        ],
    ),
}  # fmt: skip
