"""The checks of chapter 08: changes of variables, probes, KL with its standard error, bits, and the bound."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import each, interval, normal, number, points, uniform
from fmtutorial.metrics import bits_per_dimension

SHAPES = [(1, 2), (5, 2), (3, 3)]
LOG_2PI = math.log(2 * math.pi)


def log_normal(x):
    return -0.5 * x.square().sum(-1) - 0.5 * x.shape[-1] * LOG_2PI


def stretched(x, a):
    """log p_1 for dx/dt = a x."""
    return log_normal(math.exp(-a) * x) - a * x.shape[1]


def field(g):
    """A velocity and its divergence, neither constant in x or t."""
    a, b = number(g, 0.5, 1.0), number(g, 0.6, 1.2)

    def v(x, t):
        return a * torch.sin(x) + b * t * t * x.roll(1, -1) + t

    return v, lambda x, t: a * torch.cos(x).sum(-1)


def solve_inputs(g):
    return [(*field(g), normal(g, n, d), k) for (n, d), k in zip(SHAPES, (2, 4, 7), strict=True)]


def backwards(v, div, x, n, *, sign=-1.0, times=None, prior=log_normal, after=False, scale=1.0, total=-1.0):
    """Euler steps of x and of the summed divergence; the defaults are the truth."""
    summed, start, h = 0.0, x, 1 / n
    for t in [1 - k / n for k in range(n)] if times is None else times:
        new = x + sign * h * v(x, t)
        summed = summed + scale * h * div(new if after else x, t)
        x = new
    return (prior(x) if prior is log_normal else prior(start, x)) + total * summed


def probe_inputs(g):
    cases = []
    for (n, d), m in zip([(1, 2), (4, 3), (6, 2)], (1, 3, 5), strict=True):
        cases.append((field(g)[0], normal(g, n, d), number(g, 0.3, 0.9), normal(g, m, n, d)))
    return cases


def products(v, x, t, e, last=True):
    """e^T J e for every probe (m, n), or e^T J (m, n, d)."""
    x = x.detach().requires_grad_()
    rows = [torch.autograd.grad((v(x, t) * one).sum(), x)[0] for one in e]
    return (torch.stack(rows) * e).sum(-1) if last else torch.stack(rows)


def trace(v, x, t):
    x = x.detach().requires_grad_()
    u = v(x, t)
    rows = [torch.autograd.grad(u[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(x.shape[1])]
    return torch.stack(rows).sum(0)


def matrices(g):
    return [(normal(g, n, d, d, dtype=torch.float64),) for n, d in ((1, 2), (4, 3), (3, 6))]


def pairs(j, change=lambda s: s):
    """The sum of s_ij^2 over i != j, for s made from j."""
    s = change(j)
    return s.square().sum((1, 2)) - s.diagonal(dim1=1, dim2=2).square().sum(1)


def symmetric(j):
    return (j + j.mT) / 2


def on_sphere(j, change=symmetric):
    """The variance of e^T S e, S made from j, for e uniform on the sphere of radius sqrt(d)."""
    s, d = change(j), j.shape[-1]
    return 2 * (d * s.square().sum((1, 2)) - trace_of(s) ** 2) / (d + 2)


def trace_of(j):
    return j.diagonal(dim1=1, dim2=2).sum(1)


def independent_squares(j):
    """The variance of sum_i l_i d n_i^2 with E[n_i^4] = 3 / (d (d + 2)), and n_i^2 taken for independent."""
    d = j.shape[-1]
    return symmetric(j).square().sum((1, 2)) * (3 * d / (d + 2) - 1)


def bound_weight(t, sigma_min, lam):
    """(1 + lam)^2 / (4 lam rho), with rho = sigma / t."""
    return (1 + lam) ** 2 * t / (4 * lam * (1 - (1 - sigma_min) * t))


def noise_levels(g):
    return [
        (uniform(g, n), number(g, 0.05, 0.4), number(g, 0.3, 0.8) + late)
        for n, late in ((1, 0), (5, 0), (4, 2))
    ]


def log_densities(g):
    cases = []
    for n in (100, 400):
        log_p = normal(g, n, dtype=torch.float64) - 2
        cases.append((log_p, log_p - 0.4 * normal(g, n, dtype=torch.float64).abs() + 0.1))
    return cases


def gap(log_p, log_q, error=lambda r: r.std() / len(r) ** 0.5):
    r = log_p - log_q
    return torch.stack([r.mean(), error(r)])


def pixels(g):
    return [
        (normal(g, 6, scale=5.0) - 9, d, levels, low)
        for d, levels, low in ((12, 256, 0.0), (3, 256, -1.0), (48, 16, -1.0))
    ]


def bits(log_p, d, levels, low):
    """Bits a dimension for `levels` grey levels spread over [low, 1]."""
    return bits_per_dimension(log_p, d, (1 - low) / levels)


EXERCISES = {
    "08.1": Exercise(
        expects="a function log_density(x, a) -> (n,): the log density at t = 1 of N(0, I) carried by dx/dt = a x",
        truth=stretched,
        inputs=each(points, interval(0.3, 0.9)),
        insight="The density of the noise at the point where you came from, minus what the stretching thinned out.",
        mistakes={
            "The sign of the divergence: stretching space (a > 0) thins the density out, so it is subtracted.": lambda x, a: log_normal(math.exp(-a) * x) + a * x.shape[1],
            "The divergence of a x in d dimensions is a d, not a.": lambda x, a: log_normal(math.exp(-a) * x) - a,
            "Where is the divergence? The noise's density alone is not the density of what it becomes.": lambda x, a: log_normal(math.exp(-a) * x),
            "The noise's density belongs at the noise, x_0 = e^-a x, not at x.": lambda x, a: log_normal(x) - a * x.shape[1],
            "You followed the flow forward: the noise that ends at x is e^-a x.": lambda x, a: log_normal(math.exp(a) * x) - a * x.shape[1],
            "The normaliser of N(0, I) is missing: d/2 log(2 pi).": lambda x, a: stretched(x, a) + 0.5 * x.shape[1] * LOG_2PI,
            "The normaliser is d/2 log(2 pi): yours is that of one dimension.": lambda x, a: stretched(x, a) + 0.5 * (x.shape[1] - 1) * LOG_2PI,
        },
    ),
    "08.2": Exercise(
        expects="a function log_prob(v, div, x, n_steps) -> (n,) by Euler steps from t = 1 back to 0",
        truth=backwards,
        inputs=solve_inputs,
        insight="Two sums along one way back. That is the whole of a continuous normalising flow.",
        mistakes={
            "The divergence is added: log p falls where the flow stretches.": lambda *a: backwards(*a, total=1.0),
            "You went forward: from the data at t = 1 the step is negative.": lambda *a: backwards(*a, sign=1.0),
            "Your times run from 0 up: the first step starts at t = 1.": lambda v, div, x, n: backwards(v, div, x, n, times=[k / n for k in range(n)]),
            "Your first time is 1 - 1/n: the first step starts at t = 1.": lambda v, div, x, n: backwards(v, div, x, n, times=[1 - (k + 1) / n for k in range(n)]),
            "The noise's density belongs at x_0, where the way back ends, not at x.": lambda *a: backwards(*a, prior=lambda start, end: log_normal(start)),
            "You moved x before taking its divergence: both belong to the start of the step.": lambda *a: backwards(*a, after=True),
            "The divergences are summed without the step's length h.": lambda v, div, x, n: backwards(v, div, x, n, scale=n),
            "The divergence is missing: the noise's density alone is not the density at x.": lambda *a: backwards(*a, total=0.0),
        },
    ),
    "08.3": Exercise(
        expects="a function hutchinson(v, x, t, e) -> (n,): the mean over the probes e (m, n, d) of e^T (dv/dx) e",
        truth=lambda v, x, t, e: products(v, x, t, e).mean(0),
        inputs=probe_inputs,
        insight="One backward pass a probe, however large d is.",
        mistakes={
            "This is e^T J summed: multiply by e once more before you sum.": lambda v, x, t, e: products(v, x, t, e, last=False).sum(-1).mean(0),
            "Sum over the coordinates, average over the probes only.": lambda v, x, t, e: products(v, x, t, e).mean(0) / x.shape[1],
            "You summed over the probes: take their mean.": lambda v, x, t, e: products(v, x, t, e).sum(0),
            "This is the exact divergence: use the probes that are given.": lambda v, x, t, e: trace(v, x, t),
            "Only the first probe was used.": lambda v, x, t, e: products(v, x, t, e)[0],
            "The gradient of a mean over all elements is n d times too small: sum before the backward pass.": lambda v, x, t, e: products(v, x, t, e).mean(0) / x.numel(),
            "One value for each point, (n,): you averaged over the batch as well.": lambda v, x, t, e: products(v, x, t, e).mean(),
            "These are the values of single probes, (m, n): average over the first axis.": lambda v, x, t, e: products(v, x, t, e),
            "The mean of the probes is not a probe: average e^T J e, which is quadratic in e.": lambda v, x, t, e: products(v, x, t, e.mean(0, keepdim=True))[0],
        },
    ),
    "08.4": Exercise(
        expects="a function variance(J) -> (n,): the variance of e^T J e for e uniform on the sphere of radius sqrt(d), for each matrix of (n, d, d)",
        truth=on_sphere,
        inputs=matrices,
        insight="Zero when the symmetric part is a multiple of the identity, for a rotation too. The sphere takes from the normal probe the noise of its length.",
        mistakes={
            "That is the variance for normal probes: on the sphere the length of e does not vary.": lambda j: 2 * symmetric(j).square().sum((1, 2)),
            "That is the variance for random signs, which depends on the axes: the sphere has none.": lambda j: 2 * pairs(j, symmetric),
            "Only the symmetric part counts: e^T J e = e^T J^T e.": lambda j: on_sphere(j, lambda m: m),
            "The symmetric part is the half of J + J^T.": lambda j: on_sphere(j, lambda m: m + m.mT),
            "That is the variance for the unit vector n: e = sqrt(d) n, and the square of a square grows by d^2.": lambda j: on_sphere(j) / j.shape[-1] ** 2,
            "This is E[(e^T J e)^2]: the variance subtracts the squared mean, (tr S)^2.": lambda j: on_sphere(j) + trace_of(j) ** 2,
            "The n_i^2 are not independent: they sum to one, and E[n_i^2 n_j^2] is 1 / (d (d + 2)), not 1 / d^2.": independent_squares,
            "This is a standard deviation: the variance is its square.": lambda j: on_sphere(j).sqrt(),
        },
    ),
    "08.5": Exercise(
        expects="a function compare(log_q_a, log_q_b) -> (difference, standard error): KL(p || a) - KL(p || b) from log densities (n,) at the same samples of p",
        truth=lambda a, b: gap(b, a),
        inputs=log_densities,
        rtol=6e-3,
        insight="The entropy of the data cancels, and with it most of the noise: paired comparisons are sharp.",
        mistakes={
            "The sign: a larger log density is a smaller KL, so KL(a) - KL(b) is the mean of log q_b - log q_a.": lambda a, b: gap(a, b),
            "That is the scatter of single points: the mean of n scatters less, by the root of n.": lambda a, b: gap(b, a, lambda r: r.std()),
            "Divide by the root of n, not by n.": lambda a, b: gap(b, a, lambda r: r.std() / len(r)),
            "That is the variance over n: take its root.": lambda a, b: gap(b, a, lambda r: r.var() / len(r)),
            "The two log densities are not independent, they are at the same points: take the scatter of the difference.": lambda a, b: gap(b, a, lambda r: (a.var() + b.var()).div(len(r)).sqrt()),
            "The standard error is that of the difference, not of one model alone.": lambda a, b: gap(b, a, lambda r: b.std() / len(r) ** 0.5),
        },
    ),
    "08.6": Exercise(
        expects="a function bits(log_p, d, levels, low) -> (n,): bits per dimension for `levels` grey levels that fill [low, 1]",
        truth=bits,
        inputs=pixels,
        insight="A density has no bits without a bin width. Papers that differ by one bit often differ in the range of their data.",
        mistakes={
            "There are as many bins as levels: with levels - 1 of them you count the gaps between grey levels.": lambda log_p, d, levels, low: bits(log_p, d, levels - 1, low),
            "These are nats: one nat is 1 / log 2 bits.": lambda log_p, d, levels, low: -log_p / d - math.log2((1 - low) / levels),
            "Per dimension: divide log p by d.": lambda log_p, d, levels, low: -log_p / math.log(2) - math.log2((1 - low) / levels),
            "The bin width's bits have the wrong sign: a finer bin costs more.": lambda log_p, d, levels, low: -log_p / (d * math.log(2)) + math.log2((1 - low) / levels),
            "The bin width is missing: these are the bits of a bin of width 1.": lambda log_p, d, levels, low: bits_per_dimension(log_p, d),
            "The range is not always [0, 1]: a bin has the width (1 - low) / levels.": lambda log_p, d, levels, low: bits(log_p, d, levels, 0.0),
            "It is a cost: minus log p.": lambda log_p, d, levels, low: bits(-log_p, d, levels, low),
            "Not always 8 bits: use `levels`.": lambda log_p, d, levels, low: bits(log_p, d, 256, low),
            "The bins' term belongs to each dimension already: do not divide it by d.": lambda log_p, d, levels, low: (-log_p / math.log(2) - math.log2((1 - low) / levels)) / d,
        },
    ),
    "08.7": Exercise(
        expects="a function bound_weight(t, sigma_min, lam) -> (n,): the weight of E|v - u|^2 in the bound for w = lam sigma / t",
        truth=bound_weight,
        inputs=noise_levels,
        insight="Least at lam = 1, the reverse diffusion, and the same at lam and 1 / lam: ten times too little noise costs as much as ten times too much.",
        mistakes={
            "The score is made from v too, so it has an error: (v - u) / rho.": lambda t, s, lam: bound_weight(t, s, lam) / (1 + lam) ** 2,
            "The whole difference of the drifts is squared, the factor 1 + lam too.": lambda t, s, lam: bound_weight(t, s, lam) / (1 + lam),
            "The two errors have the same sign: (1 + lam), not (1 - lam).": lambda t, s, lam: bound_weight(t, s, lam) * ((1 - lam) / (1 + lam)) ** 2,
            "Four times w, not two: the noise has the variance 2 w h, and the KL of two normals has another 2 below.": lambda t, s, lam: 2 * bound_weight(t, s, lam),
            "sigma is 1 - (1 - sigma_min) t: at t = 1 some noise is left.": lambda t, s, lam: bound_weight(t, 0.0, lam),
            "rho is sigma / t, and it stands below: the weight grows towards the data.": lambda t, s, lam: bound_weight(t, s, lam) * ((1 - (1 - s) * t) / t) ** 2,
            "w is lam times rho: the factor 1 / lam is missing.": lambda t, s, lam: lam * bound_weight(t, s, lam),
            "w is lam times rho, not lam alone.": lambda t, s, lam: (1 + lam) ** 2 / (4 * lam) * torch.ones_like(t),
        },
    ),
}  # fmt: skip
