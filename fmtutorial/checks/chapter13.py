"""The checks of chapter 13: velocity of a pair, a step backward, noise, a projection, partners by Sinkhorn."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import normal, number, uniform


def gaussian_pairs(g):
    """Points, a time, means, variances and the covariance of the ends, and the noise."""
    cases = []
    for n, d in ((1, 2), (5, 3), (6, 1)):
        a, b = normal(g, 2, d, dtype=torch.float64)
        v0, v1 = uniform(g, 2, d, low=0.3, high=2.0, dtype=torch.float64)
        c = uniform(g, d, low=0.3, high=0.8, dtype=torch.float64) * (v0 * v1).sqrt()
        x = normal(g, n, d, dtype=torch.float64)
        cases.append((x, number(g, 0.1, 0.4), a, b, v0, v1, c, number(g, 0.6, 1.5)))
    return cases


def pair_velocity(
    x, t, a, b, v0, v1, c, s, *, ends=1.0, bridge=1.0, noise=1.0, start=-1.0, half=1.0, mean=None
):
    """b - a + (C'/2) / C (x - mean); each factor spoils one term."""
    spread = (1 - t) ** 2 * v0 + t**2 * v1 + 2 * t * (1 - t) * c + noise * s**2 * t * (1 - t)
    half_rate = start * (1 - t) * v0 + t * v1 + ends * (1 - 2 * t) * c + bridge * s**2 * (1 - 2 * t) / 2
    middle = (1 - t) * a + t * b if mean is None else mean
    return b - a + half * half_rate / spread * (x - middle)


def sde_steps(g):
    """Points, velocities, scores, a noise level, a step's length and normal numbers."""
    cases = []
    for n, d in ((1, 2), (5, 3), (6, 1)):
        x, velocity, score, z = normal(g, 4, n, d, dtype=torch.float64)
        cases.append((x, velocity, score, number(g, 0.3, 2.0), number(g, 0.05, 0.4), z))
    return cases


def back(x, u, score, epsilon, h, z, *, flow=-1.0, pull=1.0, spread=lambda e, h: math.sqrt(2 * e * h)):
    return x + h * (flow * u + pull * epsilon * score) + spread(epsilon, h) * z


def variances_and_correlation(g):
    return [(number(g, 0.3, 2.5), number(g, 0.3, 2.5), number(g, 0.1, 0.9)) for _ in range(4)]


def noise_for(v0, v1, rho):
    return math.sqrt(math.sqrt(v0 * v1) * (1 - rho**2) / rho)


def variances_and_covariance(g):
    """Variances of both ends, their covariance, and the noise."""
    cases = []
    for sign in (1, -1, 1, 1):
        v0, v1 = number(g, 0.4, 1.0), number(g, 1.2, 2.5)
        cases.append((v0, v1, sign * number(g, 0.3, 0.8) * math.sqrt(v0 * v1), number(g, 0.6, 1.5)))
    return cases


def project(v0, v1, c, s, *, first=None, power=-0.5, ends=1.0, bridge=1.0):
    """sqrt(v0 v1) exp(-s^2/2 int dt / S_t), by 400 midpoints."""
    t = (torch.arange(400, dtype=torch.float64) + 0.5) / 400
    spread = (1 - t) ** 2 * v0 + t**2 * v1 + 2 * t * (1 - t) * ends * c + bridge * s**2 * t * (1 - t)
    first = math.sqrt(v0 * v1) if first is None else first
    return first * math.exp(power * s**2 * float((1 / spread).mean()))


def two_batches(g):
    """Two batches of points, near enough for Sinkhorn's rounds to end soon, and the noise."""
    cases = []
    for n, d in ((2, 1), (5, 2), (7, 3)):
        x0, x1 = uniform(g, 2, n, d, low=-1.0, high=1.0, dtype=torch.float64)
        cases.append((x0, x1 + 0.3, number(g, 0.9, 1.4)))
    return cases


def plan(x0, x1, s, *, epsilon=lambda s: 2 * s**2, power=2, n_rounds=200, total=1.0):
    """Sinkhorn's plan; n_rounds = 0 leaves the columns as they come."""
    log_k = -torch.cdist(x0, x1).pow(power) / epsilon(s)
    for _ in range(n_rounds):
        log_k = log_k - log_k.logsumexp(0)
        log_k = log_k - log_k.logsumexp(1, keepdim=True)
    return total * (log_k - log_k.logsumexp(1, keepdim=True)).exp() / len(x0)


EXERCISES = {
    "13.1": Exercise(
        expects="a function velocity(x, t, a, b, A, B, c, s) -> (n, d): of a bridge between N(a, A) and N(b, B), each axis by itself, whose ends have the covariance c",
        truth=lambda x, t, a, b, A, B, c, s: pair_velocity(x, t, a, b, A, B, c, s),
        inputs=gaussian_pairs,
        insight="The covariance of the ends adds 2 t (1 - t) c to the variance, and (1 - 2 t) c to half of its rate. Whatever the coupling, the mean moves on a straight line.",
        mistakes={
            "The noise of the bridge also changes with time: gamma gamma' = s^2 (1 - 2 t) / 2 belongs into C'/2.": lambda *p: pair_velocity(*p, bridge=0.0),
            "The ends' covariance also changes the rate: (1 - 2 t) c belongs into C'/2.": lambda *p: pair_velocity(*p, ends=0.0),
            "gamma^2 = s^2 t (1 - t) is missing in C.": lambda *p: pair_velocity(*p, noise=0.0),
            "The ends' covariance is missing everywhere: these ends are not independent.": lambda x, t, a, b, A, B, c, s: pair_velocity(x, t, a, b, A, B, 0 * c, s),
            "The sign of (1 - t) A: the share of the start shrinks.": lambda *p: pair_velocity(*p, start=1.0),
            "Half of the rate of C is needed: (C'/2) / C.": lambda *p: pair_velocity(*p, half=2.0),
            "x minus the mean of x_t, which is (1 - t) a + t b.": lambda x, *p: pair_velocity(x, *p, mean=0.0),
            "The straight line b - a of the means is missing.": lambda x, t, a, b, *p: pair_velocity(x, t, a, b, *p) - (b - a),
            "This leaves the pull out: away from the mean the velocity is another.": lambda x, t, a, b, *p: (b - a).expand_as(x),
        },
    ),
    "13.2": Exercise(
        expects="a function step_back(x, velocity, score, epsilon, h, z) -> (n, d): x at the time t - h",
        truth=back,
        inputs=sde_steps,
        insight="Back in time the velocity changes its sign and the score does not: noise spreads in both directions, and the score draws back.",
        mistakes={
            "Back in time the velocity has the other sign.": lambda *p: back(*p, flow=1.0),
            "The score keeps its sign: it draws back what the noise spreads, whichever way time runs.": lambda *p: back(*p, pull=-1.0),
            "Turning the whole drift round is not enough: the velocity turns, the score does not.": lambda *p: back(*p, flow=1.0, pull=-1.0),
            "Noise without the score's drift spreads the law: add epsilon times the score.": lambda *p: back(*p, pull=0.0),
            "The noise is sqrt(2 epsilon h) z: you left out the 2.": lambda *p: back(*p, spread=lambda e, h: math.sqrt(e * h)),
            "The noise is sqrt(2 epsilon h) z: its variance grows with h, not its deviation.": lambda *p: back(*p, spread=lambda e, h: math.sqrt(2 * e) * h),
            "The noise is missing: add sqrt(2 epsilon h) z.": lambda *p: back(*p, spread=lambda e, h: 0.0),
            "The score's drift is epsilon times the score.": lambda x, u, score, e, h, z: back(x, u, score / e, e, h, z),
        },
    ),
    "13.3": Exercise(
        expects="a function noise(v0, v1, rho) -> number: the s with which the Schroedinger bridge between N(0, v0) and N(0, v1) gives its ends the correlation rho",
        truth=noise_for,
        inputs=variances_and_correlation,
        insight="s^2 = sqrt(v0 v1) (1 - rho^2) / rho. In units of the data, noise of s = 1 leaves a correlation of 0.62 where both variances are 1.",
        mistakes={
            "That is s^2: take the root.": lambda a, b, r: noise_for(a, b, r) ** 2,
            "rho is a correlation: the covariance is c = rho sqrt(v0 v1).": lambda a, b, r: math.sqrt(abs(a * b - r**2) / r),
            "The units do not fit: v0 v1 has the unit of x^4, s^2 that of x^2.": lambda a, b, r: math.sqrt(a * b * (1 - r**2) / r),
            "1 - rho^2, not 1 - rho.": lambda a, b, r: math.sqrt(math.sqrt(a * b) * (1 - r) / r),
            "This lets the noise grow with the correlation: it must be the other way round.": lambda a, b, r: math.sqrt(math.sqrt(a * b) * r / (1 - r**2)),
            "That is the epsilon of Sinkhorn, or its root: epsilon = 2 s^2, and s was asked.": lambda a, b, r: math.sqrt(2) * noise_for(a, b, r),
            "The division by rho is missing: without noise the correlation is 1, with much noise 0.": lambda a, b, r: noise_for(a, b, r) * math.sqrt(r),
        },
    ),
    "13.4": Exercise(
        expects="a function project(v0, v1, c, s) -> number: the covariance of the ends after one Markovian projection, in one dimension",
        truth=lambda v0, v1, c, s: project(v0, v1, c, s),
        inputs=variances_and_covariance,
        rtol=4e-3,
        insight="S'/2S integrates to log sqrt(v1 / v0), so that the new covariance is sqrt(v0 v1) exp(-s^2/2 int dt / S_t): always positive, whatever the sign of the old one.",
        mistakes={
            "That is sqrt(v0 v1), a process without noise: its drift is S'/(2 S), and yours must also lose s^2 / (2 S).": lambda v0, v1, c, s: math.sqrt(v0 * v1),
            "The score's share is s^2 / 2, not s^2.": lambda *p: project(*p, power=-1.0),
            "The sign of the score's share: a process with noise forgets.": lambda *p: project(*p, power=0.5),
            "The variance of x_t has 2 t (1 - t) c in it: these ends are not independent.": lambda *p: project(*p, ends=0.0),
            "The variance of x_t has the bridge's own noise in it, s^2 t (1 - t).": lambda *p: project(*p, bridge=0.0),
            "2 t (1 - t) c: with both orders of x0 and x1.": lambda *p: project(*p, ends=0.5),
            "That is the factor exp(int F): multiply by the variance v0 at the start.": lambda v0, v1, c, s: project(v0, v1, c, s, first=math.sqrt(v1 / v0)),
            "The covariance of x_t with x0 starts at v0, the variance of x0.": lambda v0, v1, c, s: project(v0, v1, c, s, first=v1 * math.sqrt(v1 / v0)),
            "It starts at v0, not at the old c: the projection forgets which x1 belonged to x0.": lambda v0, v1, c, s: project(v0, v1, c, s, first=c * math.sqrt(v1 / v0)),
            "That is the covariance you were given: the projection changes it.": lambda v0, v1, c, s: c,
        },
    ),
    "13.5": Exercise(
        expects="a function plan(x0, x1, s) -> (n, n): probabilities of pairs, whose rows and columns sum to 1/n",
        truth=plan,
        inputs=two_batches,
        insight="exp(-|x1 - x0|^2 / (2 s^2)) is Brownian motion's density from x0 to x1. Sinkhorn changes it no more than its two marginals demand, by one factor for each row and each column.",
        mistakes={
            "Brownian motion over a time of 1 has the density exp(-|x1 - x0|^2 / (2 s^2)): your 2 is missing.": lambda *p: plan(*p, epsilon=lambda s: s**2),
            "The variance of Brownian motion is s^2: the 2 s^2 stands under the square.": lambda *p: plan(*p, epsilon=lambda s: 2 * s),
            "Now the rows are right, but the columns are not: some x1 have more partners than others. Take turns.": lambda *p: plan(*p, n_rounds=0),
            "This is still the given function: both faults must be repaired, the missing 2 and the columns.": lambda *p: plan(*p, n_rounds=0, epsilon=lambda s: s**2),
            "Rows and columns sum to 1/n: these sum to 1.": lambda x0, x1, s: plan(x0, x1, s, total=len(x0)),
            "The square of the distance is needed.": lambda *p: plan(*p, power=1),
            "One round is not enough: repeat until the columns stay right.": lambda *p: plan(*p, n_rounds=1),
            "This is the kernel: nothing is normalised yet.": lambda x0, x1, s: torch.exp(-torch.cdist(x0, x1) ** 2 / (2 * s**2)),
            "All pairs have the same probability here: that is the limit of infinite noise.": lambda x0, x1, s: torch.full((len(x0), len(x0)), 1 / len(x0) ** 2),
        },
    ),
}  # fmt: skip
