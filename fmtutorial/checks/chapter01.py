"""The checks of chapter 01: scores, Langevin dynamics, denoising score matching, probability flow."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, each, interval, normal, number, points, uniform
from fmtutorial.distributions import GaussianMixture


def one_mean(g, n, d, dtype):
    return normal(g, d, dtype=dtype)


def mixture_inputs(g):
    """Isotropic mixtures with unequal weights and widths."""
    cases = []
    for n, d, k in [(1, 2, 2), (6, 2, 3), (4, 3, 2)]:
        weights = torch.softmax(normal(g, k), 0)
        cases.append((normal(g, n, d, scale=1.5), weights, normal(g, k, d), uniform(g, k, low=0.5, high=1.5)))
    return cases


def mixture_of(weights, means, stds):
    parts = [{"mean": m, "std": float(s)} for m, s in zip(means, stds, strict=True)]
    return GaussianMixture(parts, weights.double() / weights.double().sum())


def posterior_mean(x, logits, means, stds):
    """sum_k r_k (m_k - x) / s_k^2 with r = softmax(logits)."""
    pulls = (means - x[:, None]) / stds[:, None] ** 2
    return (logits.softmax(1)[..., None] * pulls).sum(1)


def square_distance(x, means, stds):
    return (x[:, None] - means).square().sum(-1) / stds**2


def no_normaliser(x, weights, means, stds):
    return posterior_mean(x, weights.log() - square_distance(x, means, stds) / 2, means, stds)


def equal_weights(x, weights, means, stds):
    d = x.shape[1]
    return posterior_mean(x, -d * stds.log() - square_distance(x, means, stds) / 2, means, stds)


def with_score(*more):
    """inputs: a score that is linear and not symmetric, and further arguments."""

    def inputs(g):
        cases = []
        for n, d, dtype in SHAPES:
            a = number(g, 0.5, 1.5)
            cases.append((lambda x, *s, a=a: 0.3 - a * x, *(make(g, n, d, dtype) for make in more)))
        return cases

    return inputs


def flow_inputs(g):
    """Points, the width of the data, and two noise levels, of which the second is also 0."""
    cases = []
    for n, d, dtype in SHAPES:
        s = number(g, 0.5, 1.5)
        sigma = number(g, 1.0, 3.0)
        sigma_next = sigma * number(g, 0.3, 0.8)
        cases.append((normal(g, n, d, dtype=dtype), s, sigma, sigma_next))
    cases.append((normal(g, 4, 2), 0.8, 1.7, 0.0))
    return cases


def exact_flow(x, s, sigma, sigma_next):
    """The solution of dx/dsigma = sigma x / (s^2 + sigma^2)."""
    return x * math.sqrt((s**2 + sigma_next**2) / (s**2 + sigma**2))


EXERCISES = {
    "01.1": Exercise(
        expects="a function score(x, mean, std) -> (n, d), the score of N(mean, std^2 I); mean has the shape (d,)",
        truth=lambda x, mean, std: -(x - mean) / std**2,
        inputs=each(points, one_mean, interval(0.5, 2.0)),
        insight="The score points at the mean, harder the farther away and the narrower the density. No normaliser anywhere.",
        mistakes={
            "The sign is wrong: the score points uphill, towards the mean.": lambda x, m, s: (x - m) / s**2,
            "You divided by the standard deviation: it is the variance, std^2.": lambda x, m, s: -(x - m) / s,
            "This is the gradient of the density; the score is that of its logarithm. Divide by p(x).": lambda x, m, s: -(x - m) / s**2 * torch.exp(-((x - m) ** 2).sum(1, keepdim=True) / (2 * s**2)) / (2 * math.pi * s**2) ** (x.shape[1] / 2),
            "The mean is missing: this is the score of N(0, std^2 I).": lambda x, m, s: -x / s**2,
        },
    ),
    "01.2": Exercise(
        expects="a function score(x, weights, means, stds) -> (n, d) with weights (K,), means (K, d), stds (K,)",
        truth=lambda x, weights, means, stds: mixture_of(weights, means, stds).score(x),
        inputs=mixture_inputs,
        insight="Each component pulls with its posterior probability: that is how much of it there is at this x.",
        mistakes={
            "You averaged with the prior weights: each x needs its own posterior probabilities.": lambda x, w, m, s: (w[:, None] * (m - x[:, None]) / s[:, None] ** 2).sum(1),
            "Your posterior forgets the normalisers: a wide component is less dense, by std^d.": no_normaliser,
            "Your posterior forgets the weights of the components.": equal_weights,
            "You summed the components' scores without weighing them.": lambda x, w, m, s: ((m - x[:, None]) / s[:, None] ** 2).sum(1),
            "This is the gradient of the density; divide by p(x) to get the score.": lambda x, w, m, s: mixture_of(w, m, s).score(x) * mixture_of(w, m, s).log_prob(x).exp()[:, None],
            "The sign is wrong: the score points uphill.": lambda x, w, m, s: -mixture_of(w, m, s).score(x),
        },
    ),
    "01.3": Exercise(
        expects="a function step(score, x, h, z) -> (n, d): one Langevin step of size h with the noise z",
        truth=lambda score, x, h, z: x + h * score(x) + math.sqrt(2 * h) * z,
        inputs=with_score(points, interval(0.01, 0.4), points),
        insight="Drift h, noise variance 2h: for small h only this ratio leaves p unchanged (langevin_step does the same).",
        mistakes={
            "The 2 is missing: the noise has the variance 2h, so z is multiplied by sqrt(2h).": lambda s, x, h, z: x + h * s(x) + math.sqrt(h) * z,
            "You multiplied z by 2h: noise grows with the square root of the step.": lambda s, x, h, z: x + h * s(x) + 2 * h * z,
            "The drift has the wrong sign: it walks downhill.": lambda s, x, h, z: x - h * s(x) + math.sqrt(2 * h) * z,
            "The step size is missing in the drift.": lambda s, x, h, z: x + s(x) + math.sqrt(2 * h) * z,
            "You left the old x out: a step is added to where you are.": lambda s, x, h, z: h * s(x) + math.sqrt(2 * h) * z,
            "The drift is halved, the noise is not: h/2 goes with sqrt(h), h with sqrt(2h).": lambda s, x, h, z: x + h / 2 * s(x) + math.sqrt(2 * h) * z,
        },
    ),
    "01.4": Exercise(
        expects="a function denoise(score, x, sigma) -> (n, d): the mean of the clean point x1, given x = x1 + sigma z",
        truth=lambda score, x, sigma: x + sigma**2 * score(x),
        inputs=with_score(points, interval(0.2, 2.0)),
        insight="Tweedie's formula: a score is a denoiser, and a denoiser is a score. Diffusion libraries use both names.",
        mistakes={
            "You multiplied by sigma: the score is already divided by it, -E[z | x] / sigma, so it takes sigma^2.": lambda f, x, s: x + s * f(x),
            "The sign is wrong: cleaning goes uphill, towards more likely points.": lambda f, x, s: x - s**2 * f(x),
            "You left x out: this is only the correction.": lambda f, x, s: s**2 * f(x),
            "sigma^2 is missing.": lambda f, x, s: x + f(x),
            "Half of it is missing: the factor is sigma^2, without a half.": lambda f, x, s: x + s**2 / 2 * f(x),
        },
    ),
    "01.5": Exercise(
        expects="a function floor(s, sigma) that returns one number",
        truth=lambda s, sigma: 1 / sigma**2 - 1 / (s**2 + sigma**2),
        inputs=lambda g: [(number(g, 0.3, 2), number(g, 0.2, 1.5)) for _ in range(4)],
        insight="Not zero: many clean points could have led to the same noisy one. As s goes to 0 the floor does too: with one clean point, x tells the noise.",
        mistakes={
            "This is the whole variance of the target; x explains a part of it, which the network can learn.": lambda s, a: 1 / a**2,
            "This is the part that the network learns, E |grad log p_sigma|^2 / d; the floor is what is left.": lambda s, a: 1 / (s**2 + a**2),
            "The floor is not zero: a regression on random targets leaves their variance given x.": lambda s, a: 0.0,
            "Standard deviations do not add, variances do: the smoothed data have the variance s^2 + sigma^2.": lambda s, a: 1 / a**2 - 1 / (s + a) ** 2,
            "The sign is wrong: take what is learnt away from the whole.": lambda s, a: 1 / (s**2 + a**2) - 1 / a**2,
        },
    ),
    "01.6": Exercise(
        expects="a function flow(x, s, sigma, sigma_next) -> (n, d): the exact solution of the probability flow at sigma_next",
        truth=exact_flow,
        inputs=flow_inputs,
        insight="At sigma' = 0 the variance is s^2, as it must be. One Euler step to 0 lands at E[x1 | x] = x s^2 / (s^2 + sigma^2) instead: the best guess of each point, and together too narrow.",
        mistakes={
            "This is one Euler step of the flow; find the exact solution (to sigma' = 0 the step gives E[x1 | x], not the flow's end).": lambda x, s, a, b: x + (b - a) * a * x / (s**2 + a**2),
            "The root is missing: variances have this ratio, points have its root.": lambda x, s, a, b: x * (s**2 + b**2) / (s**2 + a**2),
            "It is upside down: with less noise the points move together.": lambda x, s, a, b: x * math.sqrt((s**2 + a**2) / (s**2 + b**2)),
            "The width of the data is missing: at sigma' = 0 every point would end at 0.": lambda x, s, a, b: x * b / a,
            "Standard deviations do not add, variances do.": lambda x, s, a, b: x * (s + b) / (s + a),
        },
    ),
}  # fmt: skip
