"""The checks of chapter 07: predictions into each other, other people's conventions, samplers, schedules."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, each, interval, normal, number, points, times

inside = interval(0.1, 0.9)


def ddim(noise, x, alpha_a, sigma_a, alpha_b, sigma_b):
    data = (x - sigma_a * noise) / alpha_a
    return alpha_b * data + sigma_b * noise


def ddim_inputs(g):
    cases = []
    for n, d, dtype in SHAPES:
        (a, s), (b, r) = angle(number(g, 0.2, 0.6)), angle(number(g, 0.7, 1.4))
        cases.append((normal(g, n, d, dtype=dtype), normal(g, n, d, dtype=dtype), a, s, b, r))
    return cases


def angle(phi):
    """alpha and sigma on the quarter circle."""
    return math.sin(phi), math.cos(phi)


def sde_inputs(g):
    return [
        (
            *(normal(g, n, d, dtype=dtype) for _ in range(3)),
            number(g, 0.02, 0.3),
            number(g, 0.3, 3.0),
            normal(g, n, d, dtype=dtype),
        )
        for n, d, dtype in SHAPES
    ]


def sde(x, u, score, h, w, z):
    return x + h * (u + w * score) + math.sqrt(2 * w * h) * z


def schedule_inputs(g):
    return [(normal(g, n, d, dtype=dtype, scale=2.0), *angle(number(g, 0.1, 1.4))) for n, d, dtype in SHAPES]


def change(x, alpha, sigma, scale=None, time=None):
    """The rescaled point with its time as one more column."""
    scale = 1 / (alpha + sigma) if scale is None else scale
    time = alpha / (alpha + sigma) if time is None else time
    return torch.cat([scale * x, torch.full_like(x[:, :1], time)], dim=1)


def observe_change(answer, x, alpha, sigma):
    """An answer's pair in the same form."""
    pair = answer(x, alpha, sigma)
    if pair is None or pair is ...:
        return None
    y, t = pair
    return torch.cat([y, torch.as_tensor(t).to(y).reshape(-1, 1).expand(len(y), 1)], dim=1)


def logit_inputs(g):
    return [
        (
            torch.rand(n, generator=g, dtype=torch.float64) * 0.9 + 0.05,
            number(g, -1.0, 1.0),
            number(g, 0.5, 1.5),
        )
        for n in (1, 5, 9)
    ]


def logit_normal(t, m, s):
    z = (torch.log(t / (1 - t)) - m) / s
    return torch.exp(-0.5 * z**2) / (s * math.sqrt(2 * math.pi) * t * (1 - t))


EXERCISES = {
    "07.1": Exercise(
        expects="a function score(u, x, t) -> (n, d): the score from a velocity on the straight path with sigma_min = 0",
        truth=lambda u, x, t: (t * u - x) / (1 - t),
        inputs=each(points, points, times),
        insight="One linear equation. A flow model is a score model, with errors multiplied by t / (1 - t).",
        mistakes={
            "The sign is wrong: at t = 0 the score of N(0, I) is -x, and yours is x.": lambda u, x, t: (x - t * u) / (1 - t),
            "That is the expected noise with its sign turned: divide by sigma = 1 - t.": lambda u, x, t: t * u - x,
            "That is the expected noise, x - t u: the score is minus it over sigma.": lambda u, x, t: x - t * u,
            "That is the expected data, x + (1 - t) u, not the score.": lambda u, x, t: x + (1 - t) * u,
            "You divide by sigma^2: the expected noise is already in units of sigma, so one division is enough.": lambda u, x, t: (t * u - x) / (1 - t) ** 2,
            "Velocity and position have exchanged their places.": lambda u, x, t: (t * x - u) / (1 - t),
            "t and 1 - t are exchanged: here t = 1 is the data.": lambda u, x, t: ((1 - t) * u - x) / t,
        },
    ),
    "07.2": Exercise(
        expects="a function data(output, sample, sigma) -> (n, d): the clean data that diffusers' flow network predicts",
        truth=lambda output, sample, sigma: sample - sigma * output,
        inputs=each(points, points, times),
        insight="Their sample is (1 - sigma) data + sigma noise and their output noise - data. Never trust a name; solve the two equations.",
        mistakes={
            "The sign is wrong: their output points from data to noise, so walk against it.": lambda o, x, s: x + s * o,
            "That is the noise, sample + (1 - sigma) output.": lambda o, x, s: x + (1 - s) * o,
            "sigma is 1 at the noise and 0 at the data; you used it as our t.": lambda o, x, s: x - (1 - s) * o,
            "You took the output for the noise: then the data would be (sample - sigma output) / (1 - sigma), but it is a velocity.": lambda o, x, s: (x - s * o) / (1 - s),
            "A whole step is too far: from sigma to 0 the step is sigma.": lambda o, x, s: x - o,
        },
    ),
    "07.3": Exercise(
        expects="a function ddim(noise, x, alpha_a, sigma_a, alpha_b, sigma_b) -> (n, d): one deterministic step from predicted noise",
        truth=ddim,
        inputs=ddim_inputs,
        insight="Predict both ends, mix them anew: Euler's method in sigma / alpha, and on the straight path simply Euler's method.",
        mistakes={
            "You never divide by alpha_a: x - sigma_a noise is alpha_a times the data.": lambda e, x, a, s, b, r: b * (x - s * e) + r * e,
            "This is only the data's part: the noise has to come back with sigma_b.": lambda e, x, a, s, b, r: b * (x - s * e) / a,
            "That is the predicted data, which belongs to the very end: mix it with noise for time b.": lambda e, x, a, s, b, r: (x - s * e) / a,
            "The old noise level sigma_a is mixed in: at time b it is sigma_b.": lambda e, x, a, s, b, r: b * (x - s * e) / a + s * e,
            "The times are exchanged: a is where x is, b where it goes.": lambda e, x, a, s, b, r: ddim(e, x, b, r, a, s),
            "The sign of the noise is wrong when the data are predicted: x = alpha data + sigma noise.": lambda e, x, a, s, b, r: b * (x + s * e) / a + r * e,
        },
    ),
    "07.4": Exercise(
        expects="a function step(x, u, score, h, w, z) -> (n, d): one Euler-Maruyama step of dx = (u + w score) dt + sqrt(2 w) dW",
        truth=sde,
        inputs=sde_inputs,
        insight="Score and noise balance each other: any w keeps the marginals, and w = 0 is the ODE.",
        mistakes={
            "Noise grows with the square root of the step: sqrt(2 w h), not h sqrt(2 w).": lambda x, u, s, h, w, z: x + h * (u + w * s) + h * math.sqrt(2 * w) * z,
            "The noise lacks its factor 2: variance 2 w h a step.": lambda x, u, s, h, w, z: x + h * (u + w * s) + math.sqrt(w * h) * z,
            "The score is not halved: with g^2 = 2 w the drift is u + g^2/2 score.": lambda x, u, s, h, w, z: x + h * (u + 2 * w * s) + math.sqrt(2 * w * h) * z,
            "There is noise but no score to balance it: the marginals would spread.": lambda x, u, s, h, w, z: x + h * u + math.sqrt(2 * w * h) * z,
            "There is no noise: with the full score alone everything collapses onto the modes.": lambda x, u, s, h, w, z: x + h * (u + w * s),
            "The sign of the score is wrong: it pulls towards high density.": lambda x, u, s, h, w, z: x + h * (u - w * s) + math.sqrt(2 * w * h) * z,
            "You used w where the noise needs its root: variance 2 w h, standard deviation sqrt(2 w h).": lambda x, u, s, h, w, z: x + h * (u + w * s) + 2 * w * h * z,
        },
    ),
    "07.5": Exercise(
        expects="a function to_straight(x, alpha, sigma) -> (x', t'): the point and the time on the straight path with the same noise ratio",
        truth=change,
        inputs=schedule_inputs,
        compared_quantity=observe_change,
        insight="A schedule is a clock and a scale. A network trained on one runs on any other.",
        mistakes={
            "The time is right, the point is not rescaled: divide by alpha + sigma.": lambda x, a, s: change(x, a, s, scale=1.0),
            "Without the noise the point would be right, but on the straight path alpha is t': multiply x / alpha by t'.": lambda x, a, s: change(x, a, s, scale=1 / a),
            "Your t' is the share of the noise: here t = 1 is the data.": lambda x, a, s: change(x, a, s, time=s / (a + s)),
            "t' is not alpha: on the straight path t' / (1 - t') = alpha / sigma.": lambda x, a, s: change(x, a, s, time=a),
            "You took the squares: the noise ratio is sigma / alpha, not sigma^2 / alpha^2.": lambda x, a, s: change(x, a, s, time=a**2 / (a**2 + s**2)),
            "You multiply by alpha + sigma: divide.": lambda x, a, s: change(x, a, s, scale=a + s),
        },
    ),
    "07.6": Exercise(
        expects="a function density(t, m, s) -> (n,): the density of t = sigmoid(m + s z), z ~ N(0, 1)",
        truth=logit_normal,
        inputs=logit_inputs,
        insight="Drawing times from a density is weighting the loss by it. The minimiser stays, the floor moves.",
        mistakes={
            "The change of variables lacks its derivative, 1 / (t (1 - t)).": lambda t, m, s: logit_normal(t, m, s) * t * (1 - t),
            "The derivative is the wrong way up: dz/dt = 1 / (s t (1 - t)).": lambda t, m, s: logit_normal(t, m, s) * (t * (1 - t)) ** 2,
            "The normal density lacks 1 / s.": lambda t, m, s: logit_normal(t, m, s) * s,
            "The normal density lacks 1 / sqrt(2 pi).": lambda t, m, s: logit_normal(t, m, s) * math.sqrt(2 * math.pi),
            "You put t itself into the normal density: it is the logit, log(t / (1 - t)), that is normal.": lambda t, m, s: torch.exp(-0.5 * ((t - m) / s) ** 2) / (s * math.sqrt(2 * math.pi)),
            "The logit is the wrong way up: log(t / (1 - t)).": lambda t, m, s: logit_normal(1 - t, m, s),
        },
    ),
}  # fmt: skip
