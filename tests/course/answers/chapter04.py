"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import numpy as np
import torch

from fmtutorial import StraightPath


def loss(model, x0, x1, t, sigma_min):
    path = StraightPath(sigma_min)
    return torch.nn.functional.mse_loss(model(path.sample(x0, x1, t), t), path.velocity(x0, x1, t))


def loss_by_rows(model, x0, x1, t, s):
    x_t = t * x1 + (1 - t + s * t) * x0
    squares = [(a - b) ** 2 for a, b in zip(model(x_t, t), x1 - x0 + s * x0, strict=True)]
    return sum(float(q.sum()) for q in squares) / x1.numel()


def loss_with(model, x0, x1, t, s, shown=None, target=None, time=None):
    x_t = t * x1 + (1 - (1 - s) * t) * x0
    u_t = x1 - (1 - s) * x0
    return (
        model(x_t if shown is None else shown, t if time is None else time)
        - (u_t if target is None else target)
    ).square()


def floor(velocity, x1, sigma_min, n=4):
    values = []
    for _ in range(n):
        x0, t = torch.randn_like(x1), torch.rand(len(x1), 1)
        path = StraightPath(sigma_min)
        values.append((velocity(path.sample(x0, x1, t), t) - path.velocity(x0, x1, t)).square().mean())
    return torch.stack(values).mean()


def floor_on_a_grid_of_times(velocity, x1, s):
    x0, total = torch.randn_like(x1), 0.0
    for k in range(40):
        t = (k + 0.5) / 40
        x_t = t * x1 + (1 - (1 - s) * t) * x0
        total += float((velocity(x_t, t) - x1 + (1 - s) * x0).square().mean()) / 40
    return total


def floor_in_double(velocity, x1, s):
    x1 = x1.double()
    x0, t = torch.randn_like(x1), (torch.arange(len(x1), dtype=torch.float64)[:, None] + 0.5) / len(x1)
    t = t[torch.randperm(len(t))]
    return (velocity(t * x1 + (1 - (1 - s) * t) * x0, t) - (x1 - (1 - s) * x0)).pow(2).mean()


def residual(velocity, x1, s, at=None):
    x0, t = torch.randn_like(x1), torch.rand(len(x1), 1)
    return x1 - (1 - s) * x0 - velocity(t * x1 + (1 - (1 - s) * t) * x0 if at is None else at, t)


def paired(v_a, v_b, u):
    gain = ((v_a - u) ** 2 - (v_b - u) ** 2).mean(dim=1)
    return gain.mean(), gain.std() / math.sqrt(len(gain))


def paired_by_hand(v_a, v_b, u):
    n, d = u.shape
    gains = [float(((a - c) ** 2 - (b - c) ** 2).sum()) / d for a, b, c in zip(v_a, v_b, u, strict=True)]
    mean = sum(gains) / n
    return mean, math.sqrt(sum((gain - mean) ** 2 for gain in gains) / n / n)


def paired_in_numpy(v_a, v_b, u):
    a, b = (((v - u) ** 2).mean(1).numpy() for v in (v_a, v_b))
    covariance = np.cov(a, b)
    return [(a - b).mean(), np.sqrt((covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]) / len(a))]


def not_repaired(v_a, v_b, u):
    a, b = (v_a - u) ** 2, (v_b - u) ** 2
    return (a - b).mean(), (a.var() / a.numel() + b.var() / b.numel()) ** 0.5


def unpaired(v_a, v_b, u):
    a, b = ((v_a - u) ** 2).mean(1), ((v_b - u) ** 2).mean(1)
    return (a - b).mean(), (a.var() / len(a) + b.var() / len(b)) ** 0.5


def over_elements(v_a, v_b, u):
    gain = ((v_a - u) ** 2 - (v_b - u) ** 2).flatten()
    return gain.mean(), gain.std() / math.sqrt(len(gain))


ANSWERS = {
    "04.1": (
        [loss, loss_by_rows, lambda m, a, b, t, s: loss_with(m, a, b, t, s).double().mean()],
        [
            (lambda m, x0, x1, t, s: loss_with(m, x0, x1, t, s, shown=x1).mean(), "shown x1"),
            (lambda m, x0, x1, t, s: loss_with(m, x0, x1, t, s, target=x1 - x0).mean(), "sigma_min = 0"),
            (lambda m, x0, x1, t, s: loss_with(m, x0, x1, t, s).sum(1).mean(), "summed over the dimensions"),
            (lambda m, x0, x1, t, s: loss_with(m, x0, x1, t, s, time=1 - t).mean(), "reversed"),
            (lambda m, x0, x1, t, s: loss_with(m, x0, x1, t, s, target=x1).mean(), "regress on x1"),
        ],
    ),
    "04.2": (
        [floor, floor_on_a_grid_of_times, floor_in_double],
        [
            (lambda v, x1, s: (x1 - (1 - s) * torch.randn_like(x1)).var(dim=0).mean(), "whole variance"),
            (lambda v, x1, s: residual(v, x1, s).square().sum(1).mean(), "summed over the dimensions"),
            (lambda v, x1, s: residual(v, x1, s, at=x1).square().mean(), "belongs to x_t"),
            (lambda v, x1, s: residual(v, x1, s).square().mean().sqrt(), "root"),
            (lambda v, x1, s: residual(v, x1, s).mean(), "Square it"),
        ],
    ),
    "04.3": (
        [
            lambda d: (1 - d) / (1 + d),
            lambda d: (1 - d) ** 2 / (1 - d**2),
            lambda d: sum(((1 - d) * d**j) ** 2 for j in range(20_000)),
        ],
        [
            (lambda d: 1 - d, "one over the memory"),
            (lambda d: 1 - 2 * d + d * d, "newest term"),
            (lambda d: 1 / (1 - d * d), "in front of the sum"),
            (lambda d: (1 - d) / (1 - d**2), "squared"),
            (lambda d: math.sqrt((1 - d) / (1 + d)), "standard deviation"),
        ],
    ),
    "04.4": (
        [
            lambda average, first, decay, n: (average - decay**n * first) / (1 - decay**n),
            lambda a, f, d, n: f + (a - f) / (1 - d**n),
            lambda a, f, d, n: (a.double() - math.exp(n * math.log(d)) * f.double()) / -math.expm1(n * math.log(d)),
        ],
        [
            (lambda a, f, d, n: a - d**n * f, "divide by that"),
            (lambda a, f, d, n: a / (1 - d**n), "still in it"),
            (lambda a, f, d, n: (a - f) / (1 - d**n), "not 1"),
            (lambda a, f, d, n: (a - d * f) / (1 - d), "undoes one step"),
            (lambda a, f, d, n: (a - (1 - d**n) * f) / d**n, "swapped"),
        ],
    ),
    "04.5": (
        [paired, paired_by_hand, paired_in_numpy],
        [
            (not_repaired, "unchanged"),
            (unpaired, "differences, not two"),
            (over_elements, "average over them first"),
            (lambda a, b, u: (paired(a, b, u)[0], paired(a, b, u)[1] * len(u) ** 0.5), "root of n"),
            (lambda a, b, u: (paired(a, b, u)[0], paired(a, b, u)[1] ** 2), "take the root"),
        ],
    ),
    "04.6": (
        [
            lambda u: (u - u.mean(0)).square().mean(),
            lambda u: u.var(0, unbiased=False).mean(),
            lambda u: 0.5 * (u[:, None].double() - u.double()).square().mean(),
        ],
        [
            (lambda u: torch.cdist(u, u).square().mean() / u.shape[1], "v_i = u_i"),
            (lambda u: u.pow(2).mean(), "v = 0"),
            (lambda u: u.std(0).square().mean(), "n - 1"),
            (lambda u: u.var(0, unbiased=False).sum(), "not a sum"),
            (lambda u: u.var(unbiased=False), "a vector"),
        ],
    ),
}  # fmt: skip
