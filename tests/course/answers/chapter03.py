"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import torch
from torch.distributions import Normal

from fmtutorial import EmpiricalDistribution, StraightPath, exact


def posterior_loop(x, t, x1, sigma_min):
    sigma = 1 - (1 - sigma_min) * t
    rows = []
    for point in x:
        p = torch.stack([Normal(t * c, sigma).log_prob(point).sum() for c in x1]).double()
        w = (p - p.max()).exp()
        u = (x1 - (1 - sigma_min) * point) / sigma
        rows.append((w[:, None] * u).sum(0) / w.sum())
    return torch.stack(rows)


def posterior(x, t, x1, sigma_min, variance=None, centre=None, dim=1, two=2):
    sigma = 1 - (1 - sigma_min) * t
    centre = t * x1 if centre is None else centre
    w = (
        -(torch.cdist(x.double(), centre.double()) ** 2)
        / (two * (sigma**2 if variance is None else variance(sigma)))
    ).softmax(dim)
    return torch.einsum("nk,nkd->nd", w, (x1.double() - (1 - sigma_min) * x.double()[:, None]) / sigma)


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
        [posterior_loop, posterior, lambda x, t, x1, s: exact.marginal_velocity(EmpiricalDistribution(x1), StraightPath(s), x, t)],
        [
            (lambda x, t, x1, s: ((x1 - (1 - s) * x[:, None]) / (1 - (1 - s) * t)).mean(1), "same say"),
            (lambda x, t, x1, s: posterior(x, t, x1, s, variance=lambda sigma: sigma), "not squared"),
            (lambda x, t, x1, s: posterior(x, t, x1, s, centre=x1), "compare x with x1"),
            (lambda x, t, x1, s: posterior(x, t, x1, s, two=1), "The 2"),
            (lambda x, t, x1, s: posterior(x, t, x1, s, dim=0), "sum to 1"),
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
        [
            lambda s, sigma_min: (s**2 + sigma_min**2) ** 0.5,
            lambda a, b: torch.tensor([a, b], dtype=torch.float64).norm(),
            lambda s, m: abs(complex(s, m)),
        ],
        [
            (lambda s, m: s + m, "do not add"),
            (lambda s, m: (s * s + m) ** 0.5, "square it"),
            (lambda s, m: s * s + m * m, "take the root"),
            (lambda s, m: s, "no effect"),
        ],
    ),
}  # fmt: skip
