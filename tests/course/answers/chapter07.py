"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import numpy as np
import torch

from fmtutorial import StraightPath
from fmtutorial.paths import conventions
from fmtutorial.sampling import ddim_step


def score_by_noise(u, x, t):
    noise = x - t * u
    return -noise / (1 - t)


def ddim_by_ratio(noise, x, a, s, b, r):
    y = x / a + (r / b - s / a) * noise
    return b * y


class Fixed:
    """A path that has the four numbers of one exercise."""

    def __init__(self, a, s, b, r):
        self.values = {0: (a, s), 1: (b, r)}

    def alpha(self, t):
        return self.values[t][0]

    def sigma(self, t):
        return self.values[t][1]

    def alpha_dot(self, t):
        return 1.0

    def sigma_dot(self, t):
        return -1.0


def ddim_of_the_package(noise, x, a, s, b, r):
    path = Fixed(a, s, b, r)
    velocity = lambda x, t: (x - s * noise) / a - noise
    return ddim_step(velocity, x, 0, 1, path)


def vp_alpha(t):
    return 1 / torch.sqrt(1 + ((1 - t) / t) ** 2)


def carried_through_the_data(network, x, t):
    alpha = vp_alpha(t)
    x_vp = x * alpha / t
    noise = network(x_vp, alpha)
    data = (x_vp - torch.sqrt(1 - alpha**2) * noise) / alpha
    return data - noise


def carried_by_the_package(network, x, t):
    alpha = vp_alpha(t)
    noise = network(x * alpha / t, alpha)
    return conventions.convert(noise, x, t, StraightPath(0.0), "noise", "velocity")


def shifted_by_inverse(t, m, s, a):
    tau = a * t / (1 - t + a * t)
    density = torch.distributions.Normal(m, s).log_prob(torch.logit(tau)).exp() / (tau * (1 - tau))
    return density * a / (1 - t + a * t) ** 2


ANSWERS = {
    "07.1": (
        [
            lambda u, x, t: (t * u - x) / (1 - t),
            score_by_noise,
            lambda v, x, t: conventions.velocity_to_score(v, x, t, StraightPath(0.0)),
        ],
        [
            (lambda u, x, t: (x - t * u) / (1 - t), "sign is wrong"),
            (lambda u, x, t: t * u - x, "divide by sigma"),
            (lambda u, x, t: x + (1 - t) * u, "expected data"),
            (lambda u, x, t: (t * u - x) / (1 - t) ** 2, "sigma^2"),
        ],
    ),
    "07.2": (
        [
            lambda output, sample, sigma: sample - sigma * output,
            lambda o, x, s: conventions.convert(-o, x, 1 - s, StraightPath(0.0), "velocity", "data"),
            lambda o, x, s: x.double().numpy() - s.double().numpy() * o.double().numpy(),
        ],
        [
            (lambda o, x, s: x + s * o, "sign is wrong"),
            (lambda o, x, s: x - (1 - s) * o, "as our t"),
            (lambda o, x, s: (x - s * o) / (1 - s), "for the noise"),
            (lambda o, x, s: x - o, "too far"),
        ],
    ),
    "07.3": (
        [
            lambda e, x, a, s, b, r: b * (x - s * e) / a + r * e,
            ddim_by_ratio,
            ddim_of_the_package,
        ],
        [
            (lambda e, x, a, s, b, r: b * ((x - r * e) / b) + s * e, "broken step"),
            (lambda e, x, a, s, b, r: b * ((x - r * e) / b) + r * e, "nothing moves"),
            (lambda e, x, a, s, b, r: b * (x - s * e) / a + s * e, "old noise level"),
            (lambda e, x, a, s, b, r: b * ((x - s * e) / b) + r * e, "divide by alpha_b"),
            (lambda e, x, a, s, b, r: b * (x - r * e) / a + r * e, "take off sigma_b"),
            (lambda e, x, a, s, b, r: (x - s * e) / a, "very end"),
        ],
    ),
    "07.4": (
        [
            lambda x, u, s, h, w, z: x + h * (-u + w * s) + (2 * w * h) ** 0.5 * z,
            lambda x, u, s, h, w, z: x - h * u + h * w * s + np.sqrt(2 * w * h) * z,
            lambda x, u, s, h, w, z: torch.stack([x, -h * u, w * h * s, math.sqrt(2 * w * h) * z]).sum(0),
        ],
        [
            (lambda x, u, s, h, w, z: x - h * (u + w * s) + math.sqrt(2 * w * h) * z, "whole drift"),
            (lambda x, u, s, h, w, z: x + h * (u + w * s) + math.sqrt(2 * w * h) * z, "from noise to data"),
            (lambda x, u, s, h, w, z: x - h * u + math.sqrt(2 * w * h) * z, "no score"),
            (lambda x, u, s, h, w, z: x + h * (-u + w * s) + h * math.sqrt(2 * w) * z, "square root of the step"),
            (lambda x, u, s, h, w, z: x + h * (-u + w * s), "no noise"),
        ],
    ),
    "07.5": (
        [
            lambda f, x, t: (x - f(x / (t**2 + (1 - t) ** 2).sqrt(), t / (t**2 + (1 - t) ** 2).sqrt())) / t,
            carried_through_the_data,
            carried_by_the_package,
        ],
        [
            (lambda f, x, t: (x - f(x, vp_alpha(t))) / t, "as it is"),
            (lambda f, x, t: (x - f(x, t)) / t, "unchanged"),
            (lambda f, x, t: f(x * vp_alpha(t) / t, vp_alpha(t)), "not yet a velocity"),
            (lambda f, x, t: (f(x * vp_alpha(t) / t, vp_alpha(t)) - x) / t, "sign is wrong"),
            (lambda f, x, t: (x - (1 - t) * f(x * vp_alpha(t) / t, vp_alpha(t))) / t, "expected data"),
        ],
    ),
    "07.6": (
        [
            lambda t, m, s, a: torch.exp(-((torch.logit(t) - m + math.log(a)) ** 2) / (2 * s**2)) / (s * math.sqrt(2 * math.pi) * t * (1 - t)),
            shifted_by_inverse,
            lambda t, m, s, a: torch.distributions.TransformedDistribution(torch.distributions.Normal(m - math.log(a), s), [torch.distributions.SigmoidTransform()]).log_prob(t).exp(),
        ],
        [
            (lambda t, m, s, a: torch.distributions.Normal(m - math.log(a), s).log_prob(torch.logit(t)).exp(), "lacks its derivative"),
            (lambda t, m, s, a: torch.distributions.Normal(m, s).log_prob(torch.logit(t)).exp() / (t * (1 - t)), "shift out"),
            (lambda t, m, s, a: torch.distributions.Normal(m + math.log(a), s).log_prob(torch.logit(t)).exp() / (t * (1 - t)), "wrong way"),
            (lambda t, m, s, a: s * torch.distributions.Normal(m - math.log(a), s).log_prob(torch.logit(t)).exp() / (t * (1 - t)), "lacks 1 / s"),
        ],
    ),
}  # fmt: skip
