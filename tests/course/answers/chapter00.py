"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import numpy as np
import torch


def line_by_rows(noise, data, time):
    return torch.stack([t * b + (1 - t) * a for a, b, t in zip(noise, data, time, strict=True)])


def euler_while(velocity, start, k):
    x, i = start, 0
    while i < k:
        x = x + velocity(x, torch.tensor(i / k)) / k
        i += 1
    return x


def euler_one_more(v, x0, n_steps):
    x = x0
    for k in range(n_steps + 1):
        x = x + v(x, k / n_steps) / n_steps
    return x


def euler_linspace(v, x0, n_steps):
    x = x0
    for t in torch.linspace(0, 1, n_steps):
        x = x + v(x, t) / n_steps
    return x


def euler_backwards(v, x0, n_steps):
    x = x0
    for k in range(n_steps, 0, -1):
        x = x + v(x, k / n_steps) / n_steps
    return x


def euler_frozen(v, x0, n_steps):
    x = x0
    for _ in range(n_steps):
        x = x + v(x, 0.0) / n_steps
    return x


def euler_as_given(v, x0, n_steps):
    """The sampler that 00.4 asks to repair."""
    x = x0
    for t in torch.linspace(0, 1, n_steps):
        x += v(x, t) / n_steps
    return x


def first_by_least_squares(noise, data):
    """The best constant for each place, by solving the least squares problem."""
    ones = torch.ones(len(data), 1, dtype=data.dtype)
    return torch.cat([torch.linalg.lstsq(ones, data - place).solution for place in noise])


ANSWERS = {
    "00.1": (
        [
            lambda x0, x1, t: torch.lerp(x0, x1, t.unsqueeze(1)),
            line_by_rows,
            lambda a, b, s: (torch.einsum("n,nd->nd", s.double(), b.double()) + torch.einsum("n,nd->nd", 1 - s.double(), a.double())),
            lambda x0, x1, t: (x0.numpy() + t.numpy()[:, None] * (x1.numpy() - x0.numpy())),
        ],
        [
            (lambda x0, x1, t: torch.lerp(x1, x0, t[:, None]), "reversed"),
            (lambda x0, x1, t: x0 + x1 * t.reshape(-1, 1), "must fade"),
            (lambda x0, x1, t: t.reshape(-1, 1) * (x0 + x1), "1 - t"),
            (lambda x0, x1, t: t * x1 + (1 - t) * x0, "broadcast"),
            (lambda x0, x1, t: x0.add_(t[:, None] * (x1 - x0)), "in place"),
            (lambda x0, x1, t: torch.lerp(x0, x1, t[:, None])[:1], "shape"),
        ],
    ),
    "00.2": (
        [lambda a, b: b - a, lambda x0, x1: torch.stack([q - p for p, q in zip(x0, x1, strict=True)]), lambda x0, x1: np.subtract(x1.numpy(), x0.numpy())],
        [
            (lambda x0, x1: x0 - x1, "from the data to the noise"),
            (lambda x0, x1: x1, "where the line ends"),
            (lambda x0, x1: x0 + x1, "wrong sign"),
            (lambda x0, x1: torch.nn.functional.normalize(x1 - x0), "unit vector"),
        ],
    ),
    "00.3": (
        [
            lambda x0, x1: x1.mean(0) - x0,
            first_by_least_squares,
            lambda a, b: np.mean(b.numpy(), axis=0) - a.numpy(),
            lambda x0, x1: (x1[None] - x0[:, None]).mean(1),
        ],
        [
            (lambda x0, x1: x1 - x0, "do not belong together"),
            (lambda x0, x1: x0 - x1.mean(dim=0), "away from the data"),
            (lambda x0, x1: x1.mean(0, keepdim=True).repeat(len(x0), 1), "where the step ends"),
            (lambda x0, x1: (x1 - x0).mean(0) + 0 * x0, "sees its x0"),
            (lambda x0, x1: x1.mean() - x0, "rows and columns"),
            (lambda x0, x1: x1.median(dim=0).values - x0, "median"),
            (lambda x0, x1: x1.mean(0), "shape"),
            (lambda x0, x1: x0.neg_().add_(x1.mean(0)), "in place"),
        ],
    ),
    "00.4": (
        [euler_while, lambda v, x0, n: __import__("functools").reduce(lambda x, k: x + v(x, k / n) / n, range(n), x0), lambda f, y, n: euler_while(f, y, n).double()],
        [
            (euler_one_more, "n + 1 steps"),
            (euler_linspace, "off by one"),
            (euler_backwards, "Time is reversed"),
            (euler_frozen, "stands still"),
            (euler_as_given, "in place"),
            (lambda v, x0, n: euler_one_more(v, x0, n) * 0 + x0, "returns one of its arguments"),
        ],
    ),
    "00.5": (
        [
            lambda x0, n: (1 + 1 / n) ** n * x0,
            lambda noise, steps: euler_while(lambda x, t: x, noise, steps),
            lambda x0, n: x0.numpy() * np.exp(n * np.log1p(1 / n)),
        ],
        [
            (lambda x0, n: x0 * torch.e, "limit of many steps"),
            (lambda x0, n: x0.clone(), "nothing moves"),
            (lambda x0, n: x0 + sum(x0 / n for _ in range(n)), "doubles x0"),
            (lambda x0, n: euler_while(lambda x, t: -x, x0, n), "sign is wrong"),
            (lambda x0, n: euler_one_more(lambda x, t: x, x0, n), "one step too many"),
            (lambda x0, n: x0 + x0 / n, "one step of size 1/n"),
        ],
    ),
}  # fmt: skip
