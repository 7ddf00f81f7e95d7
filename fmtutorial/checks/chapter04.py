"""The checks of chapter 04: the loss, its floor, averaged weights, a paired comparison, a broken loss."""

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
    """An average, the weights that it started from, a decay, and a number of steps."""
    steps = (1, 3, 10, 6)
    return [
        (normal(g, n, d, dtype=dtype), normal(g, n, d, dtype=dtype), number(g, 0.6, 0.95), k)
        for (n, d, dtype), k in zip(SHAPES, steps, strict=True)
    ]


def comparison_inputs(g):
    """Two networks' answers with much noise in common, and elements that err together."""
    cases = []
    for n, d in [(400, 2), (600, 3)]:
        u = normal(g, n, d, dtype=torch.float64)
        shared = normal(g, n, 1, dtype=torch.float64) + 0.3 * normal(g, n, d, dtype=torch.float64)
        v_b = u + shared
        v_a = v_b + 0.1 + 0.1 * normal(g, n, 1, dtype=torch.float64)
        cases.append((v_a, v_b, u))
    return cases


def example_losses(v_a, v_b, u):
    """The loss of each example (n,), for both networks."""
    return (v_a - u).square().mean(1), (v_b - u).square().mean(1)


def compare(v_a, v_b, u, error):
    """The difference of the losses, with an error computed in some way from the losses of the examples."""
    a, b = example_losses(v_a, v_b, u)
    return (a - b).mean(), error(a, b)


def compare_as_given(v_a, v_b, u):
    a, b = (v_a - u).square(), (v_b - u).square()
    return a.mean() - b.mean(), (a.var() / a.numel() + b.var() / b.numel()).sqrt()


def compare_elements(v_a, v_b, u):
    a_minus_b = (v_a - u).square() - (v_b - u).square()
    return a_minus_b.mean(), a_minus_b.std() / a_minus_b.numel() ** 0.5


def target_inputs(g):
    return [(normal(g, n, d, scale=2.0) + 1.0,) for n, d in [(5, 3), (7, 2), (3, 1), (2, 2)]]


EXERCISES = {
    "04.1": Exercise(
        expects="a function loss(model, x0, x1, t, sigma_min) that returns one number; t has the shape (n, 1)",
        truth=loss_of,
        inputs=loss_inputs,
        insight="Draw, mix, differentiate, compare: nothing here was simulated.",
        mistakes={
            "The network was shown x1: it must see x_t, which is what it is asked about when it samples.": lambda m, x0, x1, t, s: loss_of(m, x0, x1, t, s, shown=x1),
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
        expects="a function noise_left(decay) that returns the variance of the average",
        truth=lambda d: (1 - d) / (1 + d),
        inputs=lambda g: [(d,) for d in (0.0, number(g, 0.2, 0.5), number(g, 0.6, 0.95), 0.99, 0.999)],
        atol=1e-9,
        insight="For d near 1 about half of 1 / memory: 0.0005 at 0.999. Real weights move slowly, neighbours are not independent, and an average leaves more than that.",
        mistakes={
            "That is one over the memory. The terms do not count alike: add up the squares of (1 - d) d^j.": lambda d: 1 - d,
            "That is the newest term alone: the older ones have variances too.": lambda d: (1 - d) ** 2,
            "The factor 1 - d in front of the sum is missing; it comes out of a variance squared.": lambda d: 1 / (1 - d**2),
            "The factor 1 - d comes out of a variance squared.": lambda d: 1 / (1 + d),
            "That is the standard deviation.": lambda d: ((1 - d) / (1 + d)) ** 0.5,
        },
    ),
    "04.4": Exercise(
        expects="a function mended(average, first, decay, n) that returns the average without its first weights",
        truth=lambda average, first, d, n: (average - d**n * first) / (1 - d**n),
        inputs=average_inputs,
        insight="Adam mends its two averages in this way, with 0 in the place of the first weights. A warm-up of the decay does without.",
        mistakes={
            "You took out the first weights, but the others now count 1 - d^n together: divide by that.": lambda a, f, d, n: a - d**n * f,
            "The first weights are still in it. Only an average that starts from 0, as in Adam, needs no more than the division.": lambda a, f, d, n: a / (1 - d**n),
            "After n steps the first weights count d^n, not 1.": lambda a, f, d, n: (a - f) / (1 - d**n),
            "That undoes one step. After n steps the first weights count d^n.": lambda a, f, d, n: (a - d * f) / (1 - d),
            "The shares are swapped: the first weights count d^n, the others 1 - d^n.": lambda a, f, d, n: (a - (1 - d**n) * f) / d**n,
        },
    ),
    "04.5": Exercise(
        expects="a function compare(v_a, v_b, u) that returns the difference of the losses, a minus b, and its standard error",
        truth=lambda v_a, v_b, u: compare(v_a, v_b, u, lambda a, b: (a - b).std() / len(a) ** 0.5),
        inputs=comparison_inputs,
        rtol=5e-3,
        insight="The floor and most of the noise are the same for both networks: in the difference of each example they cancel.",
        mistakes={
            "The program is unchanged: its error takes both networks, and all elements, for independent.": compare_as_given,
            "The two losses share their examples: take the standard deviation of the differences, not two separate ones.": lambda v_a, v_b, u: compare(v_a, v_b, u, lambda a, b: ((a.var() + b.var()) / len(a)).sqrt()),
            "The elements of one example err together: average over them first, and count examples.": compare_elements,
            "That is the scatter of single differences: the error of their mean is smaller by the root of n.": lambda v_a, v_b, u: compare(v_a, v_b, u, lambda a, b: (a - b).std()),
            "That is the square of the error: take the root.": lambda v_a, v_b, u: compare(v_a, v_b, u, lambda a, b: (a - b).var() / len(a)),
        },
    ),
    "04.6": Exercise(
        expects="a function least(u) that returns one number, the least value of the loss over all predictions",
        truth=lambda u: (u - u.mean(0)).square().mean(),
        inputs=target_inputs,
        insight="One constant for all. In the notebook it is 2.25 + 1 = 3.25, the variances of data and noise, and perfect predictions have twice that.",
        mistakes={
            "That is the loss of v_i = u_i, which is compared with all the other targets as well. There is a better choice.": lambda u: (u[:, None] - u).square().mean(),
            "That is the loss of v = 0. A constant other than 0 is better.": lambda u: u.square().mean(),
            "Nearly: the loss divides by n, not by n - 1.": lambda u: u.var(0).mean(),
            "The loss is a mean over the elements, not a sum.": lambda u: (u - u.mean(0)).square().sum(1).mean(),
            "One mean for each coordinate: v_i is a vector.": lambda u: (u - u.mean()).square().mean(),
        },
    ),
}  # fmt: skip
