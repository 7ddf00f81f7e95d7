"""The checks of chapter 04: the loss, its floor, averaged weights, a schedule, and what a loss means."""

import math

import torch

from fmtutorial import exact
from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, normal, number, uniform
from fmtutorial.distributions import standard_mixture
from fmtutorial.paths import StraightPath

FLOORS = {0.01: 2.013673, 0.3: 1.741478}  # of the standard mixture, by quadrature


def loss_inputs(g):
    """A velocity that depends on x and t, a batch, and sigma_min."""
    cases = []
    for n, d, dtype in [*SHAPES[:3], (4, 2, torch.float32)]:
        a, x = number(g, 0.5, 1.5), [normal(g, n, d, dtype=dtype) for _ in range(2)]
        model = lambda x, t, a=a: torch.sin(a * x) + t * x.roll(1, -1)
        cases.append((model, *x, uniform(g, n, 1, dtype=dtype), number(g, 0.1, 0.4)))
    return cases


def loss_of(model, x0, x1, t, s, *, shown=None, time=None, target=None, reduce=torch.mean):
    x_t = t * x1 + (1 - (1 - s) * t) * x0
    u_t = x1 - (1 - s) * x0 if target is None else target
    return reduce((model(x_t if shown is None else shown, t if time is None else time) - u_t).square())


def floor_inputs(g):
    """The exact velocity of the standard mixture, samples of it, and sigma_min."""
    mixture = standard_mixture()
    cases = []
    for sigma_min in FLOORS:
        x1 = mixture.sample(20_000, g, stratified=True)
        cases.append((exact.velocity_field(mixture, StraightPath(sigma_min)), x1, sigma_min))
    return cases


def residual(velocity, x1, sigma_min, *, at_data=False):
    """u_t - u_t(x_t) for fresh noise and times."""
    x0, t = torch.randn_like(x1), torch.rand(len(x1), 1)
    x_t = t * x1 + (1 - (1 - sigma_min) * t) * x0
    return x1 - (1 - sigma_min) * x0 - velocity(x1 if at_data else x_t, t)


def total_variance(velocity, x1, sigma_min):
    return (x1 - (1 - sigma_min) * torch.randn_like(x1)).var(0).mean()


def average_inputs(g):
    return [(normal(g, n, d, dtype=t), normal(g, n, d, dtype=t), number(g, 0.6, 0.95)) for n, d, t in SHAPES]


EXERCISES = {
    "04.1": Exercise(
        expects="a function loss(model, x0, x1, t, sigma_min) that returns one number; t has the shape (n, 1)",
        truth=loss_of,
        inputs=loss_inputs,
        insight="Draw, mix, differentiate, compare: nothing here was simulated.",
        mistakes={
            "The network was shown x1: it must see x_t, or it has nothing to learn from.": lambda m, x0, x1, t, s: loss_of(m, x0, x1, t, s, shown=x1),
            "The target is x1 - x0, which belongs to sigma_min = 0; your x_t has sigma_min > 0.": lambda m, x0, x1, t, s: loss_of(m, x0, x1, t, s, target=x1 - x0),
            "You summed over the dimensions: this course's loss is a mean over batch and elements.": lambda m, x0, x1, t, s: loss_of(m, x0, x1, t, s, reduce=lambda e: e.sum(1).mean()),
            "Time is reversed: the network was told 1 - t.": lambda m, x0, x1, t, s: loss_of(m, x0, x1, t, s, time=1 - t),
            "The network was not told the time: it got t = 0.": lambda m, x0, x1, t, s: loss_of(m, x0, x1, t, s, time=0 * t),
            "You regress on x1: the target is the velocity.": lambda m, x0, x1, t, s: loss_of(m, x0, x1, t, s, target=x1),
            "x_t ignores sigma_min: the noise fades as 1 - (1 - sigma_min) t.": lambda m, x0, x1, t, s: loss_of(m, x0, x1, t, s, shown=t * x1 + (1 - t) * x0),
        },
    ),
    "04.2": Exercise(
        expects="a function floor(velocity, x1, sigma_min) that returns one number, by Monte Carlo over noise and t",
        truth=lambda velocity, x1, sigma_min: FLOORS[sigma_min],
        inputs=floor_inputs,
        rtol=0.03,
        atol=0.02,
        insight="Put the exact velocity into your loss: what is left is the floor, and no network can go below it on average.",
        mistakes={
            "This is the whole variance of u_t: take away what x_t explains, by comparing with the exact velocity.": total_variance,
            "You summed over the dimensions: the floor is a mean over the elements, like the loss.": lambda v, x1, s: residual(v, x1, s).square().sum(1).mean(),
            "The velocity was evaluated at x1: it belongs to x_t.": lambda v, x1, s: residual(v, x1, s, at_data=True).square().mean(),
            "You took the root: the loss and its floor are mean squares.": lambda v, x1, s: residual(v, x1, s).square().mean().sqrt(),
            "This is the mean of u_t - u_t(x_t), which is zero. Square it first.": lambda v, x1, s: residual(v, x1, s).mean(),
        },
    ),
    "04.3": Exercise(
        expects="a function update(average, weights, decay) that returns the new average",
        truth=lambda average, weights, decay: decay * average + (1 - decay) * weights,
        inputs=average_inputs,
        insight="The average has a memory of about 1 / (1 - decay) steps: 1000 at 0.999.",
        mistakes={
            "The roles are swapped: with decay near 1 the average should hardly move.": lambda a, w, d: (1 - d) * a + d * w,
            "The two factors must add up to 1: the new weights get 1 - decay.": lambda a, w, d: d * a + w,
            "You average the two equally, whatever the decay.": lambda a, w, d: (a + w) / 2,
            "You move away from the weights: average + (1 - decay) (weights - average).": lambda a, w, d: a + (1 - d) * (a - w),
        },
    ),
    "04.4": Exercise(
        expects="a function learning_rate(step, n_steps, lr): half a cosine from lr at step 0 down to 0 at step n_steps",
        truth=lambda step, n_steps, lr: lr * 0.5 * (1 + math.cos(math.pi * step / n_steps)),
        inputs=lambda g: [(s, n, number(g, 0.5, 2.0)) for s, n in [(0, 10), (3, 10), (10, 10), (25, 100), (99, 100)]],
        insight="Large steps while there is far to go, and none at all at the end: the noise of the last batches averages out.",
        mistakes={
            "A whole period: the rate comes up again at the end. Use pi, not 2 pi.": lambda s, n, lr: lr * 0.5 * (1 + math.cos(2 * math.pi * s / n)),
            "It is upside down: it starts at 0 and ends at lr.": lambda s, n, lr: lr * 0.5 * (1 - math.cos(math.pi * s / n)),
            "The 1/2 is missing: it starts at 2 lr.": lambda s, n, lr: lr * (1 + math.cos(math.pi * s / n)),
            "A bare cosine becomes negative in the second half: then it climbs the loss.": lambda s, n, lr: lr * math.cos(math.pi * s / n),
            "This falls in a straight line, not as a cosine.": lambda s, n, lr: lr * (1 - s / n),
        },
    ),
    "04.5": Exercise(
        expects="a function learnt(start, loss, floor) that returns a fraction: 0 at the start, 1 on the floor",
        truth=lambda start, loss, floor: (start - loss) / (start - floor),
        inputs=lambda g: [(number(g, 3, 5), number(g, 2.1, 3), number(g, 1.7, 2.05)) for _ in range(4)],
        insight="From 4.5 to 2.04 above a floor of 2.0236 is 99.3 % of what can be learnt, though the loss fell by half only.",
        mistakes={
            "You divided by the first loss: but only the part above the floor can be learnt.": lambda a, b, c: (a - b) / a,
            "This is the fraction that is still to be learnt.": lambda a, b, c: (b - c) / (a - c),
            "The floor over the loss does not tell how far training has come.": lambda a, b, c: c / b,
            "You divided by the present distance to the floor.": lambda a, b, c: (a - b) / (b - c),
        },
    ),
}  # fmt: skip
