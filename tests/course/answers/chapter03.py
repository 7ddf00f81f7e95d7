"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import torch
from scipy.integrate import quad
from torch.distributions import Normal

from fmtutorial import exact
from fmtutorial.distributions import EmpiricalDistribution
from fmtutorial.paths import StraightPath


def weighted_loop(x, t, x1, sigma_min, weights):
    sigma = 1 - (1 - sigma_min) * t
    rows = []
    for point in x:
        p = torch.stack([Normal(t * c, sigma).log_prob(point).sum() for c in x1]).double()
        w = weights * (p - p.max()).exp()
        u = (x1 - (1 - sigma_min) * point) / sigma
        rows.append((w[:, None] * u).sum(0) / w.sum())
    return torch.stack(rows)


def weighted(x, t, x1, sigma_min, a, variance=None, centre=None, dim=1, two=2):
    sigma = 1 - (1 - sigma_min) * t
    centre = t * x1 if centre is None else centre
    scale = two * (sigma**2 if variance is None else variance(sigma))
    w = (a.double().log() - torch.cdist(x.double(), centre.double()) ** 2 / scale).softmax(dim)
    return torch.einsum("nk,nkd->nd", w, (x1.double() - (1 - sigma_min) * x.double()[:, None]) / sigma)


def weighted_by_least_squares(x, t, x1, sigma_min, a):
    """The minimiser at each x by setting the derivative to zero: a quadratic in v."""
    sigma = 1 - (1 - sigma_min) * t
    p = a * torch.exp(-(torch.cdist(x.double(), t * x1.double()) ** 2) / (2 * sigma**2))
    x1_mean = p @ x1.double() / p.sum(1, keepdim=True)
    return (x1_mean - (1 - sigma_min) * x) / sigma


def same_weights(x, t, x1, sigma_min, a):
    return exact.marginal_velocity(EmpiricalDistribution(x1), StraightPath(sigma_min), x, t)


def not_normalised(x, t, x1, s, a):
    sigma = 1 - (1 - s) * t
    p = torch.exp(-(torch.cdist(x.double(), t * x1.double()) ** 2) / (2 * sigma**2))
    u = (x1 - (1 - s) * x[:, None]) / sigma
    return torch.einsum("nk,k,nkd->nd", p / p.sum(1, keepdim=True), a.double(), u.double())


def circle_variance(s, t):
    """Var(u_t | x_t) on the circle, from the covariance matrix of (u_t, x_t)."""
    alpha, sigma = torch.sin(math.pi / 2 * t), torch.cos(math.pi / 2 * t)
    alpha_dot, sigma_dot = math.pi / 2 * sigma, -math.pi / 2 * alpha
    covariance = s**2 * alpha * alpha_dot + sigma * sigma_dot
    return s**2 * alpha_dot**2 + sigma_dot**2 - covariance**2 / (s**2 * alpha**2 + sigma**2)


def circle_by_midpoints(s):
    t = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    return circle_variance(s, t).mean()


def circle_by_quadrature(s):
    return quad(lambda t: float(circle_variance(s, torch.tensor(t, dtype=torch.float64))), 0, 1)[0]


def gradient_by_autograd(W, x_t, u_t):
    W = W.clone().requires_grad_()
    return torch.autograd.grad((x_t @ W.T - u_t).square().mean(), W)[0]


def gradient_by_loop(W, x, u):
    total = torch.zeros_like(W)
    for a, b in zip(x, u, strict=True):
        total += 2 * torch.outer(W @ a - b, a)
    return total / u.numel()


ANSWERS = {
    "03.1": (
        [
            lambda x0, x1, t, sigma_min: t * x1 + (1 - (1 - sigma_min) * t) * x0,
            lambda a, b, t, s: torch.lerp(a, b, t) + s * t * a,
            lambda a, b, t, s: torch.stack([ti * q + (1 - ti + s * ti) * p for p, q, ti in zip(a.double(), b.double(), t.double(), strict=True)]),
        ],
        [
            (lambda x0, x1, t, s: torch.lerp(x0, x1, t), "sigma_min is missing"),
            (lambda x0, x1, t, s: t * x1 + (1 - t + s) * x0, "unit noise"),
            (lambda x0, x1, t, s: (1 - t) * x1 + (t + s * (1 - t)) * x0, "reversed"),
            (lambda x0, x1, t, s: t * x1 + (1 - s * t) * x0, "nearly all the noise"),
        ],
    ),
    "03.2": (
        [
            lambda x0, x1, sigma_min: x1 - (1 - sigma_min) * x0,
            lambda a, b, s: b - a + s * a,
            lambda a, b, s: StraightPath(s).velocity(a.double(), b.double(), 0.3),
        ],
        [
            (lambda x0, x1, s: x1 - x0, "belongs to the path with sigma_min = 0"),
            (lambda x0, x1, s: (1 - s) * x1 - x0, "wrong point"),
            (lambda x0, x1, s: x1 - s * x0, "1 - sigma_min belongs"),
            (lambda x0, x1, s: -(x1 - (1 - s) * x0) , "The sign is wrong"),
        ],
    ),
    "03.3": (
        [
            lambda x, x1, alpha, sigma, alpha_dot, sigma_dot: alpha_dot * x1 + sigma_dot / sigma * (x - alpha * x1),
            lambda x, c, a, s, ad, sd: (ad - a * sd / s) * c + (sd / s) * x,
            lambda x, c, a, s, ad, sd: ad * c.double() + sd * ((x.double() - a * c) / s),
        ],
        [
            (lambda x, c, a, s, ad, sd: ad * c + sd / s * (x - c), "not x1"),
            (lambda x, c, a, s, ad, sd: ad * c + s / sd * (x - a * c), "swapped"),
            (lambda x, c, a, s, ad, sd: ad * c + sd * (x - a * c), "divide by sigma"),
            (lambda x, c, a, s, ad, sd: a * c + sd / s * (x - a * c), "derivative belongs"),
        ],
    ),
    "03.4": (
        [weighted_loop, weighted, weighted_by_least_squares],
        [
            (same_weights, "no effect"),
            (not_normalised, "do not sum to 1"),
            (lambda x, t, x1, s, a: weighted(x, t, x1, s, a * a), "a second time"),
            (lambda x, t, x1, s, a: weighted(x, t, x1, s, 1 / a), "divide by the weights"),
            (lambda x, t, x1, s, a: (a[:, None] * (x1 - (1 - s) * x[:, None]) / (1 - (1 - s) * t)).sum(1) / a.sum(), "Only the weights"),
            (lambda x, t, x1, s, a: weighted(x, t, x1, s, a, variance=lambda sigma: sigma), "not squared"),
            (lambda x, t, x1, s, a: weighted(x, t, x1, s, a, centre=x1), "compare x with x1"),
            (lambda x, t, x1, s, a: weighted(x, t, x1, s, a, two=1), "The 2"),
            (lambda x, t, x1, s, a: weighted(x, t, x1, s, a, dim=0), "not over the data"),
            (lambda x, t, x1, s, a: weighted(x, t, x1, s, a.exp()), "without their logarithm"),
        ],
    ),
    "03.5": (
        [gradient_by_autograd, gradient_by_loop, lambda W, x, u: torch.einsum("ni,nj->ij", x @ W.T - u, x) * 2 / x.numel()],
        [
            (lambda W, x, u: gradient_by_loop(W, x, u) / 2, "2 of the square"),
            (lambda W, x, u: gradient_by_loop(W, x, u) * x.shape[1], "divided by n only"),
            (lambda W, x, u: gradient_by_loop(W, x, u).T, "transposed"),
            (lambda W, x, u: -gradient_by_loop(W, x, u), "sign"),
            (lambda W, x, u: gradient_by_loop(W, x, u) * x.numel(), "summed over the batch"),
        ],
    ),
    "03.6": (
        [lambda s: s * (math.pi / 2) ** 2, circle_by_midpoints, circle_by_quadrature],
        [
            (lambda s: math.pi / 2 * s, "straight path"),
            (lambda s: math.pi**2 / 8 * (1 + s**2), "whole variance"),
            (lambda s: (math.pi / 2) ** 3 * s, "2 dtheta / pi"),
            (lambda s: s, "inner derivative pi / 2 is missing"),
            (lambda s: (math.pi * s / 2) ** 2, "one power of s"),
            (lambda s: 0 * s, "scatter of u_t"),
        ],
    ),
}  # fmt: skip
