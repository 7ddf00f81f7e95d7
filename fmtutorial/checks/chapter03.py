"""The checks of chapter 03: conditional paths and velocities, the posterior mean, the gradient, a floor."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, each, interval, normal, number, points, times, uniform

widths = interval(0.05, 0.4)


def schedule_inputs(g):
    """x, x1 and the values of alpha, sigma and their derivatives at one time."""
    rates = (interval(0.2, 0.9), interval(0.2, 0.9), interval(0.5, 1.5), interval(-1.5, -0.5))
    return each(points, points, *rates)(g)


def data_inputs(g):
    """Query points, one time, N data points, sigma_min and a weight for each data point."""
    cases = []
    for n, d, many in [(1, 2, 5), (4, 3, 8), (3, 3, 3)]:
        x, x1 = normal(g, n, d), normal(g, many, d, scale=1.5)
        cases.append((x, number(g, 0.2, 0.7), x1, number(g, 0.05, 0.3), uniform(g, many, low=0.2, high=3.0)))
    return cases


def conditional(x, t, x1, sigma_min):
    """u_t(x | x1_i) for every x and every data point, (n, N, d)."""
    return (x1 - (1 - sigma_min) * x[:, None]) / sigma_of(t, sigma_min)


def mean_with(logits, x, t, x1, sigma_min):
    """The mean of u_t(x | x1_i) with weights softmax(logits), (n, N)."""
    return (logits.softmax(1)[..., None] * conditional(x, t, x1, sigma_min)).sum(1)


def log_density(x, t, x1, variance):
    """-|x - t x1_i|^2 / (2 variance), (n, N)."""
    return -(x[:, None] - t * x1).square().sum(-1) / (2 * variance)


def sigma_of(t, sigma_min):
    return 1 - (1 - sigma_min) * t


def truth_weighted(x, t, x1, sigma_min, a):
    logits = log_density(x, t, x1, sigma_of(t, sigma_min) ** 2) + a.log()
    return mean_with(logits, x, t, x1, sigma_min)


def unnormalised(x, t, x1, sigma_min, a):
    """The weights multiply the velocities, and nobody divides by their sum."""
    share = log_density(x, t, x1, sigma_of(t, sigma_min) ** 2).softmax(1) * a
    return (share[..., None] * conditional(x, t, x1, sigma_min)).sum(1)


def softmax_over_points(x, t, x1, sigma_min, a):
    share = (log_density(x, t, x1, sigma_of(t, sigma_min) ** 2) + a.log()).softmax(0)
    return (share[..., None] * conditional(x, t, x1, sigma_min)).sum(1)


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
        expects="a function velocity(x, t, x1, sigma_min, weights) -> (n, d): x (n, d), one time t, data x1 (N, d), weights (N,)",
        truth=truth_weighted,
        inputs=data_inputs,
        insight="A weight that depends on the data point changes the minimiser: it is the velocity of another data distribution.",
        mistakes={
            "The weights a_i have no effect in your answer, but at each x they decide whose velocity matters more.": lambda x, t, x1, s, a: truth_weighted(x, t, x1, s, torch.ones_like(a)),
            "Your weights do not sum to 1: divide by sum_i a_i p_t(x | x1_i), not by sum_i p_t(x | x1_i).": unnormalised,
            "You multiply by the weights a second time: they enter once, beside the density.": lambda x, t, x1, s, a: truth_weighted(x, t, x1, s, a**2),
            "You divide by the weights: a data point with a large weight should count more.": lambda x, t, x1, s, a: truth_weighted(x, t, x1, s, 1 / a),
            "Only the weights a_i count in your mean: weigh each data point also by how likely it is to have led to this x.": lambda x, t, x1, s, a: mean_with(a.log().expand(len(x), -1), x, t, x1, s),
            "The conditional std is not squared in your weights: the exponent is |x - t x1|^2 / (2 sigma_t^2).": lambda x, t, x1, s, a: mean_with(log_density(x, t, x1, sigma_of(t, s)) + a.log(), x, t, x1, s),
            "Your weights compare x with x1: at time t the path of x1 is at t x1.": lambda x, t, x1, s, a: mean_with(log_density(x, 1.0, x1, sigma_of(t, s) ** 2) + a.log(), x, t, x1, s),
            "The 2 of the Gaussian's exponent is missing in your weights.": lambda x, t, x1, s, a: mean_with(2 * log_density(x, t, x1, sigma_of(t, s) ** 2) + a.log(), x, t, x1, s),
            "Your softmax runs over the points x, not over the data x1: each row of weights must sum to 1.": softmax_over_points,
            "The weights are added to the exponent without their logarithm.": lambda x, t, x1, s, a: truth_weighted(x, t, x1, s, a.exp()),
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
        expects="a function circle_floor(s) that returns one number: the mean over t of Var(u_t | x_t) for data N(0, s^2)",
        truth=lambda s: math.pi**2 * s / 4,
        inputs=lambda g: [(number(g, 0.3, 0.8),), (number(g, 1.3, 2.5),), (1.0,)],
        insight="At s = 1 the marginal velocity is zero everywhere, and the least loss is 2.47: losses of two paths cannot be compared.",
        mistakes={
            "That is pi s / 2, the floor of the straight path: here alpha' and sigma' carry the factor pi / 2 of the inner derivative, squared.": lambda s: math.pi * s / 2,
            "That is the whole variance of u_t: subtract what x_t tells about it, Cov(u_t, x_t)^2 / Var(x_t).": lambda s: math.pi**2 * (s * s + 1) / 8,
            "The substitution theta = pi t / 2 lacks its dt = 2 dtheta / pi.": lambda s: math.pi**3 * s / 8,
            "The inner derivative pi / 2 is missing in alpha' and sigma'.": lambda s: s,
            "The integral is pi / (2 s), so one power of s cancels.": lambda s: math.pi**2 * s * s / 4,
            "At s = 1 the marginal velocity is zero, but the floor is the scatter of u_t around it, which is not.": lambda s: 0.0,
        },
    ),
}  # fmt: skip
