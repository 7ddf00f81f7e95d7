"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import torch
from torch.distributions import Normal


def by_autograd(log_prob):
    """The score of a function of x."""

    def score(x, *rest):
        x = x.detach().clone().requires_grad_()
        return torch.autograd.grad(log_prob(x, *rest).sum(), x)[0]

    return score


def mixture_log_prob(x, weights, means, stds):
    parts = [Normal(m, s).log_prob(x).sum(1) + w.log() for w, m, s in zip(weights, means, stds, strict=True)]
    return torch.logsumexp(torch.stack(parts), dim=0)


def mixture_loop(x, weights, means, stds):
    out = torch.zeros_like(x)
    for i, row in enumerate(x):
        p = torch.stack(
            [w * Normal(m, s).log_prob(row).sum().exp() for w, m, s in zip(weights, means, stds, strict=True)]
        )
        for r, m, s in zip(p / p.sum(), means, stds, strict=True):
            out[i] += r * (m - row) / s**2
    return out


def mixture_double(x, w, m, s):
    x, w, m, s = (a.double() for a in (x, w, m, s))
    d2 = (x[:, None] - m).square().sum(-1)
    r = (w.log() - x.shape[1] * s.log() - d2 / (2 * s**2)).softmax(1)
    return torch.einsum("nk,nkd->nd", r / s**2, m - x[:, None])


def mixture_density_gradient(x, w, m, s):
    return by_autograd(lambda x, *rest: mixture_log_prob(x, *rest).exp())(x, w, m, s)


def mixture_without_normaliser(x, w, m, s):
    d2 = (x[:, None] - m).square().sum(-1)
    r = (w * (-d2 / (2 * s**2)).exp()) / (w * (-d2 / (2 * s**2)).exp()).sum(1, keepdim=True)
    return torch.einsum("nk,nkd->nd", r / s**2, m - x[:, None])


def many_small_steps(x, s, sigma, sigma_next, n=300):
    """Midpoint steps of the flow, which reach the solution within the tolerance."""
    h = (sigma_next - sigma) / n
    for i in range(n):
        middle = sigma + (i + 0.5) * h
        before = sigma + i * h
        x_mid = x + h / 2 * before * x / (s**2 + before**2)
        x = x + h * middle * x_mid / (s**2 + middle**2)
    return x


ANSWERS = {
    "01.1": (
        [
            lambda x, mean, std: (mean - x) / (std * std),
            by_autograd(lambda x, mean, std: Normal(mean, std).log_prob(x)),
            lambda x, m, s: torch.stack([(m.double() - row) / s**2 for row in x.double()]),
        ],
        [
            (lambda x, mean, std: (x - mean) / std**2, "uphill"),
            (lambda x, mean, std: (mean - x) / std, "variance"),
            (lambda x, mean, std: -x / std**2, "mean is missing"),
            (lambda x, mean, std: (mean - x) / std**2 * Normal(mean, std).log_prob(x).sum(1, keepdim=True).exp(), "gradient of the density"),
        ],
    ),
    "01.2": (
        [by_autograd(mixture_log_prob), mixture_loop, mixture_double],
        [
            (lambda x, w, m, s: torch.einsum("k,nkd->nd", w / s**2, m - x[:, None]), "prior weights"),
            (mixture_without_normaliser, "normalisers"),
            (lambda x, w, m, s: mixture_double(x, torch.ones_like(w), m, s), "forgets the weights"),
            (mixture_density_gradient, "divide by p(x)"),
            (lambda x, w, m, s: torch.einsum("k,nkd->nd", 1 / s**2, m - x[:, None]), "without weighing"),
        ],
    ),
    "01.3": (
        [
            lambda score, x, h, z: x + score(x) * h + z * (2 * h) ** 0.5,
            lambda f, y, eps, n: y.add(f(y), alpha=eps).add(n, alpha=math.sqrt(2 * eps)),
            lambda s, x, h, z: torch.stack([a + h * b + (2 * h) ** 0.5 * c for a, b, c in zip(x, s(x), z, strict=True)]),
        ],
        [
            (lambda score, x, h, z: x + h * score(x) + h**0.5 * z, "2 is missing"),
            (lambda score, x, h, z: x + h * score(x) + 2 * h * z, "square root of the step"),
            (lambda score, x, h, z: x - h * score(x) + (2 * h) ** 0.5 * z, "downhill"),
            (lambda score, x, h, z: x + score(x) + (2 * h) ** 0.5 * z, "step size is missing"),
            (lambda score, x, h, z: h * score(x) + (2 * h) ** 0.5 * z, "old x"),
        ],
    ),
    "01.4": (
        [
            lambda score, x, sigma: x + sigma**2 * score(x),
            lambda f, y, s: y.add(f(y), alpha=s * s),
            lambda score, x, s: torch.stack([row - s * (-s * g) for row, g in zip(x.double(), score(x).double(), strict=True)]),
        ],
        [
            (lambda score, x, sigma: x + sigma * score(x), "already divided"),
            (lambda score, x, sigma: x - sigma**2 * score(x), "uphill"),
            (lambda score, x, sigma: sigma**2 * score(x), "left x out"),
            (lambda score, x, sigma: x + score(x), "sigma^2 is missing"),
            (lambda score, x, sigma: x + 0.5 * sigma**2 * score(x), "Half"),
        ],
    ),
    "01.5": (
        [
            lambda s, sigma: 1 / sigma**2 - 1 / (s**2 + sigma**2),
            lambda s, sigma: s * s / (sigma**2 * (s * s + sigma**2)),
            lambda a, b: torch.tensor(b, dtype=torch.float64) ** -2 - 1 / torch.tensor(a * a + b * b, dtype=torch.float64),
        ],
        [
            (lambda s, sigma: sigma**-2, "whole variance"),
            (lambda s, sigma: 1 / (s**2 + sigma**2), "what is left"),
            (lambda s, sigma: 0.0, "not zero"),
            (lambda s, sigma: 1 / sigma**2 - 1 / (s + sigma) ** 2, "do not add"),
        ],
    ),
    "01.6": (
        [
            lambda x, s, sigma, sigma_next: x * ((s**2 + sigma_next**2) / (s**2 + sigma**2)) ** 0.5,
            lambda x, s, a, b: x * math.hypot(s, b) / math.hypot(s, a),
            lambda x, s, a, b: torch.stack([row * math.exp(0.5 * (math.log(s * s + b * b) - math.log(s * s + a * a))) for row in x.double()]),
            many_small_steps,
        ],
        [
            (lambda x, s, a, b: x - (b - a) * a * (-x / (s * s + a * a)), "one Euler step"),
            (lambda x, s, a, b: x * (s * s + b * b) / (s * s + a * a), "root is missing"),
            (lambda x, s, a, b: x * math.hypot(s, a) / math.hypot(s, b), "upside down"),
            (lambda x, s, a, b: x / a * b, "width of the data"),
            (lambda x, s, a, b: x * (s + b) / (s + a), "do not add"),
        ],
    ),
}  # fmt: skip
