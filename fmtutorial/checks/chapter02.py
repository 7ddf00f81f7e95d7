"""The checks of chapter 02: divergence, the continuity equation, velocities that change nothing."""

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import each, interval, normal, number, points, uniform


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


class TwoBumps:
    """The distribution function of two moving, widening bumps on the line, and the velocity that carries them."""

    def __init__(self, g):
        self.starts = [number(g, -2.0, -1.0), number(g, 1.0, 2.0)]
        self.speeds = [number(g, 0.5, 1.5), number(g, -1.0, -0.3)]
        self.widths = [number(g, 0.7, 1.0), number(g, 0.8, 1.2)]
        self.rates = [number(g, 0.2, 0.5), number(g, -0.3, -0.1)]
        self.weights = [0.4, 0.6]

    def bumps(self, t):
        """Weight, distribution, speed of the mean and relative rate of the width, for each bump."""
        for weight, start, speed, width, rate in zip(
            self.weights, self.starts, self.speeds, self.widths, self.rates, strict=True
        ):
            scale = width + rate * t
            yield weight, torch.distributions.Normal(start + speed * t, scale), speed, rate / scale

    def __call__(self, x, t):
        return sum(weight * bump.cdf(x) for weight, bump, _, _ in self.bumps(t))

    def velocity(self, x, t):
        """The velocity of each bump by its share of the density: no derivative of the distribution function."""
        density = flux = 0.0
        for weight, bump, speed, stretch in self.bumps(t):
            p = weight * bump.log_prob(x).exp()
            density = density + p
            flux = flux + p * (speed + stretch * (x - bump.mean))
        return flux / density


def line_inputs(g):
    """A distribution function, places and a time."""
    cases = []
    for n in (1, 5, 4):
        t = torch.tensor(number(g, 0.2, 0.8), dtype=torch.float64)
        cases.append((TwoBumps(g), uniform(g, n, low=-2.0, high=2.0, dtype=torch.float64), t))
    return cases


def slopes(cdf, x, t):
    """dF/dx and dF/dt at the places x."""
    x = x.detach().clone().requires_grad_()
    times = t.expand(len(x)).clone().requires_grad_()
    return torch.autograd.grad(cdf(x, times).sum(), (x, times))


def by_slopes(formula):
    """A function of (cdf, x, t) from a formula of dF/dx and dF/dt."""
    return lambda cdf, x, t: formula(*slopes(cdf, x, t))


def start_inputs(g):
    """Starts and times with x0 t < 1, zero and negative starts among them."""
    cases = []
    for n, dtype in [(1, torch.float32), (5, torch.float32), (4, torch.float64)]:
        x0 = uniform(g, n, low=-2.0, high=0.9, dtype=dtype)
        x0[-1] = 0.0 if n > 1 else x0[-1]
        cases.append((x0, number(g, 0.2, 0.9)))
    return cases


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
        insight="The trace of the Jacobian: exactly, it takes d backward passes. In high dimension one takes a random estimate that needs one (chapter 08).",
        mistakes={
            "You summed the whole Jacobian: the gradient of v.sum() mixes all components. Take component i's derivative by x_i alone.": lambda v, x: jacobian(v, x).sum((1, 2)),
            "Only the first component: the divergence adds dv_i/dx_i over all i.": lambda v, x: jacobian(v, x)[:, 0, 0],
            "You averaged over the dimensions: the divergence is a sum.": lambda v, x: trace(jacobian(v, x)) / x.shape[1],
            "You return all the dv_i/dx_i, (n, d): add them up.": lambda v, x: torch.diagonal(jacobian(v, x), dim1=1, dim2=2),
            "This is the determinant of the Jacobian. The divergence is its trace.": lambda v, x: torch.linalg.det(jacobian(v, x)),
        },
    ),
    "02.2": Exercise(
        expects="a function velocity(cdf, x, t) -> (n,): the only velocity on the line that carries the distribution function cdf(x, t)",
        truth=lambda cdf, x, t: cdf.velocity(x, t),
        inputs=line_inputs,
        insight="The mass to the left of x changes only by the flux through x, so p v = -dF/dt. On the line there is no choice; from two dimensions on there is.",
        mistakes={
            "The sign is wrong: mass that flows to the right through x leaves the left side, so dF/dt = -p v.": by_slopes(lambda p, rate: rate / p),
            "This is the flux p v. Divide by the density p = dF/dx.": by_slopes(lambda p, rate: -rate),
            "This is the flux with the wrong sign, and the density is missing: v = -(dF/dt) / (dF/dx).": by_slopes(lambda p, rate: rate),
            "Upside down: p = dF/dx belongs in the denominator.": by_slopes(lambda p, rate: -p / rate),
            "You multiplied by the density; divide by it.": by_slopes(lambda p, rate: -rate * p),
            "You divided by F. The flux is p v, with the density p = dF/dx.": lambda cdf, x, t: -slopes(cdf, x, t)[1] / cdf(x, t),
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
        insight="p times this field is the turned gradient of p, which has no divergence: it stirs and changes nothing. Turning x instead keeps only densities that are round about the origin.",
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
        insight="Move with the mean, and stretch about it at the relative rate s'/s. The conditional velocities of chapter 03 have this form.",
        mistakes={
            "Stretch about the mean, not about the origin: (x - m).": lambda x, m, s, md, sd: md + sd / s * x,
            "Divide by s: a particle one std away from the mean moves at s', one at distance r at r s'/s.": lambda x, m, s, md, sd: md + sd * (x - m),
            "The stretch is missing: this only moves the mean, and the width stays.": lambda x, m, s, md, sd: md + 0 * x,
            "The motion of the mean is missing.": lambda x, m, s, md, sd: sd / s * (x - m),
            "s and s' are swapped: the rate is s'/s.": lambda x, m, s, md, sd: md + s / sd * (x - m),
            "You used the variance's rate 2 s'/s: the positions scale with the standard deviation.": lambda x, m, s, md, sd: md + 2 * sd / s * (x - m),
        },
    ),
    "02.6": Exercise(
        expects="a function place(x0, t) -> (n,): where a particle of dx/dt = x^2 that started at x0 is at time t",
        truth=lambda x0, t: x0 / (1 - x0 * t),
        inputs=start_inputs,
        insight="At t = 1/x0 the particle is at infinity: starts at 1 and above are gone by t = 1, 16 % of a standard normal start. Smooth is not enough; smooth with growth at most in proportion to 1 + |x| is.",
        mistakes={
            "This is one Euler step, as if the velocity stayed what it was at the start.": lambda x0, t: x0 + t * x0**2,
            "An exponential solves dx/dt = x. Here the velocity is x^2.": lambda x0, t: x0 * torch.exp(x0.new_tensor(t)),
            "The sign is wrong: this solves dx/dt = -x^2.": lambda x0, t: x0 / (1 + x0 * t),
            "The start is missing in the numerator: at t = 0 the particle has to be at x0.": lambda x0, t: 1 / (1 - x0 * t),
            "This is 1/x. From 1/x0 - 1/x = t take the last step.": lambda x0, t: (1 - x0 * t) / torch.where(x0 == 0, 1.0, x0),
        },
    ),
}  # fmt: skip
