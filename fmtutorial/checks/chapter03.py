"""The checks of chapter 03: conditional paths and velocities, the posterior mean, the gradient, sigma_min."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, each, interval, normal, number, points, times

widths = interval(0.05, 0.4)


def schedule_inputs(g):
    """x, x1 and the values of alpha, sigma and their derivatives at one time."""
    rates = (interval(0.2, 0.9), interval(0.2, 0.9), interval(0.5, 1.5), interval(-1.5, -0.5))
    return each(points, points, *rates)(g)


def data_inputs(g):
    """Query points, one time, N data points and sigma_min."""
    cases = []
    for n, d, many in [(1, 2, 5), (4, 3, 8), (3, 3, 3)]:
        cases.append(
            (normal(g, n, d), number(g, 0.2, 0.7), normal(g, many, d, scale=1.5), number(g, 0.05, 0.3))
        )
    return cases


def weighted(x, t, x1, sigma_min, logits):
    """The mean of u_t(x | x1_i) with weights softmax(logits), (n, N)."""
    sigma = 1 - (1 - sigma_min) * t
    u = (x1 - (1 - sigma_min) * x[:, None]) / sigma  # (n, N, d)
    return (logits.softmax(1)[..., None] * u).sum(1)


def log_weights(x, t, x1, variance):
    return -(x[:, None] - t * x1).square().sum(-1) / (2 * variance)


def sigma_of(t, sigma_min):
    return 1 - (1 - sigma_min) * t


def truth_marginal(x, t, x1, sigma_min):
    return weighted(x, t, x1, sigma_min, log_weights(x, t, x1, sigma_of(t, sigma_min) ** 2))


def gradient_inputs(g):
    return [
        (normal(g, d, d, dtype=t), normal(g, n, d, dtype=t), normal(g, n, d, dtype=t)) for n, d, t in SHAPES
    ]


def truth_gradient(W, x_t, u_t):
    return 2 / u_t.numel() * (x_t @ W.T - u_t).T @ x_t


EXERCISES = {
    "03.1": Exercise(
        expects="a function point(x0, x1, t, sigma_min) -> (n, d) with t of shape (n, 1)",
        truth=lambda x0, x1, t, sigma_min: t * x1 + (1 - (1 - sigma_min) * t) * x0,
        inputs=each(points, points, times, widths),
        insight="At t = 1 the noise has not quite gone: sigma_min of it is left around each data point.",
        mistakes={
            "sigma_min is missing: this is the path that ends on the data point itself.": lambda x0, x1, t, s: t * x1 + (1 - t) * x0,
            "You added sigma_min to 1 - t: then the path does not start with unit noise. sigma_t = 1 - (1 - sigma_min) t.": lambda x0, x1, t, s: t * x1 + (1 - t + s) * x0,
            "Time is reversed: x0 is the noise, and t = 0 belongs to it.": lambda x0, x1, t, s: (1 - t) * x1 + (1 - (1 - s) * (1 - t)) * x0,
            "sigma_t is 1 - (1 - sigma_min) t; you have 1 - sigma_min t, which leaves nearly all the noise.": lambda x0, x1, t, s: t * x1 + (1 - s * t) * x0,
            "The data too are scaled by 1 - sigma_min: alpha_t is t.": lambda x0, x1, t, s: (1 - s) * t * x1 + (1 - (1 - s) * t) * x0,
        },
    ),
    "03.2": Exercise(
        expects="a function target(x0, x1, sigma_min) -> (n, d), the time derivative of x_t",
        truth=lambda x0, x1, sigma_min: x1 - (1 - sigma_min) * x0,
        inputs=each(points, points, widths),
        insight="The target is the time derivative of the very x_t that you sample. Check it by differentiating.",
        mistakes={
            "This is x1 - x0: it belongs to the path with sigma_min = 0, and your path has sigma_min > 0.": lambda x0, x1, s: x1 - x0,
            "The factor stands before the wrong point: it is the noise that shrinks by 1 - sigma_min.": lambda x0, x1, s: (1 - s) * x1 - x0,
            "You have sigma_min x0 where 1 - sigma_min belongs.": lambda x0, x1, s: x1 - s * x0,
            "The sign is wrong: this velocity leads from data to noise.": lambda x0, x1, s: (1 - s) * x0 - x1,
            "You scaled the whole line by 1 - sigma_min.": lambda x0, x1, s: (1 - s) * (x1 - x0),
        },
    ),
    "03.3": Exercise(
        expects="a function velocity(x, x1, alpha, sigma, alpha_dot, sigma_dot) -> (n, d), the field u_t(x | x1)",
        truth=lambda x, x1, alpha, sigma, alpha_dot, sigma_dot: alpha_dot * x1 + sigma_dot / sigma * (x - alpha * x1),
        inputs=schedule_inputs,
        insight="The mean moves with alpha' x1, and (x - alpha x1) / sigma is the noise x0 that leads through x.",
        mistakes={
            "The mean at time t is alpha x1, not x1: stretch about that.": lambda x, x1, a, s, ad, sd: ad * x1 + sd / s * (x - x1),
            "sigma' and sigma are swapped.": lambda x, x1, a, s, ad, sd: ad * x1 + s / sd * (x - a * x1),
            "You forgot to divide by sigma: (x - alpha x1) is sigma x0, and you need x0.": lambda x, x1, a, s, ad, sd: ad * x1 + sd * (x - a * x1),
            "The motion of the mean, alpha' x1, is missing.": lambda x, x1, a, s, ad, sd: sd / s * (x - a * x1),
            "You used alpha where its derivative belongs.": lambda x, x1, a, s, ad, sd: a * x1 + sd / s * (x - a * x1),
        },
    ),
    "03.4": Exercise(
        expects="a function velocity(x, t, x1, sigma_min) -> (n, d): x (n, d), one time t, data x1 (N, d)",
        truth=truth_marginal,
        inputs=data_inputs,
        insight="A softmax over the data points, each voting for its own velocity: the marginal velocity is a posterior mean.",
        mistakes={
            "Every data point has the same say in your mean: weigh each by how likely it is to have led to this x.": lambda x, t, x1, s: weighted(x, t, x1, s, torch.zeros(len(x), len(x1))),
            "The conditional std is not squared in your weights: the exponent is |x - t x1|^2 / (2 sigma_t^2).": lambda x, t, x1, s: weighted(x, t, x1, s, log_weights(x, t, x1, sigma_of(t, s))),
            "Your weights compare x with x1: at time t the path of x1 is at t x1.": lambda x, t, x1, s: weighted(x, t, x1, s, -(x[:, None] - x1).square().sum(-1) / (2 * sigma_of(t, s) ** 2)),
            "The 2 of the Gaussian's exponent is missing in your weights.": lambda x, t, x1, s: weighted(x, t, x1, s, 2 * log_weights(x, t, x1, sigma_of(t, s) ** 2)),
            "Your softmax runs over the points x, not over the data x1: each row of weights must sum to 1.": lambda x, t, x1, s: (log_weights(x, t, x1, sigma_of(t, s) ** 2).softmax(0)[..., None] * (x1 - (1 - s) * x[:, None]) / sigma_of(t, s)).sum(1),
            "You follow only the nearest data point: the mean is over all of them.": lambda x, t, x1, s: weighted(x, t, x1, s, 1e4 * log_weights(x, t, x1, 1.0)),
        },
    ),
    "03.5": Exercise(
        expects="a function gradient(W, x_t, u_t) -> (d, d), of the CFM loss of v(x) = x @ W.T by W",
        truth=truth_gradient,
        inputs=gradient_inputs,
        insight="It is linear in u_t. So replacing u_t by its mean given x_t changes nothing on average: CFM and FM share it.",
        mistakes={
            "The 2 of the square is missing.": lambda W, x, u: truth_gradient(W, x, u) / 2,
            "You divided by n only: the loss is a mean over n d elements.": lambda W, x, u: truth_gradient(W, x, u) * x.shape[1],
            "You summed over the batch: the loss is a mean.": lambda W, x, u: truth_gradient(W, x, u) * u.numel(),
            "It is transposed: row i belongs to output i.": lambda W, x, u: truth_gradient(W, x, u).T,
            "The sign is wrong: v - u_t, not u_t - v.": lambda W, x, u: -truth_gradient(W, x, u),
            "You used W where v(x) = x @ W.T needs its transpose.": lambda W, x, u: 2 / u.numel() * (x @ W - u).T @ x,
        },
    ),
    "03.6": Exercise(
        expects="a function end_std(s, sigma_min) that returns one number: the std of the end points for data N(0, s^2)",
        truth=lambda s, sigma_min: math.hypot(s, sigma_min),
        inputs=lambda g: [(number(g, 0.3, 2.0), number(g, 0.2, 0.8)) for _ in range(4)],
        insight="Independent variances add. sigma_min = 0.1 widens data of std 1 by half a per cent, of std 0.1 by 41 per cent.",
        mistakes={
            "Standard deviations do not add: variances do.": lambda s, m: s + m,
            "sigma_min is a standard deviation: square it.": lambda s, m: math.sqrt(s * s + m),
            "That is the variance: take the root.": lambda s, m: s * s + m * m,
            "sigma_min has no effect in your answer: the end point is x1 + sigma_min x0.": lambda s, m: s,
            "The noise left at t = 1 is sigma_min, not 1 - sigma_min.": lambda s, m: math.hypot(s, 1 - m),
        },
    ),
}  # fmt: skip
