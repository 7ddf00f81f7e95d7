"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

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
            lambda average, weights, decay: decay * average + (1 - decay) * weights,
            lambda a, w, d: torch.lerp(w.double(), a.double(), d),
            lambda a, w, d: torch.stack([p + (1 - d) * (q - p) for p, q in zip(a, w, strict=True)]),
        ],
        [
            (lambda a, w, d: (1 - d) * a + d * w, "swapped"),
            (lambda a, w, d: d * a + w, "add up to 1"),
            (lambda a, w, d: (a + w) / 2, "equally"),
            (lambda a, w, d: a + (1 - d) * (a - w), "away from the weights"),
        ],
    ),
    "04.4": (
        [
            lambda step, n_steps, lr: lr * (1 + math.cos(math.pi * step / n_steps)) / 2,
            lambda k, n, lr: lr * math.cos(math.pi * k / (2 * n)) ** 2,
            lambda k, n, lr: 0.5 * lr * (1 + torch.cos(torch.tensor(math.pi * k / n, dtype=torch.float64))),
        ],
        [
            (lambda k, n, lr: lr * (1 + math.cos(2 * math.pi * k / n)) / 2, "whole period"),
            (lambda k, n, lr: lr * (1 - math.cos(math.pi * k / n)) / 2, "upside down"),
            (lambda k, n, lr: lr * (1 + math.cos(math.pi * k / n)), "1/2 is missing"),
            (lambda k, n, lr: lr * math.cos(math.pi * k / n), "negative"),
            (lambda k, n, lr: lr * (1 - k / n), "straight line"),
        ],
    ),
    "04.5": (
        [
            lambda start, loss, floor: (start - loss) / (start - floor),
            lambda a, b, c: 1 - (b - c) / (a - c),
            lambda a, b, c: torch.tensor(a - b, dtype=torch.float64).div(a - c),
        ],
        [
            (lambda a, b, c: 1 - b / a, "divided by the first loss"),
            (lambda a, b, c: (b - c) / (a - c), "still to be learnt"),
            (lambda a, b, c: c / b, "does not tell"),
            (lambda a, b, c: (a - b) / (b - c), "present distance"),
        ],
    ),
}  # fmt: skip
