"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import torch
from torch.func import jacfwd, vmap


def by_loop(v, x):
    x = x.detach().clone().requires_grad_()
    y, total = v(x), 0
    for i in range(x.shape[1]):
        total = total + torch.autograd.grad(y[:, i].sum(), x, retain_graph=True)[0][:, i]
    return total


def by_differences(v, x):
    x = x.double()
    h, total = 1e-5, torch.zeros(len(x), dtype=torch.float64)
    for i in range(x.shape[1]):
        e = torch.zeros(x.shape[1], dtype=torch.float64)
        e[i] = h
        total += (v(x + e) - v(x - e))[:, i] / (2 * h)
    return total


def of_the_sum(v, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(v(x).sum(), x)[0].sum(1)


def first_only(v, x):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(v(x)[:, 0].sum(), x)[0][:, 0]


def left(s):
    return torch.stack([-s[:, 1], s[:, 0]], 1)


def line_by_autograd(cdf, x, t):
    x, t = x.clone().requires_grad_(), t.repeat(len(x)).requires_grad_()
    in_space, in_time = torch.autograd.grad(cdf(x, t).sum(), [x, t])
    return -in_time / in_space


def line_by_differences(cdf, x, t):
    h = 1e-5
    return -(cdf(x, t + h) - cdf(x, t - h)) / (cdf(x + h, t) - cdf(x - h, t))


def line_by_forward_mode(cdf, x, t):
    in_time = torch.func.jvp(lambda s: cdf(x, s), (t,), (torch.ones_like(t),))[1]
    in_space = torch.func.jvp(lambda y: cdf(y, t), (x,), (torch.ones_like(x),))[1]
    return -in_time / in_space


def density(cdf, x, t):
    h = 1e-5
    return (cdf(x + h, t) - cdf(x - h, t)) / (2 * h)


ANSWERS = {
    "02.1": (
        [by_loop, by_differences, lambda v, x: vmap(jacfwd(lambda r: v(r[None])[0]))(x).diagonal(dim1=1, dim2=2).sum(1)],
        [
            (of_the_sum, "whole Jacobian"),
            (first_only, "first component"),
            (lambda v, x: by_loop(v, x) / x.shape[1], "averaged"),
            (lambda v, x: by_loop(v, x)[:, None], "shape"),
        ],
    ),
    "02.2": (
        [line_by_autograd, line_by_differences, line_by_forward_mode],
        [
            (lambda cdf, x, t: -line_by_autograd(cdf, x, t), "sign is wrong"),
            (lambda cdf, x, t: line_by_autograd(cdf, x, t) * density(cdf, x, t), "This is the flux p v"),
            (lambda cdf, x, t: 1 / line_by_autograd(cdf, x, t), "Upside down"),
            (lambda cdf, x, t: line_by_autograd(cdf, x, t) * density(cdf, x, t) ** 2, "divide by it"),
            (lambda cdf, x, t: line_by_autograd(cdf, x, t) * density(cdf, x, t) / cdf(x, t), "divided by F"),
        ],
    ),
    "02.3": (
        [
            lambda log_p0, divergences, h: log_p0 - h * divergences.sum(dim=0),
            lambda a, d, h: a - h * sum(row for row in d),
            lambda a, d, h: a.double() - torch.einsum("tn->n", d.double()) * h,
        ],
        [
            (lambda a, d, h: a + h * d.sum(0), "sign is wrong"),
            (lambda a, d, h: a - d.sum(0), "step h is missing"),
            (lambda a, d, h: -h * d.sum(0), "lost log p_0"),
            (lambda a, d, h: a - h * d[1:].sum(0), "first step"),
        ],
    ),
    "02.4": (
        [
            lambda score, x: left(score(x)),
            lambda s, y: s(y) @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=y.dtype),
            lambda s, y: torch.stack([torch.stack([-b, a]) for a, b in s(y).double()]),
        ],
        [
            (lambda score, x: left(x), "not the score"),
            (lambda score, x: -left(score(x)), "to the right"),
            (lambda score, x: score(x), "score itself"),
            (lambda score, x: score(x).flip(1), "reflection"),
        ],
    ),
    "02.5": (
        [
            lambda x, m, s, m_dot, s_dot: m_dot + (x - m) * s_dot / s,
            lambda x, mu, sd, dmu, dsd: torch.stack([dmu + dsd * (r - mu) / sd for r in x]),
            lambda x, m, s, md, sd: (x.double() - m) * (sd / s) + md,
        ],
        [
            (lambda x, m, s, md, sd: md + sd / s * x, "about the mean"),
            (lambda x, m, s, md, sd: md + sd * (x - m), "Divide by s"),
            (lambda x, m, s, md, sd: sd / s * (x - m), "motion of the mean"),
            (lambda x, m, s, md, sd: md + s / sd * (x - m), "swapped"),
            (lambda x, m, s, md, sd: torch.full_like(x, md), "stretch is missing"),
        ],
    ),
    "02.6": (
        [
            lambda x0, t: x0 / (1 - x0 * t),
            lambda x0, t: torch.stack([x / (1 - x * t) for x in x0]),
            lambda x0, t: x0.double() * (1 - t * x0.double()) ** -1,
        ],
        [
            (lambda x0, t: x0 + t * x0 * x0, "one Euler step"),
            (lambda x0, t: x0 * math.exp(t), "exponential"),
            (lambda x0, t: x0 / (1 + t * x0), "sign is wrong"),
            (lambda x0, t: 1 / (1 - t * x0), "start is missing"),
        ],
    ),
}  # fmt: skip
