"""The checks of chapter 09: guidance, condition dropout, what guidance samples, what FID sees, clipping."""

import math

import numpy as np
import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import each, interval, normal, number, points, uniform

NOTHING = 10


def dropout_inputs(g):
    """Labels, one uniform number for each, and a share; every case has kept and dropped ones."""
    cases = []
    for n, p in ((8, 0.3), (15, 0.5), (12, 0.2)):
        u = uniform(g, n, low=0.0, high=1.0)
        u[0], u[1] = 0.9 * p, 1 - 0.9 * (1 - p) * 0.5
        cases.append((torch.randint(10, (n,), generator=g), u, p))
    return cases


def drop(y, u, p):
    return torch.where(u < p, NOTHING, y)


def width_inputs(g):
    return [(number(g, 0.3, 0.7), number(g, 1.1, 2.0), w, number(g, 0.25, 0.7)) for w in (0.5, 1.0, 2.0)]


def narrowing(s, S, tau):
    """The factor by which a strength of 1 narrows the conditional flow, when it acts until tau."""
    c_s, c_S = (tau**2 * scale**2 + (1 - tau) ** 2 for scale in (s, S))
    return math.sqrt(c_s / c_S)


def width(s, S, w, tau):
    return s * narrowing(s, S, tau) ** w


def covariance_inputs(g):
    cases = []
    for d, n, m in ((1, 20, 35), (3, 50, 400), (6, 16, 9)):
        root = normal(g, d, d)
        cases.append((root @ root.T + 0.5 * torch.eye(d), n, m))
    return cases


def even_sets(g):
    return [(number(g, 1.0, 3.0) + number(g, 0.7, 2.0) * normal(g, n),) for n in (4, 6, 10)]


def halves(x, below, above):
    """len(x) numbers, of which the first half is `below` and the second `above`."""
    first = torch.arange(len(x)) < len(x) // 2
    return torch.where(first, below, above)


def poor_twin(x):
    h = x.std() * math.sqrt((len(x) - 1) / len(x))
    return halves(x, x.mean() - h, x.mean() + h)


def summary(answer, x):
    """Mean, standard deviation, the number of different values, and of all: what 09.5 compares."""
    twin = answer(x)
    if twin is None or twin is ...:
        return twin
    twin = torch.as_tensor(np.asarray(twin), dtype=torch.float64)
    size = len(twin) if twin.ndim == 1 else -1
    steps = twin.flatten().sort().values.diff()
    different = 1 + int((steps > 1e-4 * float(x.std())).sum())
    return [float(twin.mean()), float(twin.std()), different, size]


def summarised(make):
    """A mistake of 09.5, compared as the answer is."""
    return lambda x: summary(make, x)


def predicted(x, t, v):
    return x + (1 - t) * v


def within_range(x, t, v, c):
    return (predicted(x, t, v).clamp(-c, c) - x) / (1 - t)


EXERCISES = {
    "09.1": Exercise(
        expects="a function guide(v_y, v, w) -> (n, d): the guided velocity from the conditional and the unconditional one",
        truth=lambda v_y, v, w: (1 + w) * v_y - w * v,
        inputs=each(points, points, interval(0.4, 0.9)),
        insight="w = 0 is the conditional velocity. Many programs take a scale 1 + w instead: its 1 is your 0.",
        mistakes={
            "This is the other convention, v + s (v_y - v): its s is 1 + w, so your guidance is weaker by one.": lambda v_y, v, w: v + w * (v_y - v),
            "Conditional and unconditional are swapped: this pushes away from the class.": lambda v_y, v, w: (1 + w) * v - w * v_y,
            "The weights must sum to 1: (1 + w) - w. Yours sum to 1 + 2 w.": lambda v_y, v, w: (1 + w) * v_y + w * v,
            "You go from the conditional velocity towards the unconditional one: the sign of w is wrong.": lambda v_y, v, w: (1 - w) * v_y + w * v,
            "This is only the push, w (v_y - v): add it to the conditional velocity.": lambda v_y, v, w: w * (v_y - v),
            "The unconditional velocity is subtracted once, not w times.": lambda v_y, v, w: (1 + w) * v_y - v,
        },
    ),
    "09.2": Exercise(
        expects="a function drop(y, u, p) -> (n,): the labels y with 10, for nothing, where the uniform number u is below p",
        truth=drop,
        inputs=dropout_inputs,
        insight="Each example tosses its own coin. The rows without a label train the unconditional velocity, in the same run.",
        mistakes={
            "You drop where u is above p: a share of 1 - p goes, not of p.": lambda y, u, p: torch.where(u > p, NOTHING, y),
            "One coin for the whole batch: it is conditional or unconditional as a whole. Toss for each example.": lambda y, u, p: torch.where((u[0] < p).expand(len(y)), NOTHING, y),
            "0 is a class, the digit zero: what is dropped needs a label of its own.": lambda y, u, p: torch.where(u < p, 0, y),
            "You removed the dropped examples from the batch: they must stay, without their label.": lambda y, u, p: y[u >= p],
            "Nothing was dropped.": lambda y, u, p: y,
        },
    ),
    "09.3": Exercise(
        expects="a function width(s, S, w, tau) that returns the standard deviation at t = 1 of the flow that is guided until tau",
        truth=width,
        inputs=width_inputs,
        insight="s (c_s(tau) / c_S(tau))^(w/2); with tau = 1 it is s (s/S)^w. With w = 1, tau = 0.3 makes a sixth of the narrowing for s = 0.5, S = 1.25, and five sixths for s = 1, S = 10: a wide S shows early.",
        mistakes={
            "This is guidance all the time: here it stops at tau.": lambda s, S, w, tau: s * (s / S) ** w,
            "You guided after tau. The difference of the slopes acts from 0 to tau.": lambda s, S, w, tau: s * (s / S / narrowing(s, S, tau)) ** w,
            "This is the width at tau: from there the conditional flow goes on to t = 1.": lambda s, S, w, tau: math.sqrt(tau**2 * s**2 + (1 - tau) ** 2) * narrowing(s, S, tau) ** w,
            "The slope is the derivative of half the logarithm of c: a root is missing from your ratio.": lambda s, S, w, tau: s * narrowing(s, S, tau) ** (2 * w),
            "This is the variance: take the root.": lambda s, S, w, tau: width(s, S, w, tau) ** 2,
            "The ratio is upside down: guidance narrows, for s is less than S.": lambda s, S, w, tau: s * narrowing(s, S, tau) ** -w,
            "You took the share tau of the narrowing: it does not come evenly in time. Integrate the slope.": lambda s, S, w, tau: s * (s / S) ** (w * tau),
        },
    ),
    "09.4": Exercise(
        expects="a function mean_term(C, n, m): the expected squared distance of the means of n and m draws",
        truth=lambda C, n, m: float(C.trace()) * (1 / n + 1 / m),
        inputs=covariance_inputs,
        insight="tr C (1/n + 1/m): a perfect model scores above 0, and twice the images halve this term. The covariances add a term that falls nearly in the same way.",
        mistakes={
            "Zero would be the squared distance of the expected means. The means of finite sets differ by chance.": lambda C, n, m: 0.0,
            "Both means are estimates: the second set adds its own error.": lambda C, n, m: float(C.trace()) / n,
            "Only the second set's error is there: the first adds its own.": lambda C, n, m: float(C.trace()) / m,
            "Variances of independent means add up as 1/n + 1/m, not as those of one set of n + m.": lambda C, n, m: float(C.trace()) / (n + m),
            "This is the root: the distance is squared.": lambda C, n, m: math.sqrt(float(C.trace()) * (1 / n + 1 / m)),
            "You subtracted the two variances: those of independent means add, also for a difference.": lambda C, n, m: float(C.trace()) * (1 / n - 1 / m),
            "The squared length needs the variances only: the trace of C, not the sum of all its entries.": lambda C, n, m: float(C.sum()) * (1 / n + 1 / m),
        },
    ),
    "09.5": Exercise(
        expects="a function poor_twin(x) -> (n,): two different values only, with mean and standard deviation of x (compared: mean, standard deviation, different values, n)",
        truth=lambda x: summary(poor_twin, x),
        inputs=even_sets,
        compared_quantity=summary,
        insight="Its Fréchet distance to x is 0, and it takes two values only: two moments are all that the distance sees.",
        mistakes={
            "The divisor is n - 1: at mean ± std the two halves have a standard deviation that is too large by sqrt(n / (n - 1)).": summarised(lambda x: halves(x, x.mean() - x.std(), x.mean() + x.std())),
            "The mean is missing: yours is 0.": summarised(lambda x: poor_twin(x) - x.mean()),
            "All your numbers are the mean: the standard deviation is 0. Spread them to both sides.": summarised(lambda x: x.mean().expand(len(x))),
            "This is x itself: it has the right moments, and too many different values.": summarised(lambda x: x),
            "This is least and greatest: two values, but not with the moments of x.": summarised(lambda x: halves(x, x.min(), x.max())),
            "You went up and down by the variance: take its root.": summarised(lambda x: halves(x, x.mean() - x.var(), x.mean() + x.var())),
            "The right values, but too few of them: n numbers are asked for.": summarised(lambda x: poor_twin(x)[[0, -1]]),
        },
    ),
    "09.6": Exercise(
        expects="a function within_range(x, t, v, c) -> (n, d): the velocity whose predicted image is clipped to [-c, c]",
        truth=within_range,
        inputs=each(points, interval(0.25, 0.75), points, interval(0.6, 1.0)),
        insight="Where the prediction lies inside, the velocity is unchanged. Clip at each Euler step, and no pixel can end outside its range; a midpoint step can still leave it.",
        mistakes={
            "You clipped the velocity: a velocity has no such range. Clip the image that it predicts.": lambda x, t, v, c: v.clamp(-c, c),
            "This is the predicted image, clipped: return the velocity that leads to it from x.": lambda x, t, v, c: predicted(x, t, v).clamp(-c, c),
            "The time that is left is 1 - t, not 1.": lambda x, t, v, c: (x + v).clamp(-c, c) - x,
            "The time that is left is 1 - t; t is the time gone by.": lambda x, t, v, c: ((x + t * v).clamp(-c, c) - x) / t,
            "This is the way to the clipped image: divide it by the time that is left.": lambda x, t, v, c: predicted(x, t, v).clamp(-c, c) - x,
            "You clipped x, which may be outside on its way: clip what is predicted for t = 1.": lambda x, t, v, c: (predicted(x.clamp(-c, c), t, v) - x) / (1 - t),
            "Nothing was clipped: this is v.": lambda x, t, v, c: v,
        },
    ),
}  # fmt: skip
