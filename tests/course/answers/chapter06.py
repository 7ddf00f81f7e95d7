"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from fmtutorial import StraightPath, integrate_flow
from fmtutorial.metrics import straightness
from fmtutorial.training import minibatch_ot


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


def squared(x):
    return (x**2).sum(-1).mean()


def floor_by_slopes(x0, x1, z):
    """Transport and bending together are the mean squared slope."""
    slopes = (len(z) - 1) * z.diff(dim=0)
    return (squared(x1 - x0) - squared(slopes)) / x0.shape[1]


def floor_in_three_terms(x0, x1, z):
    t = torch.linspace(0, 1, len(z), dtype=z.dtype)
    return (squared(x1 - x0) - squared(z[-1] - z[0]) - straightness(z, t)) / z.shape[-1]


def floor_in_numpy(x0, x1, z):
    x0, x1, z = (np.asarray(a, dtype=float) for a in (x0, x1, z))
    steps = len(z) - 1
    variance = (steps * np.diff(z, axis=0)).var(axis=0).sum(-1).mean()
    moved = ((z[-1] - z[0]) ** 2).sum(-1).mean()
    return (((x1 - x0) ** 2).sum(-1).mean() - moved - variance) / x0.shape[1]


def end_of(v, x, n_steps, late=0):
    for k in range(n_steps):
        x = x + v(x, (k + late) / n_steps) / n_steps
    return x


def reflow_batch(v, x0, n_steps, t):
    x1 = end_of(v, x0, n_steps)
    return (1 - t) * x0 + t * x1, x1 - x0


def reflow_by_the_package(v, x0, n_steps, t):
    path = StraightPath(0.0)
    z = integrate_flow(v, x0, n_steps=n_steps, method="euler")[0]
    return path.sample(z[0], z[-1], t), path.velocity(z[0], z[-1], t)


def reflow_as_a_list(v, x0, n_steps, t):
    shift = end_of(v, x0.clone(), n_steps) - x0
    return [x0 + t * shift, shift]


def broken_reflow(v, x0, n_steps, t, late=1):
    x0 = end_of(v, x0, n_steps, late)
    return x0, torch.zeros_like(x0)


TRIANGLE = torch.tensor([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])


def turned(degrees, stretch=1.0):
    """Each corner of a triangle goes with the corner turned by an angle."""
    angle = torch.deg2rad(torch.tensor(float(degrees)))
    turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    return TRIANGLE, stretch * TRIANGLE @ turn.T


def by_hand():
    return [[1, 0], [-0.5, 0.8], [-0.5, -0.8]], [[0, 1], [-0.8, -0.5], [0.8, -0.5]]


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
        [floor_by_slopes, floor_in_three_terms, floor_in_numpy],
        [
            (lambda x0, x1, z: x0.shape[1] * floor_by_slopes(x0, x1, z), "divide by d"),
            (lambda x0, x1, z: (squared(x1 - x0) - squared(z[-1] - z[0])) / x0.shape[1], "bending is missing"),
            (lambda x0, x1, z: floor_by_slopes(x0, x1, z) + squared(z[-1] - z[0]) / x0.shape[1], "transport is missing"),
            (lambda x0, x1, z: (squared(x1 - x0) - squared(z[-1] - z[0]) - squared(z[-1] - z[0] - z.diff(dim=0))) / x0.shape[1], "divided by the step"),
        ],
    ),
    "06.4": (
        [reflow_batch, reflow_by_the_package, reflow_as_a_list],
        [
            (broken_reflow, "start is lost and the times"),
            (lambda v, x0, n, t: broken_reflow(v, x0, n, t, late=0), "start is still lost"),
            (lambda v, x0, n, t: ((1 - t) * x0 + t * end_of(v, x0, n, 1), end_of(v, x0, n, 1) - x0), "one step late"),
            (lambda v, x0, n, t: (reflow_batch(v, x0, n, t)[0], v(reflow_batch(v, x0, n, t)[0], t)), "chord"),
            (lambda v, x0, n, t: (reflow_batch(v, x0, n, 1 - t)), "swapped"),
            (lambda v, x0, n, t: reflow_batch(v, x0, n, t)[0], "pair"),
        ],
    ),
    "06.5": (
        [
            lambda: turned(80),
            lambda: turned(-80),
            lambda: turned(90),
            lambda: turned(70, stretch=3.0),
            by_hand,
            lambda: [part.numpy() + 5 for part in turned(75)],
        ],
        [
            (lambda: turned(0), "these pairs are optimal"),
            (lambda: turned(40), "these pairs are optimal"),
            (lambda: turned(110), "exchange of two partners already"),
            (lambda: (TRIANGLE, TRIANGLE[[1, 0, 2]]), "opposite"),
            (lambda: TRIANGLE, "pair"),
            (lambda: (TRIANGLE[:2], TRIANGLE[:2]), "(3, 2)"),
        ],
    ),
    "06.6": (
        [
            lambda steps, batch, pairs, each, plain, student: (3 * steps * batch + pairs * each) / (plain - student),
            lambda s, b, p, e, n, m: np.linalg.solve([[1.0, -n], [1.0, -m]], [0.0, 3.0 * s * b + p * e])[1],
            lambda s, b, p, e, n, m: torch.tensor(3.0 * s * b + p * e, dtype=torch.float64) / (n - m),
        ],
        [
            (lambda s, b, p, e, n, m: (s * b + p * e) / (n - m), "three evaluations"),
            (lambda s, b, p, e, n, m: 3 * s * b / (n - m), "pairs are missing"),
            (lambda s, b, p, e, n, m: (6 * s * b + p * e) / (n - m), "in both cases"),
            (lambda s, b, p, e, n, m: (3 * s * b + p * e) / n, "saved"),
            (lambda s, b, p, e, n, m: (3 * s * b + p * e) / (m - n), "sign"),
        ],
    ),
}  # fmt: skip
