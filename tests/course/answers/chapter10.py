"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import numpy as np
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch.distributions import MultivariateNormal

from fmtutorial import GaussianMixture
from fmtutorial.problems import linear_posterior


def kalman(m, S, H, sigma, y):
    gain = S @ H.T @ torch.linalg.inv(H @ S @ H.T + sigma**2 * torch.eye(len(H), dtype=S.dtype))
    return m + gain @ (y - H @ m)


def precision(m, S, H, sigma, y):
    m, S, H, y = (v.numpy() for v in (m, S, H, y))
    A = np.linalg.inv(S) + H.T @ H / sigma**2
    return np.linalg.solve(A, np.linalg.inv(S) @ m + H.T @ y / sigma**2)


def package_mean(m, S, H, noise, y):
    return linear_posterior(GaussianMixture([{"mean": m, "cov": S}]), H, noise, y[None]).mean[0]


def weights_one_by_one(w, predicted, G, y):
    p = torch.stack([w[k] * MultivariateNormal(predicted[k], G[k]).log_prob(y).exp() for k in range(len(w))])
    return p / p.sum()


def weights_numpy(w, predicted, G, y):
    w, predicted, G, y = (v.numpy() for v in (w, predicted, G, y))
    left = y - predicted
    far = np.einsum("ki,kij,kj->k", left, np.linalg.inv(G), left)
    p = w * np.exp(-far / 2) / np.sqrt(np.linalg.det(G))
    return p / p.sum()


def mvn(predicted, G, y):
    return MultivariateNormal(predicted, G).log_prob(y)


def std_by_points(s, n):
    x = np.array([-1.0, 1.0])  # Euler's map is linear: follow two points of std 1
    for k in range(n):
        t = k / n
        x = x + x * (t * s * s - 1 + t) / ((t * s) ** 2 + (1 - t) ** 2) / n
    return x.std()


def std_by_product(s, n_steps):
    t = torch.arange(n_steps, dtype=torch.float64) / n_steps
    return (1 + (t * s**2 - (1 - t)) / (t**2 * s**2 + (1 - t) ** 2) / n_steps).prod().abs()


def std_loop(s, n_steps, first=0, h=None):
    std = 1.0
    for k in range(n_steps):
        t = (k + first) / n_steps
        a = (t * s**2 - (1 - t)) / (t**2 * s**2 + (1 - t) ** 2)
        std = abs(std * (1 + a * (1 / n_steps if h is None else h)))
    return std


def plug_in_by_quadrature(s, noise):
    def rate(t):
        D = t**2 * s**2 + (1 - t) ** 2
        return (t * s**2 - (1 - t)) / D - t * (1 - t) * s**4 / (D * noise) ** 2

    return math.exp(quad(rate, 0, 1)[0])


def plug_in_by_flow(s, noise, n=4000):
    std = 1.0
    for k in range(n):
        t = (k + 0.5) / n
        D = t**2 * s**2 + (1 - t) ** 2
        slope = (t * s**2 - (1 - t)) / D - t * (1 - t) * s**4 / (D * noise) ** 2
        std *= 1 + slope / n
    return std


def chi_inside(ratio, level):
    q = norm.ppf((1 + level) / 2) * float(ratio)
    return 2 * norm.cdf(q) - 1


def coverage_scipy(a, R, level):
    a, R = a.numpy(), R.numpy()
    return chi_inside(np.linalg.norm(a) / np.sqrt(a @ R @ a), level)


def coverage_normal(a, R, level):
    standard = torch.distributions.Normal(0.0, 1.0)
    end = standard.icdf(torch.tensor((1 + level) / 2)).double() * a.norm()
    return 2 * standard.cdf(end / torch.einsum("i,ij,j", a, R, a).sqrt()) - 1


def coverage_whitened(a, R, level):
    true_std = (torch.linalg.cholesky(R).T @ a).norm()
    return torch.erf(torch.erfinv(torch.tensor(level, dtype=torch.float64)) * a.norm() / true_std)


def score_by_quadrature(c):
    def gap(v):  # the square of the difference of the two distribution functions
        return (norm.cdf(v / c) - norm.cdf(v)) ** 2

    true_score = 1 / math.sqrt(math.pi)  # of N(0, 1) itself
    return true_score + quad(gap, -12, 12)[0]


ANSWERS = {
    "10.1": (
        [kalman, precision, package_mean],
        [
            (lambda m, S, H, s, y: m + S @ H.T @ torch.linalg.inv(H @ S @ H.T + s * torch.eye(len(y))) @ (y - H @ m), "variance"),
            (lambda m, S, H, s, y: kalman(m, S, H, s, y + H @ m), "what the prior did not predict"),
            (lambda m, S, H, s, y: m - (kalman(m, S, H, s, y) - m), "wrong sign"),
            (lambda m, S, H, s, y: m.clone(), "prior's mean"),
            (lambda m, S, H, s, y: kalman(m, S, H, s, y) - m, "add it"),
            (lambda m, S, H, s, y: np.linalg.pinv(H.numpy()) @ y.numpy(), "least squares"),
        ],
    ),
    "10.2": (
        [weights_one_by_one, weights_numpy, lambda w, predicted, G, y: torch.softmax(w.log() + mvn(predicted, G, y), 0)],
        [
            (lambda w, predicted, G, y: mvn(predicted, G, y).softmax(0), "prior weights"),
            (lambda w, predicted, G, y: (w.log() + mvn(predicted, G, y) + G.logdet() / 2).softmax(0), "determinant"),
            (lambda w, predicted, G, y: (w + mvn(predicted, G, y)).softmax(0), "log w"),
            (lambda w, predicted, G, y: w * mvn(predicted, G, y).exp(), "sum to 1"),
            (lambda w, predicted, G, y: weights_one_by_one(w, predicted, G, y).log(), "log probabilities"),
        ],
    ),
    "10.3": (
        [std_loop, std_by_points, std_by_product],
        [
            (lambda s, n: s, "should be"),
            (lambda s, n: std_loop(s, n, first=1), "ends of the steps"),
            (lambda s, n: std_by_points(s, n) ** 2, "square root"),
            (lambda s, n: std_loop(s, n, h=1.0), "h = 1/n"),
            (lambda s, n: std_by_product(s**0.5, n), "s^2"),
        ],
    ),
    "10.4": (
        [lambda s, noise: s / np.exp(0.5 * (s / noise) ** 2), plug_in_by_quadrature, plug_in_by_flow],
        [
            (lambda s, noise: (1 / s**2 + 1 / noise**2) ** -0.5, "exact posterior"),
            (lambda s, noise: s * math.exp(-((s / noise) ** 2)), "twice that"),
            (lambda s, noise: math.exp(-0.5 * (s / noise) ** 2), "not 1"),
            (lambda s, noise: s * math.exp(-(s**2) / noise / 2), "variance"),
            (lambda s, noise: s * math.exp(0.5 * (s / noise) ** 2), "negative"),
        ],
    ),
    "10.5": (
        [coverage_normal, coverage_scipy, coverage_whitened],
        [
            (lambda a, R, level: level, "level itself"),
            (lambda a, R, level: chi_inside((a @ R @ a / (a @ a)).sqrt(), level), "upside down"),
            (lambda a, R, level: chi_inside(a @ a / (a @ R @ a), level), "square root"),
            (lambda a, R, level: norm.cdf(norm.ppf(level) * float((a @ a / (a @ R @ a)).sqrt())), "two ends"),
            (lambda a, R, level: chi_inside(a.sum().abs() / (a @ R @ a).sqrt(), level), "square of the sum"),
        ],
    ),
    "10.6": (
        [
            lambda c: (math.sqrt(2 * (1 + c * c)) - c) / math.sqrt(math.pi),
            lambda c: np.sqrt(2 / np.pi) * np.hypot(1, c) - c / np.sqrt(np.pi),
            score_by_quadrature,
        ],
        [
            (lambda c: (math.sqrt(2 * (1 + c * c)) - 2 * c) / math.sqrt(math.pi), "half is missing"),
            (lambda c: math.sqrt(2 * (1 + c * c) / math.pi), "over-confidence"),
            (lambda c: ((1 + c) * math.sqrt(2) - c) / math.sqrt(math.pi), "Variances add"),
            (lambda c: (math.sqrt(2) * c - c) / math.sqrt(math.pi), "truth varies"),
            (lambda c: (math.sqrt(2) * (1 + c * c) - c) / math.sqrt(math.pi), "square root"),
        ],
    ),
}  # fmt: skip
