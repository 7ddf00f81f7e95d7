"""The checks of chapter 06: couplings and their labels, the identity, reflow, a counterexample, break-even."""

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


def budgets(g):
    """Pairs x0, x1 (n, d) and trajectories z (T + 1, n, d) with equal steps, neither straight nor alike."""
    shapes = [(2, 4, 2), (5, 2, 3), (8, 6, 2)]
    return [
        (normal(g, n, d), 5 * normal(g, n, d) + 3, 0.1 * normal(g, steps + 1, n, d).cumsum(0))
        for steps, n, d in shapes
    ]


def slopes(z):
    return (len(z) - 1) * z.diff(dim=0)


def chord(z):
    return z[-1] - z[0]


def mean_square(x):
    """The squared norm over the last axis, averaged over all others."""
    return x.square().sum(-1).mean()


def bending(z):
    return mean_square(chord(z) - slopes(z))


def crossing(x0, x1, z):
    return mean_square(x1 - x0) - mean_square(chord(z)) - bending(z)


def velocity(g):
    """A velocity that is linear in neither x nor t."""
    a, b = number(g, 0.5, 1.0), number(g, 1.0, 2.0)
    return lambda x, t: a * torch.sin(x).roll(1, -1) + b * t * t * x + a


def reflows(g):
    """A teacher v, its noise x0 (n, d), a number of steps, and the times t (n, 1) of the loss."""
    sizes = [(5, 2, 4), (6, 3, 3), (9, 2, 1)]
    return [(velocity(g), normal(g, n, d), n_steps, uniform(g, n, 1)) for n, d, n_steps in sizes]


def euler_end(v, x, n_steps, shift=0):
    for k in range(n_steps):
        x = x + v(x, (k + shift) / n_steps) / n_steps
    return x


def on_lines(x0, x1, t):
    """The points and the targets of the loss, side by side, (2, n, d)."""
    return torch.stack([(1 - t) * x0 + t * x1, x1 - x0])


def shown_batch(answer, v, x0, n_steps, t):
    """What comes back from reflow_batch, as one tensor (2, n, d)."""
    value = answer(v, x0, n_steps, t)
    if value is None or value is ...:
        return value
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError("return a pair: the points x_t and the targets")
    return torch.stack([torch.as_tensor(part).double() for part in value])


def facts(answer):
    """Which of the two demands on a counterexample are met: (no swap helps, a cycle helps)."""
    pairs = answer()
    if pairs is None or pairs is ...:
        return pairs
    if not isinstance(pairs, (tuple, list)) or len(pairs) != 2:
        raise TypeError("return a pair (x0, x1)")
    x0, x1 = (torch.as_tensor(part).double() for part in pairs)
    if x0.shape != (3, 2) or x1.shape != (3, 2):
        raise ValueError(f"x0 and x1 must be (3, 2), got {tuple(x0.shape)} and {tuple(x1.shape)}")
    cost = mean_cost(x0, x1)
    small = 1e-5 * float(cost + 1e-9)  # what rounding may do
    swaps = [mean_cost(x0, x1[p]) for p in ([1, 0, 2], [2, 1, 0], [0, 2, 1])]
    cycles = [mean_cost(x0, x1[p]) for p in ([1, 2, 0], [2, 0, 1])]
    return float(min(swaps) >= cost - small), float(min(cycles) < cost - small)


def bills(g):
    """Steps and batch of a training, pairs and their NFE, NFE of the plain model and of the student."""
    cases = []
    for plain, student in ((8, 1), (6, 2), (24, 3)):
        n_steps, batch, n_pairs = (int(number(g, 3, 20)) for _ in range(3))
        cases.append((n_steps, batch, n_pairs, 4, plain, student))
    return cases


EXERCISES = {
    "06.1": Exercise(
        expects="a function cost(x0, x1, p) -> number: the mean over i of |x1[p_i] - x0_i|^2",
        truth=lambda x0, x1, p: mean_cost(x0, x1[p]),
        inputs=batches,
        insight="Here a coupling of two batches is a permutation, and this cost is what optimal transport minimises over all n! of them.",
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
        insight="One permutation for everything that belongs to the data. The loss alone would not have told you about forgotten labels.",
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
        expects="a function floor_of_pairs(x0, x1, z) -> number: the least possible loss, a mean over elements, of pairs x0, x1 (n, d) whose flow has the trajectories z (T + 1, n, d)",
        truth=lambda x0, x1, z: crossing(x0, x1, z) / x0.shape[1],
        inputs=budgets,
        insight="Transport and bending together are the mean squared slope: subtract it from the pairs' cost, divide by d, and you have the least loss that these pairs allow.",
        mistakes={
            "This is V: the loss is a mean over the d elements, so divide by d.": lambda x0, x1, z: crossing(x0, x1, z),
            "The bending is missing: the identity has three terms on its right side.": lambda x0, x1, z: (mean_square(x1 - x0) - mean_square(chord(z))) / x0.shape[1],
            "The transport is missing: the identity has three terms on its right side.": lambda x0, x1, z: (mean_square(x1 - x0) - bending(z)) / x0.shape[1],
            "The bending stands on the side of the crossing: subtract it.": lambda x0, x1, z: (crossing(x0, x1, z) + 2 * bending(z)) / x0.shape[1],
            "dz/dt is the difference of two states divided by the step, 1/T: you left the differences as they are.": lambda x0, x1, z: (mean_square(x1 - x0) - mean_square(chord(z)) - mean_square(chord(z) - z.diff(dim=0))) / x0.shape[1],
            "You divided by T + 1 points: T + 1 states are T steps.": lambda x0, x1, z: (mean_square(x1 - x0) - mean_square(chord(z)) - mean_square(chord(z) - len(z) * z.diff(dim=0))) / x0.shape[1],
            "You summed over the steps: the integral over t has a step of 1/T, so take the mean.": lambda x0, x1, z: (mean_square(x1 - x0) - mean_square(chord(z)) - (len(z) - 1) * bending(z)) / x0.shape[1],
            "This is the bending: the identity gives the crossing from it.": lambda x0, x1, z: bending(z) / x0.shape[1],
        },
    ),
    "06.4": Exercise(
        expects="a function reflow_batch(v, x0, n_steps, t) -> (x_t, target): the loss's points and targets for the pairs of x0 and the end of its Euler trajectory",
        truth=lambda v, x0, n_steps, t: on_lines(x0, euler_end(v, x0, n_steps), t),
        inputs=reflows,
        compared_quantity=shown_batch,
        insight="The pair is where a particle started and where it ended. A loss of exactly zero is a reason to look, not to rejoice.",
        mistakes={
            "The start is still lost: x0 is overwritten on the way, so the pair is the end with itself and the target zero. Keep x0 and move a copy.": lambda v, x0, n, t: on_lines(euler_end(v, x0, n), euler_end(v, x0, n), t),
            "The start is lost and the times are one step late: x0 is overwritten, and step k begins at k / n_steps.": lambda v, x0, n, t: on_lines(euler_end(v, x0, n, 1), euler_end(v, x0, n, 1), t),
            "The times are one step late: step k begins at k / n_steps, with k from 0.": lambda v, x0, n, t: on_lines(x0, euler_end(v, x0, n, 1), t),
            "The target is the teacher's velocity at x_t: then the student copies the curved field. It should be the chord, end minus start.": lambda v, x0, n, t: torch.stack([(1 - t) * x0 + t * euler_end(v, x0, n), v((1 - t) * x0 + t * euler_end(v, x0, n), t)]),
            "The ends are swapped: at t = 0 the point is x0, the noise.": lambda v, x0, n, t: torch.stack([(1 - t) * euler_end(v, x0, n) + t * x0, euler_end(v, x0, n) - x0]),
            "The target's sign is wrong: from noise to data it is end minus start.": lambda v, x0, n, t: torch.stack([(1 - t) * x0 + t * euler_end(v, x0, n), x0 - euler_end(v, x0, n)]),
            "The pairs are torn apart: each end belongs to its own start.": lambda v, x0, n, t: on_lines(x0.flip(0), euler_end(v, x0, n), t),
        },
    ),
    "06.5": Exercise(
        expects="a function counterexample() -> (x0, x1), tensors (3, 2): pairs that no exchange of two partners makes cheaper, and that a cycle of all three does",
        truth=lambda: (1.0, 1.0),
        inputs=lambda g: [()],
        compared_quantity=facts,
        insight="Paths that never meet in pairs are not yet optimal: a turn can pass every test of two, and fail one of three. A flow map that is a turn is not optimal either: a turn is not the gradient of a convex function.",
        mistakes={
            "An exchange of two partners already makes these pairs cheaper: all three inner products <a, b> must be at least 0.": lambda: (0.0, 1.0),
            "No exchange of two helps, but no cycle of three does either: these pairs are optimal. Turn further.": lambda: (1.0, 0.0),
            "An exchange of two helps here and no cycle of three does: the opposite of what is asked.": lambda: (0.0, 0.0),
        },
    ),
    "06.6": Exercise(
        expects="a function break_even(n_steps, batch, n_pairs, nfe_pairs, nfe_plain, nfe_student) -> number of samples from which on reflow needs fewer evaluations in all",
        truth=lambda steps, batch, pairs, each, plain, student: (3 * steps * batch + pairs * each) / (plain - student),
        inputs=bills,
        insight="Below that number a better solver needs fewer evaluations in all. Latency is another matter: one evaluation is one evaluation.",
        mistakes={
            "A gradient costs three evaluations, not one: forwards, and about two for the way back.": lambda s, b, p, e, n, m: (s * b + p * e) / (n - m),
            "The way back costs about two evaluations, and the way forwards one more: three.": lambda s, b, p, e, n, m: (2 * s * b + p * e) / (n - m),
            "The pairs are missing: each of them costs the teacher nfe_pairs evaluations.": lambda s, b, p, e, n, m: 3 * s * b / (n - m),
            "A step has a whole batch of gradients.": lambda s, b, p, e, n, m: (3 * s + p * e) / (n - m),
            "The teacher's training is paid in both cases: only the student's is extra.": lambda s, b, p, e, n, m: (6 * s * b + p * e) / (n - m),
            "What counts are the evaluations saved: the student needs some as well.": lambda s, b, p, e, n, m: (3 * s * b + p * e) / n,
            "The sign is wrong: extra training over evaluations saved, both positive.": lambda s, b, p, e, n, m: (3 * s * b + p * e) / (m - n),
            "The pairs come without gradients: one evaluation is one evaluation there.": lambda s, b, p, e, n, m: 3 * (s * b + p * e) / (n - m),
        },
    ),
}  # fmt: skip
