"""The checks of chapter 09: guidance, condition dropout, what guidance samples, noise space, known pixels."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, each, interval, normal, number, points, uniform
from fmtutorial.sampling import clamped

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
    return [(number(g, 0.3, 0.7), number(g, 1.1, 2.0), w) for w in (0.5, 1.0, 2.0)]


def tilted_width(s, S, w):
    return ((1 + w) / s**2 - w / S**2) ** -0.5


def walk_inputs(g):
    return [(normal(g, n, d), normal(g, n, d), number(g, 0.1, 0.4)) for n, d in ((1, 6), (4, 8), (3, 5))]


def angle(z0, z1):
    return (
        (z0 * z1).sum(1, keepdim=True) / (z0.norm(dim=1, keepdim=True) * z1.norm(dim=1, keepdim=True))
    ).arccos()


def slerp(z0, z1, a, theta=None):
    theta = angle(z0, z1) if theta is None else theta
    return (torch.sin((1 - a) * theta) * z0 + torch.sin(a * theta) * z1) / torch.sin(theta)


def one_angle(z0, z1, a):
    cosine = (z0 * z1).sum() / (z0.norm() * z1.norm())
    return slerp(z0, z1, a, cosine.arccos())


def plain_angle(z0, z1, a):
    return slerp(z0, z1, a, (z0 * z1).sum(1, keepdim=True).clamp(-0.99, 0.99).arccos())


def image_inputs(g):
    return [(normal(g, n, d), normal(g, m, d)) for n, m, d in ((1, 4, 3), (5, 3, 4), (4, 7, 2))]


def known_inputs(g):
    cases = []
    for n, d, dtype in SHAPES:
        known = torch.arange(d) % 2 == 0 if d > 1 else torch.tensor([True])
        scale = number(g, 0.5, 1.5)
        cases.append(
            (lambda x, t, c=scale: c * x.sin() + t, points(g, n, d, dtype), points(g, n, d, dtype), known)
        )
    return cases


def at_a_place(answer, velocity, x0, x1, known):
    """The learner's velocity at a place and time off the straight lines (or what came in its place)."""
    pinned = answer(velocity, x0, x1, known)
    return pinned(x0 + 0.5 * x1.cos(), 0.3) if callable(pinned) else pinned


def away(make):
    """A mistake of 09.6, evaluated as the answer is."""
    return lambda *case: at_a_place(make, *case)


EXERCISES = {
    "09.1": Exercise(
        expects="a function guide(v_y, v, w) -> (n, d): the guided velocity from the conditional and the unconditional one",
        truth=lambda v_y, v, w: (1 + w) * v_y - w * v,
        inputs=each(points, points, interval(0.4, 0.9)),
        insight="w = 0 is the conditional velocity. Programs that say scale mean 1 + w: their 1 is your 0.",
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
        insight="Each example tosses its own coin. The rows without a label train the unconditional velocity, at no cost.",
        mistakes={
            "You drop where u is above p: a share of 1 - p goes, not of p.": lambda y, u, p: torch.where(u > p, NOTHING, y),
            "One coin for the whole batch: it is conditional or unconditional as a whole. Toss for each example.": lambda y, u, p: torch.where((u[0] < p).expand(len(y)), NOTHING, y),
            "0 is a class, the digit zero: what is dropped needs a label of its own.": lambda y, u, p: torch.where(u < p, 0, y),
            "You removed the dropped examples from the batch: they must stay, without their label.": lambda y, u, p: y[u >= p],
            "Nothing was dropped.": lambda y, u, p: y,
        },
    ),
    "09.3": Exercise(
        expects="a function width(s, S, w) that returns the standard deviation of the guided flow's samples at t = 1",
        truth=lambda s, S, w: s * (s / S) ** w,
        inputs=width_inputs,
        insight="s (s/S)^w, always narrower than the tilted distribution: guidance does not sample what its score suggests.",
        mistakes={
            "This is the width of the tilted distribution, which the guided flow does not sample: integrate the slope.": tilted_width,
            "This is the variance: take the root.": lambda s, S, w: (s * (s / S) ** w) ** 2,
            "The ratio is upside down: guidance narrows, and s/S is below 1.": lambda s, S, w: s * (S / s) ** w,
            "This is the other convention, with w in the place of 1 + w.": lambda s, S, w: s**w * S ** (1 - w),
            "The integral of the slope is half the logarithm of c: a root is missing from your ratio.": lambda s, S, w: s * (s / S) ** (2 * w),
            "You took the mean of the slopes' logarithms with a sum of weights 1 + 2 w: the unconditional slope is subtracted.": lambda s, S, w: s ** (1 + w) * S**w,
        },
    ),
    "09.4": Exercise(
        expects="a function slerp(z0, z1, a) -> (n, d): the point a share a along the arc between each pair of rows",
        truth=slerp,
        inputs=walk_inputs,
        insight="The arc stays on the shell where noise of high dimension lives; the straight line cuts through its inside.",
        mistakes={
            "This is the straight line: half-way, its variance is one half.": lambda z0, z1, a: (1 - a) * z0 + a * z1,
            "The ends are swapped: at a = 0 it must be z0.": lambda z0, z1, a: slerp(z1, z0, a),
            "One angle for the whole batch: each pair of rows has its own.": one_angle,
            "The cosine of the angle is the product of the vectors divided by both norms.": plain_angle,
            "The division by sin(angle) is missing.": lambda z0, z1, a: slerp(z0, z1, a) * torch.sin(angle(z0, z1)),
            "This is a quarter circle, cos and sin of a pi/2: right only for vectors at a right angle.": lambda z0, z1, a: math.cos(a * math.pi / 2) * z0 + math.sin(a * math.pi / 2) * z1,
        },
    ),
    "09.5": Exercise(
        expects="a function nearest(x, train) -> (n,): the distance of each row of x to the closest row of train",
        truth=lambda x, train: torch.cdist(x, train).min(dim=1).values,
        inputs=image_inputs,
        insight="Compare its distribution for samples with that for held-out images: a copying machine gives itself away.",
        mistakes={
            "The minimum is over the wrong axis: you have the distance of each training image to the closest sample.": lambda x, train: torch.cdist(x, train).min(dim=0).values,
            "This is the squared distance: take the root.": lambda x, train: torch.cdist(x, train).min(dim=1).values.square(),
            "This is which image is nearest: the distance was asked for.": lambda x, train: torch.cdist(x, train).argmin(dim=1),
            "This is the mean distance to all training images, which says nothing of copies.": lambda x, train: torch.cdist(x, train).mean(dim=1),
            "One number came back: keep one for each sample, their distribution is what tells.": lambda x, train: torch.cdist(x, train).min(dim=1).values.mean(),
            "You took the largest distance.": lambda x, train: torch.cdist(x, train).max(dim=1).values,
        },
    ),
    "09.6": Exercise(
        expects="a function pin(velocity, x0, x1, known) that returns a velocity (x, t): x1 - x0 where known is true, the given one elsewhere",
        truth=lambda velocity, x0, x1, known: at_a_place(clamped, velocity, x0, x1, known),
        inputs=known_inputs,
        compared_quantity=at_a_place,
        insight="Every solver follows a straight line exactly, so known pixels arrive to the last digit. What the others make of them is not exact conditioning.",
        mistakes={
            "The mask is the wrong way round: the known elements must go straight.": away(lambda v, x0, x1, known: clamped(v, x0, x1, ~known)),
            "Known elements must start at the noise x0 and end at x1: their velocity is x1 - x0, not its negative.": away(lambda v, x0, x1, known: clamped(v, x1, x0, known)),
            "A velocity of zero leaves the known elements at the noise.": away(lambda v, x0, x1, known: lambda x, t: torch.where(known, torch.zeros_like(x), v(x, t))),
            "x1 - x slows down on the way and never arrives: the straight line from x0 has the constant velocity x1 - x0.": away(lambda v, x0, x1, known: lambda x, t: torch.where(known, x1 - x, v(x, t))),
            "This returns the known values, not a velocity.": away(lambda v, x0, x1, known: lambda x, t: torch.where(known, x1, v(x, t))),
            "All elements go straight to x1: that copies the image. The unknown ones follow the given velocity.": away(lambda v, x0, x1, known: lambda x, t: x1 - x0),
        },
    ),
}  # fmt: skip
