"""For each bug a fair test, right programs in different styles, and wrong ones with a word of their message."""

import math

import torch
from torch import nn

from fmtutorial import StraightPath, exact, standard_mixture


def times_match(program):
    x0, x1, s, h = torch.randn(50, 2).double(), torch.randn(50, 2).double(), 0.3, 1e-4
    at = [program(x0, x1, torch.full((50, 1), t, dtype=torch.float64), s) for t in (0.5 - h, 0.5, 0.5 + h)]
    return torch.allclose((at[2][0] - at[0][0]) / (2 * h), at[1][1], atol=1e-6)


def on_the_floor(program):
    mixture = standard_mixture()
    x1 = mixture.sample(20_000, stratified=True)
    v = exact.velocity_field(mixture, StraightPath(0.0))
    return abs(program(v, torch.randn_like(x1), x1, torch.rand(len(x1), 1) * 0.999) - 2.0236) < 0.1


def arrives(program):
    return torch.allclose(
        program(lambda x, t: torch.ones_like(x), torch.zeros(3, 2), 10), torch.ones(3, 2), atol=1e-5
    )


def asks_at_the_right_times(program):
    asked = []
    program(lambda x, t: asked.append(float(t)) or x, torch.zeros(1, 1), 5)
    return torch.allclose(torch.tensor(asked), torch.arange(len(asked)) / 5) and len(asked) == 5


def knows_time(program):
    return abs(float(program(lambda x, t: x * 0 + 2 * t, torch.zeros(1, 1), 4)) - 0.75) < 1e-5


def moments(program):
    step = program(lambda x: 0 * x, torch.zeros(40_000, 1), 0.1, torch.randn(40_000, 1))
    return abs(float(step.mean())) < 0.02 and abs(float(step.var()) - 0.2) < 0.02


def ends_differ(program):
    f = program(torch.tensor([[0.0], [1.0]]))
    return bool((f[0] - f[1]).abs().max() > 1e-3)


def spread(program):
    x = program(torch.zeros(40_000, 1), torch.full((40_000, 1), 0.8), 0.1, torch.randn(40_000, 1))
    return abs(float(x.std()) - 0.28) < 0.02


def noise_is_fresh(program):
    first, second = program(torch.zeros(20, 2), 2)
    return not torch.equal(first, second)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.hidden, self.last = (
            nn.Linear(2, 4),
            nn.ModuleList([nn.Linear(4, 4)]),
            nn.Linear(4, 2),
        )


def all_parameters(program):
    model = Small()
    held = sum(p.numel() for group in program(model).param_groups for p in group["params"])
    return held == sum(p.numel() for p in model.parameters())


def zero_when_equal(program):
    u = torch.randn(8)
    return float(program(u[:, None], u)) < 1e-6


def labels_stay(program):
    x1 = torch.arange(6.0)[:, None]
    out = program(x1, torch.arange(6), torch.tensor([3, 4, 5, 0, 2, 1]))
    return torch.equal(out[:, 0], out[:, 1])


def integrates_to_one(program):
    side = torch.linspace(-6, 6, 121)
    grid = torch.cartesian_prod(side, side)
    return abs(float(program(grid, torch.zeros(2), 0.7).exp().sum() * 0.01) - 1) < 1e-3


def euler(v, x0, n):
    x = x0
    for k in range(n):
        x = x + v(x, k / n) / n
    return x


def euler_times(v, x0, n, times, last=None):
    x = x0
    for t in times:
        x = x + v(x, t) / n
    return x


EULERS = [
    euler,
    lambda f, y, k: euler(f, y.double(), k),
    lambda v, x0, n: euler_times(v, x0, n, torch.arange(n) / n),
]
BAD_EULERS = [
    (lambda v, x0, n: euler_times(v, x0, n, [k / n for k in range(n + 1)]), "n + 1 steps"),
    (lambda v, x0, n: euler_times(v, x0, n, torch.linspace(0, 1, n)), "run ahead"),
    (lambda v, x0, n: euler_times(v, x0, n, [1 - k / n for k in range(n)]), "backwards"),
    (lambda v, x0, n: euler_times(v, x0, n, [(k + 1) / n for k in range(n)]), "end of each step"),
]

ANSWERS = {
    "lab.1": (
        times_match,
        [
            lambda x0, x1, t, s: (t * x1 + (1 - (1 - s) * t) * x0, x1 - (1 - s) * x0),
            lambda a, b, t, s: (StraightPath(s).sample(a, b, t), StraightPath(s).velocity(a, b, t)),
            lambda a, b, t, s: torch.stack([torch.lerp(a, b, t) + s * t * a, b - a + s * a]).double(),
        ],
        [
            (lambda x0, x1, t, s: (t * x1 + (1 - (1 - s) * t) * x0, x1 - x0), "still x1 - x0"),
            (lambda x0, x1, t, s: (torch.lerp(x0, x1, t), x1 - x0), "lost its sigma_min"),
            (lambda x0, x1, t, s: (t * x1 + (1 - (1 - s) * t) * x0, (1 - s) * x1 - x0), "not to the data"),
        ],
    ),
    "lab.2": (
        on_the_floor,
        [
            lambda model, x0, x1, t: (model(t * x1 + (1 - t) * x0, t) - (x1 - x0)).square().mean(),
            lambda m, a, b, t: nn.functional.mse_loss(m(torch.lerp(a, b, t), t), b - a),
            lambda m, a, b, t: (m((t * b + (1 - t) * a).double(), t) - (b - a)).pow(2).mean(),
        ],
        [
            (lambda m, x0, x1, t: (m(x1, t) - (x1 - x0)).square().mean(), "still shown x1"),
            (lambda m, x0, x1, t: (m(x0, t) - (x1 - x0)).square().mean(), "shown the noise"),
            (lambda m, x0, x1, t: (m(torch.lerp(x1, x0, t), t) - (x1 - x0)).square().mean(), "wrong way round"),
        ],
    ),
    "lab.3": (arrives, EULERS, BAD_EULERS),
    "lab.4": (asks_at_the_right_times, EULERS, BAD_EULERS),
    "lab.5": (
        moments,
        [
            lambda drift, x, h, z: x + h * drift(x) + math.sqrt(2 * h) * z,
            lambda f, y, dt, n: y + dt * f(y) + n * (2 * dt) ** 0.5,
            lambda f, y, dt, n: torch.stack([a + dt * b + (2 * dt) ** 0.5 * c for a, b, c in zip(y, f(y), n, strict=True)]),
        ],
        [
            (lambda f, x, h, z: x + h * f(x) + math.sqrt(2 * h) * z * z, "twice"),
            (lambda f, x, h, z: x + h * f(x) + math.sqrt(h) * z, "variance of a step is 2h"),
            (lambda f, x, h, z: x + h * f(x), "no noise"),
        ],
    ),
    "lab.6": (
        ends_differ,
        [
            lambda t: torch.cat([t, torch.cos(2 * math.pi * t), torch.sin(2 * math.pi * t)], 1),
            lambda t: torch.cat([torch.cos(math.pi * t), torch.sin(math.pi * t), torch.cos(2 * math.pi * t)], 1),
            lambda t: torch.cat([t**k for k in (1, 2, 3)], 1).double(),
            lambda t: torch.cat([torch.cos(math.pi * t), torch.sin(math.pi * t)], 1),
            lambda t: torch.cat([t, torch.cos(2 * math.pi * t)], 1),
        ],
        [
            (lambda t: torch.cat([f(2 * math.pi * k * t) for k in (1, 2) for f in (torch.cos, torch.sin)], 1), "t = 0 and t = 1"),
            (lambda t: torch.cat([torch.sin(math.pi * t), torch.cos(2 * math.pi * t), t * 0], 1), "t = 0 and t = 1"),
            (lambda t: torch.cat([(t - 0.4) ** 2, (t - 0.4).abs(), 0 * t], 1), "Two other times"),
            (lambda t: t, "at least 2"),
            (lambda t: torch.zeros(len(t), 4), "t = 0 and t = 1"),
        ],
    ),
    "lab.7": (
        spread,
        [
            lambda x1, t, s, z: t * x1 + (1 - (1 - s) * t) * z,
            lambda a, t, s, n: torch.distributions.Normal(t * a, 1 - t + s * t).mean + (1 - t + s * t) * n,
            lambda a, t, s, n: (t * a).double() + (1 - (1 - s) * t).square().sqrt() * n,
        ],
        [
            (lambda x1, t, s, z: t * x1 + (1 - (1 - s) * t).sqrt() * z, "root of the standard deviation"),
            (lambda x1, t, s, z: t * x1 + (1 - (1 - s) * t) ** 2 * z, "Now it is squared"),
            (lambda x1, t, s, z: t * x1 + (1 - t) * z, "sigma_min is gone"),
        ],
    ),
    "lab.8": (knows_time, EULERS, BAD_EULERS),
    "lab.9": (
        noise_is_fresh,
        [
            lambda x1, n_epochs: [torch.cat([torch.randn_like(x1), x1], 1) for _ in range(n_epochs)],
            lambda a, k: list(torch.cat([torch.randn(k, *a.shape), a.expand(k, *a.shape)], 2)),
            lambda a, k: [torch.hstack([torch.randn(a.shape, generator=torch.Generator().manual_seed(i)), a]) for i in range(k)],
        ],
        [
            (lambda x1, k: [torch.cat([torch.ones_like(x1), x1], 1)] * k, "same noise"),
            (lambda x1, k: [torch.cat([torch.randn(1, x1.shape[1]).expand_as(x1), x1], 1) for _ in range(k)], "All points"),
            (lambda x1, k: [torch.cat([torch.rand_like(x1), x1], 1) for _ in range(k)], "not N(0, I)"),
            (lambda x1, k: [torch.cat([torch.randn_like(x1), x1.flip(0)], 1) for _ in range(k)], "must stay"),
        ],
    ),
    "lab.10": (
        all_parameters,
        [
            lambda model: torch.optim.Adam(model.parameters()),
            lambda net: torch.optim.SGD([p for _, p in net.named_parameters()], lr=0.1),
            lambda net: torch.optim.AdamW([{"params": [p]} for p in net.parameters()]),
        ],
        [
            (lambda m: torch.optim.Adam([*m.first.parameters(), *m.last.parameters()]), "hidden layers"),
            (lambda m: torch.optim.Adam([*m.hidden.parameters(), *m.last.parameters()]), "first layer"),
            (lambda m: torch.optim.Adam([*m.first.parameters(), *m.hidden.parameters()]), "last layer"),
            (lambda m: torch.optim.Adam([*m.parameters(), nn.Parameter(torch.zeros(1))]), "not this model's"),
        ],
    ),
    "lab.11": (
        zero_when_equal,
        [
            lambda v, u: (v - u[:, None]).square().mean(),
            lambda a, b: nn.functional.mse_loss(a.flatten(), b),
            lambda a, b: sum((float(p) - float(q)) ** 2 for p, q in zip(a, b, strict=True)) / len(b),
        ],
        [
            (lambda v, u: (v - u).square().mean(), "(n, n)"),
            (lambda v, u: (v - u[:, None]).square().sum(), "summed"),
            (lambda v, u: (v.mean() - u.mean()) ** 2, "square comes first"),
        ],
    ),
    "lab.12": (
        labels_stay,
        [
            lambda x1, labels, order: torch.cat([x1[order], labels[order][:, None].to(x1)], 1),
            lambda a, b, i: torch.cat([a, b[:, None]], 1)[i],
            lambda a, b, i: torch.stack([torch.tensor([*a[j].tolist(), float(b[j])]) for j in i]),
        ],
        [
            (lambda x1, labels, order: torch.cat([x1[order], labels[:, None]], 1), "old order"),
            (lambda x1, labels, order: torch.cat([x1, labels[:, None]], 1), "neither"),
            (lambda x1, labels, order: torch.cat([x1, labels[order][:, None]], 1), "only the labels"),
            (lambda x1, labels, order: torch.cat([x1, labels[:, None]], 1)[order.argsort()], "inverse"),
        ],
    ),
    "lab.13": (
        integrates_to_one,
        [
            lambda x, mean, std: torch.distributions.Normal(mean, std).log_prob(x).sum(1),
            lambda x, m, s: torch.distributions.MultivariateNormal(m, s**2 * torch.eye(len(m))).log_prob(x),
            lambda x, m, s: sum(-((x[:, i] - m[i]) ** 2) / (2 * s * s) - math.log(s * math.sqrt(2 * math.pi)) for i in range(len(m))).double(),
        ],
        [
            (lambda x, m, s: -((x - m) ** 2).sum(1) / (2 * s * s) - math.log(s * math.sqrt(2 * math.pi)), "one dimension"),
            (lambda x, m, s: -((x - m) ** 2).sum(1) / (2 * s * s) - len(m) / 2 * math.log(2 * math.pi), "std^d"),
            (lambda x, m, s: torch.distributions.Normal(m, s).log_prob(x).sum(1).exp(), "logarithm was asked"),
        ],
    ),
}  # fmt: skip
