"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from fmtutorial import StraightPath
from fmtutorial import pair_loss as package_pair_loss
from fmtutorial.metrics import straightness
from fmtutorial.training import gaussian_ot, minibatch_ot


def couple(x0, x1, y):
    cost = torch.cdist(x0.double(), x1.double()) ** 2
    p = linear_sum_assignment(cost.numpy())[1]
    return x1[p], y[p]


def couple_by_inner_products(x0, x1, y):
    _, p = linear_sum_assignment(-(x0 @ x1.T).numpy())
    return [x1[p].numpy(), y[p].numpy()]


def couple_by_the_package(x0, x1, y):
    _, paired, p = minibatch_ot(x0, x1, return_permutation=True)
    return paired, y[p]


def permutation(x0, x1, power=2, maximize=False):
    cost = torch.cdist(x0.double(), x1.double()) ** power
    return torch.from_numpy(linear_sum_assignment(cost.numpy(), maximize)[1])


def couple_with(change):
    """couple, but with the permutation that `change` makes of the batches."""
    return lambda x0, x1, y: (x1[change(x0, x1)], y[change(x0, x1)])


def bending_in_a_loop(z):
    steps, total = len(z) - 1, 0.0
    for k in range(steps):
        total = total + ((z[-1] - z[0] - (z[k + 1] - z[k]) * steps) ** 2).sum(1).mean() / steps
    return total


def bending_as_a_variance(z):
    v = (len(z) - 1) * np.diff(z.double().numpy(), axis=0)
    return v.var(axis=0).sum(-1).mean()


def loss(v, x0, x1, t):
    return ((v((1 - t) * x0 + t * x1, t) - x1 + x0) ** 2).mean()


def loss_by_the_package(v, x0, x1, t):
    path = StraightPath(0.0)
    return (v(path.sample(x0, x1, t), t) - path.velocity(x0, x1, t)).square().mean()


def loss_by_replay(v, x0, x1, t):
    return package_pair_loss(lambda *_: v(torch.lerp(x0, x1, t), t), (x0, x1), StraightPath(0.0))


ANSWERS = {
    "06.1": (
        [
            lambda x0, x1, p: (x1[p] - x0).square().sum(1).mean(),
            lambda x0, x1, p: sum(float(((x1[p[i]] - x0[i]) ** 2).sum()) for i in range(len(p))) / len(p),
            lambda x0, x1, p: (torch.cdist(x0.double(), x1.double()) ** 2)[torch.arange(len(p)), p].mean(),
        ],
        [
            (lambda x0, x1, p: (x1 - x0[p]).square().sum(1).mean(), "inverse permutation"),
            (lambda x0, x1, p: (x1 - x0).square().sum(1).mean(), "where is p"),
            (lambda x0, x1, p: (x1[p] - x0).square().sum(), "take their mean"),
            (lambda x0, x1, p: ((x1[p] - x0) ** 2).mean(), "coordinates"),
            (lambda x0, x1, p: (x1[p] - x0).norm(dim=1).mean(), "square them"),
        ],
    ),
    "06.2": (
        [couple, couple_by_inner_products, couple_by_the_package],
        [
            (lambda x0, x1, y: (x1[permutation(x0, x1)], y), "labels are not"),
            (lambda x0, x1, y: (x1, y[permutation(x0, x1)]), "data are not"),
            (lambda x0, x1, y: (x1, y), "Nothing is permuted"),
            (couple_with(lambda x0, x1: permutation(x0, x1).argsort()), "inverse"),
            (couple_with(lambda x0, x1: permutation(x0, x1, maximize=True)), "most expensive"),
            (couple_with(lambda x0, x1: permutation(x0, x1, power=1)), "squared distance"),
            (couple_with(lambda x0, x1: torch.cdist(x0, x1).argmin(1)), "no coupling"),
            (lambda x0, x1, y: x1, "pair"),
        ],
    ),
    "06.3": (
        [
            lambda z: straightness(z, torch.linspace(0, 1, len(z))),
            bending_in_a_loop,
            bending_as_a_variance,
        ],
        [
            (lambda z: (z[-1] - z[0] - (z[1:] - z[:-1])).square().sum(-1).mean(), "divided by the step"),
            (lambda z: (z[-1] - z[0] - len(z) * z.diff(dim=0)).square().sum(-1).mean(), "T steps"),
            (lambda z: (z[-1] - z[0] - (len(z) - 1) * z.diff(dim=0)).square().mean(), "coordinates"),
            (lambda z: ((len(z) - 1) * z.diff(dim=0)).square().sum(-1).mean(), "subtract the chord"),
            (lambda z: bending_in_a_loop(z) ** 0.5, "root"),
        ],
    ),
    "06.4": (
        [loss, loss_by_the_package, loss_by_replay],
        [
            (lambda v, x0, x1, t: (v((1 - t) * x1 + t * x0, t) - x1 + x0).square().mean(), "swapped"),
            (lambda v, x0, x1, t: (v((1 - t) * x0 + t * x1, t) - x0 + x1).square().mean(), "sign"),
            (lambda v, x0, x1, t: (v(x1, t) - x1 + x0).square().mean(), "sees the data point"),
            (lambda v, x0, x1, t: (v((1 - t) * x0 + t * x1, t) - x1).square().mean(), "end point"),
            (lambda v, x0, x1, t: x0.shape[1] * loss(v, x0, x1, t), "all elements"),
        ],
    ),
    "06.5": (
        [
            lambda x, m0, s0, m1, s1: m1 + (x - m0) / s0 * s1,
            lambda x, m0, s0, m1, s1: (x.double() - m0) @ gaussian_ot(m0, torch.diag(s0**2), m1, torch.diag(s1**2))[0] + m1,
            lambda x, m0, s0, m1, s1: np.array([[b + t / s * (v - a) for v, a, s, b, t in zip(row, m0, s0, m1, s1, strict=True)] for row in x]),
        ],
        [
            (lambda x, m0, s0, m1, s1: m1 + (x - m0) * s0 / s1, "upside down"),
            (lambda x, m0, s0, m1, s1: m1 + (x - m0) * s1**2 / s0**2, "variances"),
            (lambda x, m0, s0, m1, s1: m1 + x * s1 / s0, "Centre first"),
            (lambda x, m0, s0, m1, s1: m1 - (x - m0) * s1 / s0, "mirrored"),
            (lambda x, m0, s0, m1, s1: x + m1 - m0, "only shifts"),
        ],
    ),
    "06.6": (
        [
            lambda train_a, nfe_a, train_b, nfe_b, call: (train_b - train_a) / (call * (nfe_a - nfe_b)),
            lambda a, n, b, m, c: np.linalg.solve([[1, -n * c], [1, -m * c]], [a, b])[1],
            lambda a, n, b, m, c: torch.tensor(b - a, dtype=torch.float64) / c / (n - m),
        ],
        [
            (lambda a, n, b, m, c: (a - b) / ((n - m) * c), "sign"),
            (lambda a, n, b, m, c: b / ((n - m) * c), "extra training"),
            (lambda a, n, b, m, c: (b - a) / (n * c), "saved"),
            (lambda a, n, b, m, c: (b - a) / (n - m), "price"),
        ],
    ),
}  # fmt: skip
