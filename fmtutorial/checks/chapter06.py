"""The checks of chapter 06: couplings and their labels, bending, reflow, Gaussian transport, break-even."""

import torch
from scipy.optimize import linear_sum_assignment

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import normal, number, uniform

SHAPES = [(1, 2), (5, 2), (6, 3), (9, 1)]


def batches(g):
    """x0, x1 (n, d) and a random permutation (n,)."""
    return [(normal(g, n, d), 2 * normal(g, n, d) + 1, torch.randperm(n, generator=g)) for n, d in SHAPES]


def mean_cost(x0, x1):
    return (x1 - x0).square().sum(1).mean()


def inverse(p):
    return torch.argsort(p)


def labelled(g):
    """x0, x1 (n, d) and labels y (n,), all different so that any mix-up shows."""
    shapes = [(1, 2), (6, 2), (12, 3), (25, 2)]
    return [(normal(g, n, d), 2 * normal(g, n, d) + 1, torch.randperm(n, generator=g)) for n, d in shapes]


def squares(x0, x1):
    return (x0[:, None] - x1[None]).square().sum(-1)


def assigned(cost, maximize=False):
    return torch.from_numpy(linear_sum_assignment(cost.double().numpy(), maximize=maximize)[1])


def best(x0, x1):
    return assigned(squares(x0, x1))


def glued(x1, y):
    """Data and labels side by side, (n, d + 1)."""
    return torch.cat([torch.as_tensor(x1).double(), torch.as_tensor(y).double().reshape(-1, 1)], dim=1)


def shown_pair(answer, x0, x1, y):
    """What comes back from couple(x0, x1, y), as one table."""
    value = answer(x0, x1, y)
    if value is None or value is ...:
        return value
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError("return a pair: the data and the labels, both permuted")
    return glued(*value)


def nearest(x0, x1):
    return squares(x0, x1).argmin(1)


def trajectories(g):
    """Trajectories (T + 1, n, d) with equal steps from t = 0 to 1, neither straight nor alike."""
    shapes = [(2, 4, 2), (5, 1, 3), (8, 6, 2)]
    return [(normal(g, steps + 1, n, d).cumsum(0),) for steps, n, d in shapes]


def slopes(z):
    return (len(z) - 1) * z.diff(dim=0)


def chord(z):
    return z[-1] - z[0]


def velocity(g):
    """A velocity that is linear in neither x nor t."""
    a, b = number(g, 0.5, 1.0), number(g, 1.0, 2.0)
    return lambda x, t: a * torch.sin(x).roll(1, -1) + b * t * t * x


def regression(g):
    return [(velocity(g), normal(g, n, d), normal(g, n, d) + 1, uniform(g, n, 1)) for n, d in SHAPES]


def between(x0, x1, t):
    return t * x1 + (1 - t) * x0


def gaussians(g):
    """x (n, d), and the means and standard deviations (d,) of two Gaussians."""
    cases = []
    for n, d in SHAPES:
        s0, s1 = (uniform(g, d, low=0.3, high=2.0) for _ in range(2))
        cases.append((normal(g, n, d), normal(g, d), s0, normal(g, d), s1))
    return cases


def bills(g):
    """Seconds of training and NFE of a plain and a retrained model, seconds for one evaluation."""
    cases = []
    for nfe, fewer in ((8, 1), (6, 2), (24, 3)):
        plain = number(g, 1.0, 5.0)
        cases.append((plain, nfe, plain + number(g, 3.0, 20.0), fewer, number(g, 1e-3, 1e-2)))
    return cases


EXERCISES = {
    "06.1": Exercise(
        expects="a function cost(x0, x1, p) -> number: the mean over i of |x1[p_i] - x0_i|^2",
        truth=lambda x0, x1, p: mean_cost(x0, x1[p]),
        inputs=batches,
        insight="A coupling of two batches is a permutation, and this is what optimal transport minimises over all n! of them.",
        mistakes={
            "You permuted the noise: that is the coupling of the inverse permutation.": lambda x0, x1, p: mean_cost(x0[p], x1),
            "This is the cost of the batches as they were drawn: where is p? Take x1[p].": lambda x0, x1, p: mean_cost(x0, x1),
            "Both are permuted: then each point keeps its old partner.": lambda x0, x1, p: mean_cost(x0[p], x1[p]),
            "You summed over the pairs: take their mean.": lambda x0, x1, p: len(p) * mean_cost(x0, x1[p]),
            "You averaged over the coordinates too: a squared distance is their sum.": lambda x0, x1, p: (x1[p] - x0).square().mean(),
            "These are distances: square them.": lambda x0, x1, p: (x1[p] - x0).norm(dim=1).mean(),
        },
    ),
    "06.2": Exercise(
        expects="a function couple(x0, x1, y) -> (x1 permuted, y permuted): the data and their labels in the order that is optimal for x0",
        truth=lambda x0, x1, y: glued(x1[best(x0, x1)], y[best(x0, x1)]),
        inputs=labelled,
        compared_quantity=shown_pair,
        insight="One permutation for everything that belongs to the data. The loss would never have told you about forgotten labels.",
        mistakes={
            "The data are permuted, their labels are not: y[p] as well.": lambda x0, x1, y: glued(x1[best(x0, x1)], y),
            "The labels are permuted, the data are not.": lambda x0, x1, y: glued(x1, y[best(x0, x1)]),
            "Nothing is permuted: these are the batches as they were drawn.": lambda x0, x1, y: glued(x1, y),
            "This is the inverse permutation: it would be right for reordering x0.": lambda x0, x1, y: glued(x1[inverse(best(x0, x1))], y[inverse(best(x0, x1))]),
            "You found the most expensive pairing: minimise the cost, or maximise the inner products.": lambda x0, x1, y: glued(x1[assigned(squares(x0, x1), True)], y[assigned(squares(x0, x1), True)]),
            "The cost is the squared distance, not the distance: they have different optima.": lambda x0, x1, y: glued(x1[assigned(squares(x0, x1).sqrt())], y[assigned(squares(x0, x1).sqrt())]),
            "You gave each noise point its nearest data point: some data come twice and others never, which is no coupling of the two batches.": lambda x0, x1, y: glued(x1[nearest(x0, x1)], y[nearest(x0, x1)]),
        },
    ),
    "06.3": Exercise(
        expects="a function bending(z) -> number for trajectories z (T + 1, n, d) with T equal steps: the mean over steps and particles of |z_1 - z_0 - dz/dt|^2",
        truth=lambda z: (chord(z) - slopes(z)).square().sum(-1).mean(),
        inputs=trajectories,
        insight="Zero means straight at constant speed: then one Euler step is exact. It is the variance over time of the velocity along each trajectory.",
        mistakes={
            "dz/dt is the difference of two states divided by the step, 1/T: you left the differences as they are.": lambda z: (chord(z) - z.diff(dim=0)).square().sum(-1).mean(),
            "You divided by T + 1 points: T + 1 states are T steps.": lambda z: (chord(z) - len(z) * z.diff(dim=0)).square().sum(-1).mean(),
            "You averaged over the coordinates too: the squared norm is their sum.": lambda z: (chord(z) - slopes(z)).square().mean(),
            "You summed over the steps: the integral over t has a step of 1/T, so take the mean.": lambda z: (chord(z) - slopes(z)).square().sum(-1).mean(1).sum(),
            "This is the mean squared velocity: subtract the chord z_1 - z_0 first.": lambda z: slopes(z).square().sum(-1).mean(),
            "This is the root: the definition is the mean of the squares.": lambda z: (chord(z) - slopes(z)).square().sum(-1).mean().sqrt(),
        },
    ),
    "06.4": Exercise(
        expects="a function pair_loss(v, x0, x1, t) -> number: the flow matching loss of given pairs on straight lines, averaged over batch and elements",
        truth=lambda v, x0, x1, t: (v(between(x0, x1, t), t) - (x1 - x0)).square().mean(),
        inputs=regression,
        insight="The same loss as ever; only that x0 is not drawn afresh: it comes with its x1. Reflow, minibatch OT and independent pairs differ in nothing else.",
        mistakes={
            "The ends are swapped: at t = 0 the point is x0, the noise.": lambda v, x0, x1, t: (v(between(x1, x0, t), t) - (x1 - x0)).square().mean(),
            "The target's sign is wrong: from noise to data it is x1 - x0.": lambda v, x0, x1, t: (v(between(x0, x1, t), t) - (x0 - x1)).square().mean(),
            "You drew fresh noise or shuffled: the pairs must stay together.": lambda v, x0, x1, t: (v(between(x0.flip(0), x1, t), t) - (x1 - x0.flip(0))).square().mean(),
            "The network sees the data point x1: show it x_t.": lambda v, x0, x1, t: (v(x1, t) - (x1 - x0)).square().mean(),
            "The network sees only the noise x0: show it x_t.": lambda v, x0, x1, t: (v(x0, t) - (x1 - x0)).square().mean(),
            "You sum over the coordinates: the course's loss is the mean over all elements.": lambda v, x0, x1, t: (v(between(x0, x1, t), t) - (x1 - x0)).square().sum(1).mean(),
            "The target is the end point x1: it should be the velocity x1 - x0.": lambda v, x0, x1, t: (v(between(x0, x1, t), t) - x1).square().mean(),
        },
    ),
    "06.5": Exercise(
        expects="a function transport(x, m0, s0, m1, s1) -> (n, d): the optimal map from N(m0, diag(s0^2)) to N(m1, diag(s1^2))",
        truth=lambda x, m0, s0, m1, s1: m1 + s1 / s0 * (x - m0),
        inputs=gaussians,
        insight="A stretch with a positive symmetric matrix and a shift: the gradient of a convex function, as Brenier's theorem demands.",
        mistakes={
            "The stretch is upside down: the spread has to grow from s0 to s1.": lambda x, m0, s0, m1, s1: m1 + s0 / s1 * (x - m0),
            "The ratio of the variances stretches too much: take that of the standard deviations.": lambda x, m0, s0, m1, s1: m1 + (s1 / s0) ** 2 * (x - m0),
            "Centre first: subtract m0 before you stretch.": lambda x, m0, s0, m1, s1: m1 + s1 / s0 * x,
            "The spread is right, but the centre is not m1.": lambda x, m0, s0, m1, s1: m0 + s1 / s0 * (x - m0),
            "This carries the one to the other, but mirrored: a map with a minus sign is not the cheapest.": lambda x, m0, s0, m1, s1: m1 - s1 / s0 * (x - m0),
            "This only shifts: the spread must change as well.": lambda x, m0, s0, m1, s1: x - m0 + m1,
            "This is the way back, from the second Gaussian to the first.": lambda x, m0, s0, m1, s1: m0 + s0 / s1 * (x - m1),
        },
    ),
    "06.6": Exercise(
        expects="a function break_even(train_a, nfe_a, train_b, nfe_b, call) -> number of samples from which on the model b, of longer training and fewer evaluations, is cheaper in all",
        truth=lambda train_a, nfe_a, train_b, nfe_b, call: (train_b - train_a) / ((nfe_a - nfe_b) * call),
        inputs=bills,
        insight="Below that number a better solver is the better investment. Latency is another matter: one evaluation is one evaluation.",
        mistakes={
            "The sign is wrong: extra training over evaluations saved, both positive.": lambda a, n, b, m, c: (b - a) / ((m - n) * c),
            "What counts is the extra training: the first model was trained too.": lambda a, n, b, m, c: b / ((n - m) * c),
            "What counts are the evaluations saved: the second model needs some as well.": lambda a, n, b, m, c: (b - a) / (n * c),
            "Evaluations have a price in seconds: divide by it.": lambda a, n, b, m, c: (b - a) / (n - m),
            "This is the reciprocal.": lambda a, n, b, m, c: (n - m) * c / (b - a),
        },
    ),
}  # fmt: skip
