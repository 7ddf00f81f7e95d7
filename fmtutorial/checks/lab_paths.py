"""Bugs in a path, its loss or a density: broken programs as tutorials have them, and right ones."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, each, interval, normal, number, points, times, uniform
from fmtutorial.checks._lab import PROGRAM, Bug

widths = interval(0.15, 0.4)


# 1. A target that does not belong to its path.
def pair(x0, x1, t, sigma_min):
    return torch.stack([t * x1 + (1 - (1 - sigma_min) * t) * x0, x1 - (1 - sigma_min) * x0])


def pair_broken(x0, x1, t, sigma_min):
    return t * x1 + (1 - (1 - sigma_min) * t) * x0, x1 - x0


def pair_by_hand(x0, x1, t, sigma_min):
    sigma, sigma_dot = 1 - t + sigma_min * t, sigma_min - 1
    return t * x1 + sigma * x0, x1 + sigma_dot * x0


# 2. A network that is shown the data.
def loss(model, x0, x1, t):
    return (model(t * x1 + (1 - t) * x0, t) - (x1 - x0)).square().mean()


def loss_broken(model, x0, x1, t):
    x_t = t * x1 + (1 - t) * x0  # noqa: F841  (that is the bug)
    return (model(x1, t) - (x1 - x0)).square().mean()


def loss_by_lerp(model, x0, x1, t):
    error = model(torch.lerp(x0, x1, t), t) - x1 + x0
    return (error**2).sum() / error.numel()


def loss_inputs(g):
    cases = []
    for n, d, dtype in SHAPES[:3]:
        x = [normal(g, n, d, dtype=dtype) for _ in range(2)]
        a = number(g, 0.5, 1.5)
        cases.append((lambda x, t, a=a: torch.sin(a * x) + t, *x, uniform(g, n, 1, dtype=dtype)))
    return cases


# 7. A standard deviation that is not squared.
def noisy(x1, t, sigma_min, z):
    return t * x1 + (1 - (1 - sigma_min) * t) * z


def noisy_broken(x1, t, sigma_min, z):
    variance = 1 - (1 - sigma_min) * t
    return t * x1 + variance.sqrt() * z


# 11. A residual that broadcasts.
def flat_loss(v, u):
    return (v - u.reshape(v.shape)).square().mean()


def flat_loss_broken(v, u):
    return (v - u).square().mean()


def flat_inputs(g):
    return [(normal(g, n, 1), normal(g, n)) for n in (1, 4, 9)]


# 13. A density that does not integrate to one.
def log_density(x, mean, std):
    d = x.shape[1]
    return -0.5 * ((x - mean) / std).square().sum(1) - d * math.log(std) - d / 2 * math.log(2 * math.pi)


def log_density_broken(x, mean, std):
    return -0.5 * ((x - mean) / std).square().sum(1) - math.log(std) - 0.5 * math.log(2 * math.pi)


def log_density_of_torch(x, mean, std):
    return torch.distributions.Normal(mean, std).log_prob(x).sum(1)


def density_inputs(g):
    return [(normal(g, n, d), normal(g, d), number(g, 0.4, 2.0)) for n, d in [(1, 2), (5, 3), (4, 1)]]


EXERCISES = {
    "lab.1": Bug(
        Exercise(
            PROGRAM,
            pair,
            each(points, points, times, widths),
            "A target is right if it is the time derivative of its own x_t: two nearby times show it.",
            {
                "The target is still x1 - x0: differentiate the x_t of this program.": pair_broken,
                "Now x_t lost its sigma_min, which repairs another program: keep x_t, change u_t.": lambda x0, x1, t, s: (t * x1 + (1 - t) * x0, x1 - x0),
                "The factor belongs to the noise, not to the data.": lambda x0, x1, t, s: (pair(x0, x1, t, s)[0], (1 - s) * x1 - x0),
            },
        ),
        pair_broken,
        (lambda *a: tuple(pair(*a)), pair_by_hand),
    ),
    "lab.2": Bug(
        Exercise(
            PROGRAM,
            loss,
            loss_inputs,
            "With the exact velocity as the model, a right loss stands on its floor; a wrong one does not.",
            {
                "The model is still shown x1.": loss_broken,
                "Now the model is shown the noise: it must see x_t.": lambda m, x0, x1, t: (m(x0, t) - (x1 - x0)).square().mean(),
                "x_t is mixed the wrong way round: t belongs to the data.": lambda m, x0, x1, t: (m(t * x0 + (1 - t) * x1, t) - (x1 - x0)).square().mean(),
            },
        ),
        loss_broken,
        (loss, loss_by_lerp),
    ),
    "lab.7": Bug(
        Exercise(
            PROGRAM,
            noisy,
            each(points, times, widths, points),
            "sigma_t is a standard deviation: the spread of many draws at one t tells.",
            {
                "It still draws with the root of the standard deviation.": noisy_broken,
                "Now it is squared: sigma_t itself multiplies the noise.": lambda x1, t, s, z: t * x1 + (1 - (1 - s) * t) ** 2 * z,
                "Now sigma_min is gone.": lambda x1, t, s, z: t * x1 + (1 - t) * z,
            },
        ),
        noisy_broken,
        (noisy, lambda x1, t, s, z: torch.addcmul(t * x1, 1 - t + s * t, z)),
    ),
    "lab.11": Bug(
        Exercise(
            PROGRAM,
            flat_loss,
            flat_inputs,
            "(n, 1) against (n,) gives (n, n): every prediction was compared with every target, so the best was their mean.",
            {
                "It still broadcasts to (n, n).": flat_loss_broken,
                "You summed: the loss is a mean.": lambda v, u: flat_loss(v, u) * len(v),
                "You compare the means only: the square comes first.": lambda v, u: (v.mean() - u.mean()).square(),
            },
        ),
        flat_loss_broken,
        (flat_loss, lambda v, u: torch.nn.functional.mse_loss(v.squeeze(1), u)),
    ),
    "lab.13": Bug(
        Exercise(
            PROGRAM,
            log_density,
            density_inputs,
            "A density must integrate to one: a sum over a grid takes three lines and needs no theory.",
            {
                "The normaliser still counts one dimension: there are d.": log_density_broken,
                "std^d is still missing.": lambda x, m, s: log_density(x, m, s) + x.shape[1] * math.log(s),
                "This is the density; its logarithm was asked for.": lambda x, m, s: log_density(x, m, s).exp(),
                "You used log(2 pi) for each dimension: it is half of that.": lambda x, m, s: log_density(x, m, s) - x.shape[1] / 2 * math.log(2 * math.pi),
            },
        ),
        log_density_broken,
        (log_density, log_density_of_torch),
    ),
}  # fmt: skip
