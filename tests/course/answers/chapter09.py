"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import numpy as np
import torch
from scipy.spatial.distance import cdist

from fmtutorial.sampling import clamped


def drop_in_a_copy(y, u, p):
    y = y.clone()
    y[u < p] = 10
    return y


def integrated_width(s, S, w):
    """The slope of the guided velocity, integrated numerically."""
    t = torch.linspace(0, 1, 40_001, dtype=torch.float64)

    def slope(s):
        return (t * s**2 - (1 - t)) / (t**2 * s**2 + (1 - t) ** 2)

    return math.exp(float(torch.trapezoid((1 + w) * slope(s) - w * slope(S), t)))


def arc_row_by_row(z0, z1, a):
    rows = []
    for p, q in zip(z0.double(), z1.double(), strict=True):
        theta = math.acos(float(p @ q / (p.norm() * q.norm())))
        rows.append((math.sin((1 - a) * theta) * p + math.sin(a * theta) * q) / math.sin(theta))
    return torch.stack(rows)


def arc(z0, z1, a, axis=1):
    unit0, unit1 = (z / z.norm(dim=axis, keepdim=True) if axis else z / z.norm() for z in (z0, z1))
    theta = torch.acos((unit0 * unit1).sum(axis, keepdim=True) if axis else (unit0 * unit1).sum())
    return torch.sin((1 - a) * theta) / torch.sin(theta) * z0 + torch.sin(a * theta) / torch.sin(theta) * z1


def nearest_by_loops(x, train):
    return [min(float((a - b).norm()) for b in train) for a in x]


def pin(velocity, x0, x1, known):
    def pinned(x, t):
        v = velocity(x, t).clone()
        v[:, known] = (x1 - x0)[:, known]
        return v

    return pinned


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
            lambda s, S, w: s * (s / S) ** w,
            lambda s, S, w: math.exp((1 + w) * math.log(s) - w * math.log(S)),
            integrated_width,
        ],
        [
            (lambda s, S, w: 1 / math.sqrt((1 + w) / s**2 - w / S**2), "tilted"),
            (lambda s, S, w: (s ** (1 + w) / S**w) ** 2, "variance"),
            (lambda s, S, w: s * (S / s) ** w, "upside down"),
            (lambda s, S, w: s**w * S ** (1 - w), "other convention"),
            (lambda s, S, w: s * (s * s / S / S) ** w, "root is missing"),
        ],
    ),
    "09.4": (
        [arc, arc_row_by_row, lambda z0, z1, a: arc(z1, z0, 1 - a)],
        [
            (lambda z0, z1, a: torch.lerp(z0, z1, a), "straight line"),
            (lambda z0, z1, a: arc(z0, z1, 1 - a), "ends are swapped"),
            (lambda z0, z1, a: arc(z0, z1, a, axis=0), "One angle"),
            (lambda z0, z1, a: math.cos(a * math.pi / 2) * z0 + math.sin(a * math.pi / 2) * z1, "quarter circle"),
        ],
    ),
    "09.5": (
        [
            lambda x, train: torch.cdist(x, train).amin(1),
            nearest_by_loops,
            lambda x, train: cdist(x.numpy(), train.numpy()).min(axis=1),
        ],
        [
            (lambda x, train: torch.cdist(x, train).amin(0), "wrong axis"),
            (lambda x, train: torch.cdist(x, train).square().amin(1), "squared"),
            (lambda x, train: torch.cdist(x, train).argmin(1), "which image"),
            (lambda x, train: torch.cdist(x, train).mean(1), "mean distance"),
            (lambda x, train: torch.cdist(x, train).amin(1).mean(), "One number"),
        ],
    ),
    "09.6": (
        [
            clamped,
            pin,
            lambda v, x0, x1, known: lambda x, t: known * (x1 - x0) + ~known * v(x, t),
        ],
        [
            (lambda v, x0, x1, known: clamped(v, x0, x1, ~known), "wrong way round"),
            (lambda v, x0, x1, known: clamped(v, x1, x0, known), "not its negative"),
            (lambda v, x0, x1, known: lambda x, t: ~known * v(x, t), "velocity of zero"),
            (lambda v, x0, x1, known: lambda x, t: torch.where(known, x1 - x, v(x, t)), "never arrives"),
            (lambda v, x0, x1, known: lambda x, t: torch.where(known, x1, v(x, t)), "not a velocity"),
        ],
    ),
}  # fmt: skip
