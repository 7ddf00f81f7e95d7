"""The checks of chapter 07: predictions into each other, other people's conventions, samplers, schedules."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._inputs import SHAPES, each, normal, number, points, times


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


def back(x, u, score, h, w, z):
    return x + h * (-u + w * score) + math.sqrt(2 * w * h) * z


class Gaussian:
    """The exact noise network of a variance-preserving model of data N(mean, std^2 I)."""

    def __init__(self, mean: float, std: float):
        self.mean, self.std = mean, std

    def __call__(self, x, alpha):
        alpha = torch.as_tensor(alpha).to(x)
        variance = 1 - alpha**2
        return variance.sqrt() * (x - alpha * self.mean) / (alpha**2 * self.std**2 + variance)


def network_inputs(g):
    return [
        (Gaussian(number(g, 1.0, 2.0), number(g, 0.3, 0.8)), points(g, n, d, dtype), times(g, n, d, dtype))
        for n, d, dtype in SHAPES
    ]


def norm(t):
    return torch.sqrt(t**2 + (1 - t) ** 2)


def carried(network, x, t):
    return (x - network(x / norm(t), t / norm(t))) / t


def in_their_scale(network, x, t):
    """The data that are predicted as if x belonged to their path, minus the noise."""
    noise, alpha = network(x / norm(t), t / norm(t)), t / norm(t)
    return (x - torch.sqrt(1 - alpha**2) * noise) / alpha - noise


def logit_inputs(g):
    return [
        (
            torch.rand(n, generator=g, dtype=torch.float64) * 0.9 + 0.05,
            number(g, 0.3, 1.0),
            number(g, 0.5, 0.9),
            number(g, 1.5, 3.0),
        )
        for n in (1, 5, 9)
    ]


def logit_normal(t, m, s):
    z = (torch.log(t / (1 - t)) - m) / s
    return torch.exp(-0.5 * z**2) / (s * math.sqrt(2 * math.pi) * t * (1 - t))


def shifted(t, m, s, a):
    return logit_normal(t, m - math.log(a), s)


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
        expects="a function ddim_step(noise, x, alpha_a, sigma_a, alpha_b, sigma_b) -> (n, d): one deterministic step from predicted noise",
        truth=ddim,
        inputs=ddim_inputs,
        insight="Unmix with the numbers of the time where x is, mix with those of the time where it goes. That is DDIM, Euler's method in sigma / alpha.",
        mistakes={
            "Nothing is repaired yet: this is the broken step.": lambda e, x, a, s, b, r: x - r * e + s * e,
            "You repaired only the last line, and now nothing moves: x comes back unchanged. Use the numbers of the time where x is.": lambda e, x, a, s, b, r: x.clone(),
            "The data are right now, but the old noise level sigma_a is mixed in: at time b it is sigma_b.": lambda e, x, a, s, b, r: b * (x - s * e) / a + s * e,
            "You never divide by alpha_a: x - sigma_a noise is alpha_a times the data.": lambda e, x, a, s, b, r: b * (x - s * e) + r * e,
            "You divide by alpha_b: x - sigma_a noise is alpha_a times the data.": lambda e, x, a, s, b, r: x - s * e + r * e,
            "You take off sigma_b times the noise: in x there is sigma_a times the noise.": lambda e, x, a, s, b, r: b * (x - r * e) / a + r * e,
            "This is only the data's part: the noise has to come back with sigma_b.": lambda e, x, a, s, b, r: b * (x - s * e) / a,
            "That is the predicted data, which belongs to the very end: mix it with noise for time b.": lambda e, x, a, s, b, r: (x - s * e) / a,
            "The times are exchanged: a is where x is, b where it goes.": lambda e, x, a, s, b, r: ddim(e, x, b, r, a, s),
            "The sign of the noise is wrong when the data are predicted: x = alpha data + sigma noise.": lambda e, x, a, s, b, r: b * (x + s * e) / a + r * e,
        },
    ),
    "07.4": Exercise(
        expects="a function step_back(x, u, score, h, w, z) -> (n, d): an Euler-Maruyama step from data to noise with the same marginals",
        truth=back,
        inputs=sde_inputs,
        insight="Only u changes its sign. Noise spreads in both directions of time, so in both the score must pull back.",
        mistakes={
            "You changed the sign of the whole drift: the score must still pull towards high density, because the noise still spreads.": lambda x, u, s, h, w, z: x - h * (u + w * s) + math.sqrt(2 * w * h) * z,
            "That is the step from noise to data. On the way back the velocity is -u.": lambda x, u, s, h, w, z: x + h * (u + w * s) + math.sqrt(2 * w * h) * z,
            "That is the drift u - w score: both signs are the wrong way round.": lambda x, u, s, h, w, z: x + h * (u - w * s) + math.sqrt(2 * w * h) * z,
            "There is noise but no score to balance it: the marginals would spread.": lambda x, u, s, h, w, z: x - h * u + math.sqrt(2 * w * h) * z,
            "There is no noise: with the full score alone the marginals become too narrow.": lambda x, u, s, h, w, z: x + h * (-u + w * s),
            "Noise grows with the square root of the step: sqrt(2 w h), not h sqrt(2 w).": lambda x, u, s, h, w, z: x + h * (-u + w * s) + h * math.sqrt(2 * w) * z,
            "The noise lacks its factor 2: variance 2 w h a step.": lambda x, u, s, h, w, z: x + h * (-u + w * s) + math.sqrt(w * h) * z,
            "The score has twice its weight: with noise of variance 2 w h the drift is -u + w score.": lambda x, u, s, h, w, z: x + h * (-u + 2 * w * s) + math.sqrt(2 * w * h) * z,
        },
    ),
    "07.5": Exercise(
        expects="a function carried_velocity(network, x, t) -> (n, d): the straight path's velocity from a noise network of a variance-preserving model",
        truth=carried,
        inputs=network_inputs,
        atol=1e-4,  # in float32 the network's 1 - alpha^2 loses digits near the data
        insight="A schedule is a clock and a scale. A network runs on any other path, as far as their noise ratios overlap.",
        mistakes={
            "The network is shown x as it is: scale it to alpha / t of its size, as its data are.": lambda f, x, t: (x - f(x, t / norm(t))) / t,
            "The network is shown t for alpha: on their path alpha^2 + sigma^2 = 1, so alpha = t / sqrt(t^2 + (1 - t)^2).": lambda f, x, t: (x - f(x / norm(t), t)) / t,
            "The network is called with x and t unchanged: its path has another clock and another scale.": lambda f, x, t: (x - f(x, t)) / t,
            "That is the expected data: the velocity is data minus noise.": lambda f, x, t: (x - (1 - t) * f(x / norm(t), t / norm(t))) / t,
            "That is the network's noise, not yet a velocity.": lambda f, x, t: f(x / norm(t), t / norm(t)),
            "The sign is wrong: in our time the velocity points from noise to data.": lambda f, x, t: -carried(f, x, t),
            "The network is right, but then the data are predicted in its scale from a point in yours: use x = t data + (1 - t) noise.": in_their_scale,
            "t and 1 - t are exchanged in alpha: at t = 1 there is only data, alpha = 1.": lambda f, x, t: (x - f(x / norm(t), (1 - t) / norm(t))) / t,
        },
    ),
    "07.6": Exercise(
        expects="a function shifted_density(t, m, s, a) -> (n,): the density of t = tau / (tau + a (1 - tau)), tau = sigmoid(m + s z)",
        truth=shifted,
        inputs=logit_inputs,
        insight="One trick: the shift subtracts ln a from the logit, so shifting by a is drawing with m - ln a. The minimiser stays, the weights move.",
        mistakes={
            "You left the shift out: that is the density of tau.": lambda t, m, s, a: logit_normal(t, m, s),
            "The shift goes the wrong way: a > 1 means more noise, so smaller t.": lambda t, m, s, a: logit_normal(t, m + math.log(a), s),
            "The logit is shifted by ln a, not by a.": lambda t, m, s, a: logit_normal(t, m - a, s),
            "You scaled the mean of the logit: it is shifted, by -ln a.": lambda t, m, s, a: logit_normal(t, m / a, s),
            "You put the right tau into its density, but forgot the derivative d tau / d t.": lambda t, m, s, a: logit_normal(a * t / (1 - t + a * t), m, s),
            "The change of variables lacks its derivative, 1 / (t (1 - t)).": lambda t, m, s, a: shifted(t, m, s, a) * t * (1 - t),
            "The derivative is the wrong way up: dz/dt = 1 / (s t (1 - t)).": lambda t, m, s, a: shifted(t, m, s, a) * (t * (1 - t)) ** 2,
            "The normal density lacks 1 / s.": lambda t, m, s, a: shifted(t, m, s, a) * s,
            "The normal density lacks 1 / sqrt(2 pi).": lambda t, m, s, a: shifted(t, m, s, a) * math.sqrt(2 * math.pi),
        },
    ),
}  # fmt: skip
