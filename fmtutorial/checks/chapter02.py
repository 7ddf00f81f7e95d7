"""The checks of chapter 02: divergence, the continuity equation, velocities that change nothing."""

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, each, interval, normal, number, points, uniform


def smooth_field(a):
    """A velocity with a full Jacobian that changes from place to place."""

    def v(x):
        return torch.sin(x * a) + 0.5 * x.roll(1, -1) * x + a * x.flip(-1)

    return v


def field_inputs(g):
    shapes = [(1, 2, torch.float32), (5, 3, torch.float32), (4, 2, torch.float64)]
    return [(smooth_field(number(g, 0.5, 1.5)), normal(g, n, d, dtype=t)) for n, d, t in shapes]


def jacobian(v, x):
    """dv_i/dx_j for every row, (n, d, d)."""
    return torch.stack([torch.autograd.functional.jacobian(lambda r: v(r[None])[0], row) for row in x])


def trace(j):
    return torch.diagonal(j, dim1=1, dim2=2).sum(1)


def local_inputs(g):
    """dp/dt, p, grad p, v and div v at n points."""
    cases = []
    for n, d, dtype in SHAPES:
        rows = [normal(g, n, dtype=dtype), uniform(g, n, dtype=dtype), normal(g, n, d, dtype=dtype)]
        cases.append((*rows, normal(g, n, d, dtype=dtype), normal(g, n, dtype=dtype)))
    return cases


def transport(v, grad_p):
    return (v * grad_p).sum(1)


def path_inputs(g):
    """log p at the start, divergences (T, n) along the way, and the step."""
    return [(normal(g, n), normal(g, steps, n), 1 / steps) for n, steps in [(1, 3), (4, 5), (3, 1), (2, 7)]]


def planar_inputs(g):
    cases = []
    for n, dtype in [(1, torch.float32), (5, torch.float32), (4, torch.float64)]:
        a = number(g, 0.5, 1.5)
        m = normal(g, 2, dtype=dtype)
        cases.append((lambda x, a=a, m=m: torch.stack([-a * (x[:, 0] - m[0]), -2 * (x[:, 1] - m[1])], 1), normal(g, n, 2, dtype=dtype)))  # fmt: skip
    return cases


def turned(s):
    """A quarter turn to the left."""
    return torch.stack([-s[:, 1], s[:, 0]], dim=1)


def moment_inputs(g):
    makers = (points, interval(-1.0, 1.0), interval(0.5, 2.0), interval(0.5, 1.0), interval(-1.0, -0.3))
    return each(*makers)(g)


EXERCISES = {
    "02.1": Exercise(
        expects="a function divergence(v, x) -> (n,) for a velocity v that maps (n, d) to (n, d)",
        truth=lambda v, x: trace(jacobian(v, x)),
        inputs=field_inputs,
        insight="The trace of the Jacobian: d backward passes. That price is why nobody trains by likelihood in high dimension.",
        mistakes={
            "You summed the whole Jacobian: the gradient of v.sum() mixes all components. Take component i's derivative by x_i alone.": lambda v, x: jacobian(v, x).sum((1, 2)),
            "Only the first component: the divergence adds dv_i/dx_i over all i.": lambda v, x: jacobian(v, x)[:, 0, 0],
            "You averaged over the dimensions: the divergence is a sum.": lambda v, x: trace(jacobian(v, x)) / x.shape[1],
            "You return all the dv_i/dx_i, (n, d): add them up.": lambda v, x: torch.diagonal(jacobian(v, x), dim1=1, dim2=2),
            "This is the determinant of the Jacobian. The divergence is its trace.": lambda v, x: torch.linalg.det(jacobian(v, x)),
        },
    ),
    "02.2": Exercise(
        expects="a function residual(dp_dt, p, grad_p, v, div_v) -> (n,): dp/dt + div(p v)",
        truth=lambda dp_dt, p, grad_p, v, div_v: dp_dt + transport(v, grad_p) + p * div_v,
        inputs=local_inputs,
        insight="Density changes because it is carried along (v . grad p) and because the flow spreads (p div v).",
        mistakes={
            "p div v is missing: the density also falls where the flow spreads.": lambda dp, p, gp, v, dv: dp + transport(v, gp),
            "v . grad p is missing: the density is also carried along.": lambda dp, p, gp, v, dv: dp + p * dv,
            "The sign of the flux is wrong: dp/dt = -div(p v), so the two add up to zero.": lambda dp, p, gp, v, dv: dp - transport(v, gp) - p * dv,
            "p is missing before div v: that is the equation for log p, where the rest would be divided by p too.": lambda dp, p, gp, v, dv: dp + transport(v, gp) + dv,
            "v . grad p is a sum over the dimensions, not a mean.": lambda dp, p, gp, v, dv: dp + (v * gp).mean(1) + p * dv,
        },
    ),
    "02.3": Exercise(
        expects="a function log_prob_at_end(log_p0, divergences, h) -> (n,), divergences of shape (n_steps, n), one row a step",
        truth=lambda log_p0, divergences, h: log_p0 - h * divergences.sum(0),
        inputs=path_inputs,
        insight="d log p / dt = -div v along a trajectory: spreading thins the density out.",
        mistakes={
            "The sign is wrong: where the flow spreads (div v > 0), the density falls.": lambda lp, d, h: lp + h * d.sum(0),
            "The step h is missing.": lambda lp, d, h: lp - d.sum(0),
            "You lost log p_0: this is only the change.": lambda lp, d, h: -h * d.sum(0),
            "The first step is missing in your sum: n steps have n divergences.": lambda lp, d, h: lp - h * d[1:].sum(0),
            "This is multiplied as if p, not log p, changed by a factor 1 - h div v a step.": lambda lp, d, h: lp * (1 - h * d).prod(0),
        },
    ),
    "02.4": Exercise(
        expects="a function stirring(score, x) -> (n, 2): the score turned by 90 degrees to the left",
        truth=lambda score, x: turned(score(x)),
        inputs=planar_inputs,
        insight="p times this field is the turned gradient of p, which has no divergence: it stirs and changes nothing.",
        mistakes={
            "You turned x, not the score: circles around the origin keep only densities that are round about the origin.": lambda s, x: turned(x),
            "You turned to the right: (a, b) to the left is (-b, a).": lambda s, x: -turned(s(x)),
            "This is the score itself: it squeezes everything into the modes.": lambda s, x: s(x),
            "You swapped the components without a minus sign: that is a reflection, and it does have a divergence.": lambda s, x: s(x).flip(1),
        },
    ),
    "02.5": Exercise(
        expects="a function velocity(x, m, s, m_dot, s_dot) -> (n, d) that carries N(m, s^2 I); m, s and their time derivatives are numbers",
        truth=lambda x, m, s, m_dot, s_dot: m_dot + s_dot / s * (x - m),
        inputs=moment_inputs,
        insight="Move with the mean, and stretch about it at the relative rate s'/s. All conditional velocities have this form.",
        mistakes={
            "Stretch about the mean, not about the origin: (x - m).": lambda x, m, s, md, sd: md + sd / s * x,
            "Divide by s: a particle one std away from the mean moves at s', one at distance r at r s'/s.": lambda x, m, s, md, sd: md + sd * (x - m),
            "The stretch is missing: this only moves the mean, and the width stays.": lambda x, m, s, md, sd: md + 0 * x,
            "The motion of the mean is missing.": lambda x, m, s, md, sd: sd / s * (x - m),
            "s and s' are swapped: the rate is s'/s.": lambda x, m, s, md, sd: md + s / sd * (x - m),
            "You used the variance's rate 2 s'/s: the positions scale with the standard deviation.": lambda x, m, s, md, sd: md + 2 * sd / s * (x - m),
        },
    ),
}  # fmt: skip
