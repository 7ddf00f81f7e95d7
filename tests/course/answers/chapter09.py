"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import numpy as np
import torch


def drop_in_a_copy(y, u, p):
    y = y.clone()
    y[u < p] = 10
    return y


def integrated_width(s, S, w, tau):
    """The slope of the velocity, integrated numerically on either side of tau."""

    def slope(t, s):
        return (t * s**2 - (1 - t)) / (t**2 * s**2 + (1 - t) ** 2)

    before = torch.linspace(0, tau, 20_001, dtype=torch.float64)
    after = torch.linspace(tau, 1, 20_001, dtype=torch.float64)
    guided = torch.trapezoid((1 + w) * slope(before, s) - w * slope(before, S), before)
    return math.exp(float(guided + torch.trapezoid(slope(after, s), after)))


def closed_width(s, S, w, tau):
    ratio = (tau**2 * s**2 + (1 - tau) ** 2) / (tau**2 * S**2 + (1 - tau) ** 2)
    return s * ratio ** (w / 2)


def half_up(x):
    h = x.std() * math.sqrt(1 - 1 / len(x))
    signs = torch.tensor([1.0, -1.0]).repeat(len(x) // 2)
    return x.mean() + signs * h


def one_far_out(x):
    """n - 1 numbers below the mean and a single one above."""
    n, s = len(x), float(x.std())
    low = float(x.mean()) - s / math.sqrt(n)
    return [low] * (n - 1) + [low + s * math.sqrt(n)]


def pixel_by_pixel(x, t, v, c):
    result = v.clone()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            end = float(x[i, j] + (1 - t) * v[i, j])
            result[i, j] = (min(max(end, -c), c) - float(x[i, j])) / (1 - t)
    return result


ANSWERS = {
    "09.1": (
        [
            lambda v_y, v, w: (1 + w) * v_y - w * v,
            lambda cond, uncond, w: cond + w * (cond - uncond),
            lambda a, b, w: b + (1 + w) * (a - b),
        ],
        [
            (lambda v_y, v, w: v + w * (v_y - v), "other convention"),
            (lambda v_y, v, w: v + w * (v - v_y), "swapped"),
            (lambda v_y, v, w: v_y + w * (v_y + v), "sum to 1"),
            (lambda v_y, v, w: v_y - w * (v_y - v), "sign of w"),
            (lambda v_y, v, w: w * (v_y - v), "only the push"),
        ],
    ),
    "09.2": (
        [
            lambda y, u, p: torch.where(u < p, 10, y),
            drop_in_a_copy,
            lambda y, u, p: np.where(u.numpy() < p, 10, y.numpy()),
            lambda y, u, p: [10 if b < p else int(a) for a, b in zip(y, u, strict=True)],
        ],
        [
            (lambda y, u, p: torch.where(u >= p, 10, y), "above p"),
            (lambda y, u, p: torch.full_like(y, 10) if u[0] < p else y, "One coin"),
            (lambda y, u, p: y * (u >= p), "0 is a class"),
            (lambda y, u, p: y[u >= p], "must stay"),
            (lambda y, u, p: y.clone(), "Nothing was dropped"),
        ],
    ),
    "09.3": (
        [
            closed_width,
            lambda s, S, w, tau: math.exp(math.log(s) + w / 2 * math.log((tau**2 * s**2 + (1 - tau) ** 2) / (tau**2 * S**2 + (1 - tau) ** 2))),
            integrated_width,
        ],
        [
            (lambda s, S, w, tau: s * (s / S) ** w, "all the time"),
            (lambda s, S, w, tau: s * (s / S) ** w * s / closed_width(s, S, w, tau), "after tau"),
            (lambda s, S, w, tau: closed_width(s, S, w, tau) * math.sqrt(tau**2 + (1 - tau) ** 2 / s**2), "width at tau"),
            (lambda s, S, w, tau: closed_width(s, S, 2 * w, tau), "root is missing"),
            (lambda s, S, w, tau: closed_width(s, S, w, tau) ** 2, "variance"),
            (lambda s, S, w, tau: closed_width(s, S, -w, tau), "upside down"),
            (lambda s, S, w, tau: s * (s / S) ** (tau * w), "share tau"),
        ],
    ),
    "09.4": (
        [
            lambda C, n, m: C.trace() * (1 / n + 1 / m),
            lambda C, n, m: np.linalg.eigvalsh(C.double().numpy()).sum() * (n + m) / (n * m),
            lambda C, n, m: sum(float(C[i, i]) / k for i in range(len(C)) for k in (n, m)),
        ],
        [
            (lambda C, n, m: 0.0, "by chance"),
            (lambda C, n, m: C.trace() / n, "second set adds"),
            (lambda C, n, m: C.trace() / (m + n), "one set of n + m"),
            (lambda C, n, m: (C.trace() * (n + m) / n / m) ** 0.5, "root"),
            (lambda C, n, m: C.trace() / n - C.trace() / m, "subtracted"),
            (lambda C, n, m: C.sum() / n + C.sum() / m, "trace of C"),
        ],
    ),
    "09.5": (
        [half_up, one_far_out, lambda x: np.sort(half_up(x).numpy())],
        [
            (lambda x: torch.tensor([float(x.mean() - x.std()), float(x.mean() + x.std())] * (len(x) // 2)), "divisor"),
            (lambda x: half_up(x) - x.mean(), "mean is missing"),
            (lambda x: torch.full_like(x, float(x.mean())), "are the mean"),
            (lambda x: x.flip(0), "too many different values"),
            (lambda x: torch.tensor([float(x.min()), float(x.max())] * (len(x) // 2)), "least and greatest"),
        ],
    ),
    "09.6": (
        [
            lambda x, t, v, c: ((x + (1 - t) * v).clamp(-c, c) - x) / (1 - t),
            lambda x, t, v, c: torch.maximum(torch.minimum(v, (c - x) / (1 - t)), (-c - x) / (1 - t)),
            pixel_by_pixel,
        ],
        [
            (lambda x, t, v, c: torch.clip(v, -c, c), "clipped the velocity"),
            (lambda x, t, v, c: (x + (1 - t) * v).clamp(-c, c), "predicted image"),
            (lambda x, t, v, c: (x + v).clamp(-c, c) - x, "not 1"),
            (lambda x, t, v, c: ((x + t * v).clamp(-c, c) - x) / t, "gone by"),
            (lambda x, t, v, c: (x + (1 - t) * v).clamp(-c, c) - x, "divide it"),
            (lambda x, t, v, c: v.clone(), "Nothing was clipped"),
        ],
    ),
}  # fmt: skip
