"""The checks of chapter 14: a log, data within reach, a density on the sphere, a midpoint step, and rotations."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import normal, number, uniform
from fmtutorial.variants import Sphere, rotation_exp, rotation_log, wrap

SPHERE = Sphere()


def sphere_points(g, n):
    return SPHERE.uniform(n, g, dtype=torch.float64)


def neighbours(g):
    """Pairs on the sphere: anywhere, at the same place, very near, and nearly opposite."""
    x = sphere_points(g, 400)
    x = x[(x * x).sum(1) > 1][:6]  # rounded up: no cosine is above 1
    v = SPHERE.project(x, normal(g, *x.shape, dtype=torch.float64))
    v = v / v.norm(dim=1, keepdim=True)
    near = SPHERE.exp(x, 1e-3 * v)
    far = SPHERE.exp(x, (math.pi - 0.01) * v)
    return [(sphere_points(g, 5), sphere_points(g, 5)), (x, x.clone()), (x, near), (x, far)]


def sphere_log(x, y, length=None):
    """The direction of the log with another length(x, y, tangent part), if one is given."""
    u = SPHERE.project(x, y - x)
    size = u.norm(dim=1, keepdim=True)
    direction = u / size.clamp(min=1e-300)
    return (SPHERE.distance(x, y)[:, None] if length is None else length(x, y, size)) * direction


def circles(g):
    """Places x (n,), data (K,) and a time. The first place has data across the seam, and each has some this side."""
    cases = []
    for n, k in ((1, 2), (6, 4), (5, 9)):
        t = number(g, 0.2, 0.8)
        data = uniform(g, k, low=-math.pi, high=math.pi, dtype=torch.float64)
        data[0] = math.pi - number(g, 0.05, 0.3)
        data[1] = -math.pi + number(g, 0.05, 0.3)
        ahead = data[torch.randint(k, (n,), generator=g)]
        way = (1 - t) * uniform(g, n, low=-0.95 * math.pi, high=0.95 * math.pi, dtype=torch.float64)
        x = torch.where((ahead - way).abs() < math.pi, ahead - way, ahead + way)
        x[0] = -math.pi + number(g, 0.05, 0.3)
        cases.append((x, data, t))
    return cases


def within_reach(x, data, t, *, reach=1.0, of_all=False, difference=wrap, scale=True, nearest=False):
    """The mean of wrap(data - x)/(1 - t) over the data within `reach` times (1 - t) pi."""
    d = difference(data - x[:, None])
    near = (d.abs() < reach * (1 - t) * math.pi).double()
    if nearest:
        near = (d.abs() == d.abs().amin(1, keepdim=True)).double()
    count = len(data) if of_all else near.sum(1).clamp(min=1e-300)
    return (near * d).sum(1) / count / ((1 - t) if scale else 1)


def angles(g):
    """Angles r (n,), some of them beyond the cap, and a time."""
    return [(uniform(g, n, low=0.1, high=3.0, dtype=torch.float64), number(g, 0.3, 0.6)) for n in (1, 8, 20)]


def cap(r, t, *, rings=1, power=1, cut=True, constant=4 * math.pi, psi=None):
    """(sin psi / sin r)^rings / (constant (1 - t)^power), and 0 where psi > pi."""
    psi = r / (1 - t) if psi is None else psi(r, t)
    p = (psi.sin() / r.sin()) ** rings / (constant * (1 - t) ** power)
    return torch.where(psi < math.pi, p, torch.zeros_like(p)) if cut else p


def fields(g):
    """A tangent velocity v(x, t), points, a time and a step that is long enough to tell the ways apart."""
    cases = []
    for n in (1, 4, 7):
        a = normal(g, 3, 3, dtype=torch.float64)

        def v(x, t, a=a):
            return SPHERE.project(x, (1 + 2 * t) * x @ a.T + t)

        cases.append((v, sphere_points(g, n), number(g, 0.1, 0.4), number(g, 0.4, 0.6)))
    return cases


def midpoint(v, x, t, h, *, late=0.5, carry=SPHERE.transport, start=False, length=1.0):
    """A step by the velocity at the middle; `carry(middle, x, v)` makes it a vector at x."""
    middle = SPHERE.exp(x, h / 2 * v(x, t))
    v_mid = v(middle, t + late * h)
    if start:
        return SPHERE.exp(middle, length * h * v_mid)
    return SPHERE.exp(x, length * h * carry(middle, x, v_mid))


def as_it_is(middle, x, v):
    return v


def flattened(middle, x, v):
    return SPHERE.project(x, v)


def rotations(g):
    cases = []
    for n in (1, 3, 6):
        r0, r1 = (rotation_exp(normal(g, n, 3, dtype=torch.float64)) for _ in range(2))
        cases.append((r0, r1, number(g, 0.2, 0.8)))
    return cases


def turn(r0, r1, t):
    return r0 @ rotation_exp(t * rotation_log(r0.mT @ r1))


EXERCISES = {
    "14.1": Exercise(
        expects="a function log(x, y) -> (n, 3): the tangent vector at x that leads to y, for unit vectors x and y (n, 3)",
        truth=sphere_log,
        inputs=neighbours,
        insight="Direction and length apart: the tangent part of y - x, and the angle. atan2 is accurate from 0 to pi, where arcsin ends at pi/2 and arccos loses digits at both ends.",
        mistakes={
            "y - x cuts through the sphere: take its tangent part, and then the length of the arc.": lambda x, y: y - x,
            "The tangent part of y - x is as long as the sine of the angle: make it as long as the angle.": lambda x, y: SPHERE.project(x, y - x),
            "This is the direction alone: its length is the angle between x and y.": lambda x, y: sphere_log(x, y, lambda x, y, s: 1.0),
            "The arcsine ends at a quarter of a circle: points farther away come out too near.": lambda x, y: sphere_log(x, y, lambda x, y, s: torch.asin(s.clamp(max=1))),
            "The length is that of the chord |y - x|: on the sphere it is the arc's, the angle.": lambda x, y: sphere_log(x, y, lambda x, y, s: (y - x).norm(dim=1, keepdim=True)),
            "This is tangent at y, and leads to x: the log stands at x.": lambda x, y: sphere_log(y, x),
            "This leads away from y.": lambda x, y: -sphere_log(x, y),
        },
    ),
    "14.2": Exercise(
        expects="a function velocity(x, data, t) -> (n,): u_t at the angles x (n,), from a finite data set of K angles and a time",
        truth=within_reach,
        inputs=circles,
        insight="No exponentials: from a uniform start all data within reach are equally likely, and those beyond are impossible.",
        mistakes={
            "Not all data can lie ahead: at time t nobody is farther than (1 - t) pi from its own data point.": lambda x, data, t: within_reach(x, data, t, reach=math.inf),
            "You divided by the number of all data: the mean is over those within reach.": lambda x, data, t: within_reach(x, data, t, of_all=True),
            "The way is to be done in the time 1 - t that is left: divide by it.": lambda x, data, t: within_reach(x, data, t, scale=False),
            "Across the seam the difference is a whole turn too large: wrap it.": lambda x, data, t: within_reach(x, data, t, difference=lambda d: d),
            "The nearest data point alone does not decide: all within reach are equally likely.": lambda x, data, t: within_reach(x, data, t, nearest=True),
            "The reach is (1 - t) pi to each side: 2 pi (1 - t) in all.": lambda x, data, t: within_reach(x, data, t, reach=2.0),
            "The reach shrinks with time: (1 - t) pi, not t pi.": lambda x, data, t: within_reach(x, data, t, reach=t / (1 - t)),
            "The sign: the data are ahead, at wrap(data - x).": lambda x, data, t: -within_reach(x, data, t),
        },
    ),
    "14.3": Exercise(
        expects="a function density(r, t) -> (n,): p_t(x | x1) per area, at the angles r (n,) between x and x1",
        truth=cap,
        inputs=angles,
        insight="Near the data point it is 1 / (4 pi (1 - t)^2), as if the space were flat. It falls to 0 at the edge of the cap, where those arrive that start around the opposite point: there are few of them.",
        mistakes={
            "(1 - t)^2 is the factor of a plane: on the sphere the rings have the lengths 2 pi sin psi and 2 pi sin r.": lambda r, t: cap(r, t, rings=0, power=2),
            "Beyond (1 - t) pi nobody is: there the density is 0, and not negative.": lambda r, t: cap(r, t, cut=False),
            "The rings have not kept their lengths: multiply by sin psi / sin r.": lambda r, t: cap(r, t, rings=0),
            "The two rings have changed places: psi is where the points come from.": lambda r, t: cap(r, t, rings=-1),
            "This is the density of the angle r, whose integral over r is 1: divide by the ring's length 2 pi sin r.": lambda r, t: cap(r, t) * 2 * math.pi * r.sin(),
            "The rings come closer together by 1 - t: divide by it.": lambda r, t: cap(r, t, power=0),
            "The uniform density 1 / (4 pi) is missing.": lambda r, t: cap(r, t, constant=1.0),
            "The starting angle is r / (1 - t): the way shrinks with time.": lambda r, t: cap(r, t, psi=lambda r, t: r * (1 - t)),
        },
    ),
    "14.4": Exercise(
        expects="a function step(v, x, t, h) -> (n, 3): one midpoint step on the sphere for a tangent velocity v(x, t)",
        truth=midpoint,
        inputs=fields,
        insight="Transport turns the vector as the sphere turns, and keeps its length. With a projection in its place the order would be 2 all the same: the two differ by h^3 a step.",
        mistakes={
            "Two things are still wrong: the time of the second velocity, and that it is not tangent at x.": lambda *case: midpoint(*case, late=0.0, carry=as_it_is),
            "The second velocity belongs to the middle of the step: t + h/2.": lambda *case: midpoint(*case, late=0.0),
            "The time of the second velocity is t + h/2, not t + h.": lambda *case: midpoint(*case, late=1.0),
            "The velocity at the middle is not tangent at x: carry it back by transport.": lambda *case: midpoint(*case, carry=as_it_is),
            "A projection makes the vector tangent at x, but shorter: transport keeps its length.": lambda *case: midpoint(*case, carry=flattened),
            "The step starts at x, not at the middle.": lambda *case: midpoint(*case, start=True),
            "These are two Euler steps of half the length: the midpoint's step starts at x again.": lambda *case: midpoint(*case, start=True, length=0.5),
            "This is Euler's step.": lambda v, x, t, h: SPHERE.exp(x, h * v(x, t)),
            "The vector has been carried the other way: from the middle to x.": lambda *case: midpoint(*case, carry=lambda m, x, v: SPHERE.transport(x, m, v)),
        },
    ),
    "14.5": Exercise(
        expects="a function interpolate(R0, R1, t) -> (n, 3, 3): the rotations at the time t on the shortest way from R0 to R1",
        truth=turn,
        inputs=rotations,
        insight="R0^T R1 is the turn that is left to do, seen from the body. FrameFlow and FoldFlow train on such ways, for every residue of a protein.",
        mistakes={
            "The mean of two matrices is no rotation: its columns are shorter than 1.": lambda r0, r1, t: (1 - t) * r0 + t * r1,
            "Rotation vectors about different axes do not add up: take the log of the turn from R0 to R1.": lambda r0, r1, t: rotation_exp((1 - t) * rotation_log(r0) + t * rotation_log(r1)),
            "This turns away from R1: the turn from R0 to R1 is R0^T R1.": lambda r0, r1, t: r0 @ rotation_exp(t * rotation_log(r1.mT @ r0)),
            "R0^T R1 is a turn seen from the body: it stands on the right of R0.": lambda r0, r1, t: rotation_exp(t * rotation_log(r0.mT @ r1)) @ r0,
            "R1 R0^T is a turn seen from outside: it stands on the left of R0.": lambda r0, r1, t: r0 @ rotation_exp(t * rotation_log(r1 @ r0.mT)),
            "At t = 0 it must be R0: this is the turn alone.": lambda r0, r1, t: rotation_exp(t * rotation_log(r0.mT @ r1)),
            "Time runs the wrong way: R0 at t = 0.": lambda r0, r1, t: turn(r0, r1, 1 - t),
        },
    ),
}  # fmt: skip
