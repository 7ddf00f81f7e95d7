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
            torch.nn.functional.mse_loss,
            lambda v, u: sum(float((a - b) ** 2) for a, b in zip(v.flatten(), u.flatten(), strict=True)) / v.numel(),
            lambda p, q: torch.einsum("nd,nd->", p - q, p - q) / p.numel(),
        ],
        [
            (lambda v, u: ((v - u) ** 2).sum(dim=1).mean(), "summed the squares over the dimensions"),
            (lambda v, u: torch.nn.functional.mse_loss(v, u, reduction="sum"), "summed over everything"),
            (lambda v, u: torch.nn.functional.l1_loss(v, u), "absolute"),
            (lambda v, u: torch.nn.functional.mse_loss(v, u) ** 0.5, "root"),
            (lambda v, u: ((v - u) ** 2).mean(dim=1), "shape"),
        ],
    ),
    "00.4": (
        [euler_while, lambda v, x0, n: __import__("functools").reduce(lambda x, k: x + v(x, k / n) / n, range(n), x0), lambda f, y, n: euler_while(f, y, n).double()],
        [
            (euler_one_more, "n + 1 steps"),
            (euler_linspace, "off by one"),
            (euler_backwards, "Time is reversed"),
            (euler_frozen, "stands still"),
            (lambda v, x0, n: euler_one_more(v, x0, n) * 0 + x0, "returns one of its arguments"),
        ],
    ),
}  # fmt: skip
