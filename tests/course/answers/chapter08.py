"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import numpy as np
import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from fmtutorial.sampling import euler_step

LOG_2PI = math.log(2 * math.pi)


def noise(x):
    return -0.5 * (x**2 + LOG_2PI).sum(-1)


def flow(v, div, x, n_steps):
    total, h = 0, 1 / n_steps
    for k in range(n_steps):
        t = 1 - k * h
        total = total + h * div(x, t)
        x = x - h * v(x, t)
    return noise(x) - total


def flow_of_an_augmented_state(v, div, x, n):
    def both(s, t):
        return torch.cat([v(s[:, :-1], t), div(s[:, :-1], t)[:, None]], 1)

    s = torch.cat([x, torch.zeros(len(x), 1)], 1)
    for k in range(n):
        s = euler_step(both, s, 1 - k / n, -1 / n)
    return Independent(Normal(0.0, 1.0).expand(x.shape), 1).log_prob(s[:, :-1]) + s[:, -1]


def flow_kept(v, div, x, n, order=1):
    states = [x]
    for t in torch.arange(n, 0, -1) / n:
        states.append(states[-1] - v(states[-1], t) / n)
    rates = [div(y, (n - k) / n) for k, y in enumerate(states[:-1])]
    return noise(states[-1]) - order * sum(rates) / n


def back(v, div, x, n, times, step=-1, prior=None):
    start, total = x, 0
    for t in times:
        total = total + div(x, t) / n
        x = x + step * v(x, t) / n
    return noise(x if prior is None else start) - total


def probes(v, x, t, e):
    total = 0
    for one in e:
        y = x.clone().requires_grad_()
        (g,) = torch.autograd.grad((v(y, t) * one).sum(), y)
        total = total + (g * one).sum(1)
    return total / len(e)


def probes_by_vjp(v, x, t, e):
    return torch.stack([(torch.func.jvp(lambda y: v(y, t), (x,), (one,))[1] * one).sum(1) for one in e]).mean(
        0
    )


def probes_full(v, x, t, e):
    j = torch.stack([torch.autograd.functional.jacobian(lambda y: v(y[None], t)[0], p) for p in x])
    return torch.einsum("mni,nij,mnj->mn", e, j, e).mean(0)


def half_probe(v, x, t, e):
    y = x.clone().requires_grad_()
    return torch.stack([torch.autograd.grad((v(y, t) * one).sum(), y)[0].sum(1) for one in e]).mean(0)


def by_eigenvalues(j):
    values, d = torch.linalg.eigvalsh((j + j.mT) / 2), j.shape[-1]
    return 2 * d / (d + 2) * values.square().sum(1) - 2 / (d + 2) * values.sum(1) ** 2


def without_its_trace(j):
    d = j.shape[-1]
    s = (j + j.mT) / 2 - j.diagonal(dim1=1, dim2=2).mean(1)[:, None, None] * torch.eye(d, dtype=j.dtype)
    return 2 * d / (d + 2) * (s * s).sum((1, 2))


def by_fourth_moments(j):
    one, d = torch.eye(j.shape[-1], dtype=j.dtype), j.shape[-1]
    pairs = ("ij,kl->ijkl", "ik,jl->ijkl", "il,jk->ijkl")
    moments = sum(torch.einsum(pair, one, one) for pair in pairs) * d / (d + 2)
    return torch.einsum("nij,nkl,ijkl->n", j, j, moments) - torch.einsum("nii->n", j) ** 2


def weight(t, sigma_min, lam):
    rho = (1 - (1 - sigma_min) * t) / t
    return (1 + lam) ** 2 / (4 * lam * rho)


def grey(log_p, d, levels, low):
    return -(log_p / d + math.log((1 - low) / levels)) / math.log(2)


ANSWERS = {
    "08.1": (
        [
            lambda x, a: noise(x * math.exp(-a)) - a * x.shape[1],
            lambda x, a: MultivariateNormal(torch.zeros(x.shape[1], dtype=x.dtype), math.exp(2 * a) * torch.eye(x.shape[1], dtype=x.dtype)).log_prob(x),
            lambda x, a: Normal(0.0, math.exp(a)).log_prob(x.double()).sum(1),
        ],
        [
            (lambda x, a: noise(x * math.exp(-a)) + a * x.shape[1], "sign of the divergence"),
            (lambda x, a: noise(x * math.exp(-a)) - a, "a d, not a"),
            (lambda x, a: noise(x * math.exp(-a)), "Where is the divergence"),
            (lambda x, a: noise(x) - a * x.shape[1], "belongs at the noise"),
            (lambda x, a: noise(x * math.exp(a)) - a * x.shape[1], "forward"),
            (lambda x, a: -0.5 * (x * math.exp(-a)).square().sum(1) - a * x.shape[1], "normaliser"),
        ],
    ),
    "08.2": (
        [flow, flow_of_an_augmented_state, flow_kept],
        [
            (lambda *a: flow_kept(*a, order=-1), "is added"),
            (lambda v, div, x, n: back(v, div, x, n, [1 - k / n for k in range(n)], step=1), "forward"),
            (lambda v, div, x, n: back(v, div, x, n, [k / n for k in range(n)]), "run from 0"),
            (lambda v, div, x, n: back(v, div, x, n, [1 - (k + 1) / n for k in range(n)]), "1 - 1/n"),
            (lambda v, div, x, n: back(v, div, x, n, [1 - k / n for k in range(n)], prior="x"), "not at x"),
            (lambda *a: flow_kept(*a, order=a[-1]), "step's length"),
            (lambda *a: flow_kept(*a, order=0), "divergence is missing"),
        ],
    ),
    "08.3": (
        [probes, probes_by_vjp, probes_full],
        [
            (half_probe, "once more"),
            (lambda v, x, t, e: len(e) * probes(v, x, t, e), "take their mean"),
            (lambda v, x, t, e: probes(v, x, t, e[:1]), "first probe"),
            (lambda v, x, t, e: probes(v, x, t, e).mean(), "over the batch"),
            (lambda v, x, t, e: torch.stack([probes(v, x, t, o[None]) for o in e]), "single probes"),
            (lambda v, x, t, e: probes(v, x, t, e.mean(0)[None]), "is not a probe"),
            (lambda v, x, t, e: probes(v, x, t, e) / x.shape[1], "Sum over the coordinates"),
            (lambda v, x, t, e: probes(v, x, t, e) / x.numel(), "sum before the backward"),
        ],
    ),
    "08.4": (
        [by_eigenvalues, without_its_trace, by_fourth_moments],
        [
            (lambda j: 2 * ((j + j.mT) / 2).square().sum((1, 2)), "normal probes"),
            (lambda j: 2 * (((j + j.mT) / 2).square().sum((1, 2)) - j.diagonal(dim1=1, dim2=2).square().sum(1)), "random signs"),
            (lambda j: by_eigenvalues(j) / j.shape[-1] ** 2, "unit vector"),
            (lambda j: by_eigenvalues(j) + torch.einsum("nii->n", j) ** 2, "squared mean"),
            (lambda j: by_eigenvalues(j).sqrt(), "standard deviation"),
            (lambda j: by_eigenvalues(2 * j), "half of J"),
        ],
    ),
    "08.5": (
        [
            lambda a, b: ((b - a).mean(), (b - a).std() / len(a) ** 0.5),
            lambda a, b: [float((b - a).mean()), float(np.std((a - b).numpy()) / np.sqrt(len(a)))],
            lambda a, b: torch.stack([b.mean() - a.mean(), (a - b).var().div(a.numel()).sqrt()]),
        ],
        [
            (lambda a, b: ((a - b).mean(), (a - b).std() / len(a) ** 0.5), "The sign"),
            (lambda a, b: ((b - a).mean(), (b - a).std()), "single points"),
            (lambda a, b: ((b - a).mean(), (b - a).std() / len(a)), "not by n"),
            (lambda a, b: ((b - a).mean(), (b - a).var() / len(a)), "take its root"),
            (lambda a, b: ((b - a).mean(), ((a.var() + b.var()) / len(a)).sqrt()), "not independent"),
        ],
    ),
    "08.6": (
        [
            grey,
            lambda log_p, d, levels, low: -log_p / d / np.log(2) + np.log2(levels) - np.log2(1 - low),
            lambda lp, d, k, a: torch.stack([-(v + d * math.log((1 - a) / k)) / (d * math.log(2)) for v in lp]),
        ],
        [
            (lambda lp, d, k, low: -lp / d - math.log2((1 - low) / k), "nats"),
            (lambda lp, d, k, low: grey(lp, d, k - 1, low), "as many bins as levels"),
            (lambda lp, d, k, low: -lp / math.log(2) - math.log2((1 - low) / k), "divide log p"),
            (lambda lp, d, k, low: -lp / d / math.log(2), "missing"),
            (lambda lp, d, k, low: grey(lp, d, k, 0.0), "not always [0, 1]"),
            (lambda lp, d, k, low: grey(-lp, d, k, low), "minus log p"),
            (lambda lp, d, k, low: -lp / d / math.log(2) + math.log2((1 - low) / k), "wrong sign"),
        ],
    ),
    "08.7": (
        [
            weight,
            lambda t, s, lam: (lam + 2 + 1 / lam) / 4 * t / (1 - t + s * t),
            lambda t, s, lam: torch.stack([(1 + lam) ** 2 / (4 * lam * (1 - (1 - s) * v) / v) for v in t]),
        ],
        [
            (lambda t, s, lam: weight(t, s, lam) / (1 + lam) ** 2, "so it has an error"),
            (lambda t, s, lam: weight(t, s, lam) / (1 + lam), "is squared"),
            (lambda t, s, lam: 2 * weight(t, s, lam), "Four times w"),
            (lambda t, s, lam: weight(t, 0, lam), "some noise is left"),
            (lambda t, s, lam: weight(t, s, lam) * (1 - lam) ** 2 / (1 + lam) ** 2, "same sign"),
        ],
    ),
}  # fmt: skip
