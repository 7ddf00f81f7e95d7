"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import numpy as np
import torch
from torch.distributions import MultivariateNormal

from fmtutorial import GaussianMixture, StraightPath, cfm_loss
from fmtutorial.metrics import crps, sbc_ranks
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


def loss_by_rows(model, x1, y, x0, t):
    path = StraightPath(0.0)
    v = model(path.sample(x0, x1, t), t, y)
    return torch.nn.functional.mse_loss(v, path.velocity(x0, x1, t))


def loss_long_way(model, x1, y, x0, t):
    error = model(x0 + t * (x1 - x0), t, y) - x1 + x0
    return sum(float(e) ** 2 for e in error.flatten()) / error.numel()


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


def crps_pairs(truth, samples):
    n_samples = samples.shape[1]
    total = 0
    for i in range(n_samples):
        for j in range(n_samples):
            total = total + (samples[:, i] - samples[:, j]).abs()
    return (samples - truth[:, None]).abs().mean(1) - total / (2 * n_samples * (n_samples - 1))


def spread(samples):
    return (samples[:, :, None] - samples[:, None]).abs().mean((1, 2))


def first_term(truth, samples):
    return (samples - truth.unsqueeze(1)).abs().mean(1)


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
        [
            lambda model, x1, y, x0, t: (model(t * x1 + (1 - t) * x0, t, y) - (x1 - x0)).pow(2).mean(),
            loss_by_rows,
            loss_long_way,
        ],
        [
            (lambda model, x1, y, x0, t: (model(x1, t, y) - x1 + x0).square().mean(), "x1 itself"),
            (lambda model, x1, y, x0, t: (model(t * x1 + (1 - t) * x0, t, y) + x1 - x0).square().mean(), "wrong sign"),
            (lambda model, x1, y, x0, t: loss_by_rows(model, x1, torch.zeros_like(y), x0, t), "not used"),
            (lambda model, x1, y, x0, t: (model(t * x1 + (1 - t) * x0, t, y) - x1 + x0).square().sum(1).mean(), "do not sum"),
            (lambda model, x1, y, x0, t: cfm_loss(model, (x1, y), StraightPath()), "expected"),
        ],
    ),
    "10.4": (
        [std_loop, std_by_points, std_by_product],
        [
            (lambda s, n: s, "should be"),
            (lambda s, n: std_loop(s, n, first=1), "ends of the steps"),
            (lambda s, n: std_by_points(s, n) ** 2, "square root"),
            (lambda s, n: std_loop(s, n, h=1.0), "h = 1/n"),
            (lambda s, n: std_by_product(s**0.5, n), "s^2"),
        ],
    ),
    "10.5": (
        [
            lambda truth, samples: (samples < truth[:, None]).sum(1),
            sbc_ranks,
            lambda truth, samples: np.sum(samples.numpy() < truth.numpy()[:, None, :], axis=1),
        ],
        [
            (lambda truth, samples: (samples > truth[:, None]).sum(1), "above"),
            (lambda truth, samples: (samples < truth[:, None]).float().mean(1), "share"),
            (lambda truth, samples: (samples < truth[:, None]).sum(0), "over the observations"),
            (lambda truth, samples: 1 + sbc_ranks(truth, samples), "begin at 1"),
        ],
    ),
    "10.6": (
        [
            crps,
            crps_pairs,
            lambda truth, samples: first_term(truth, samples) - spread(samples) / 2 * samples.shape[1] / (samples.shape[1] - 1),
        ],
        [
            (lambda truth, samples: first_term(truth, samples) - spread(samples) / 2, "L^2"),
            (first_term, "over-confidence"),
            (lambda truth, samples: 2 * crps(truth, samples) - first_term(truth, samples), "half is missing"),
            (lambda truth, samples: 2 * first_term(truth, samples) - crps(truth, samples), "not added"),
            (lambda truth, samples: (samples.mean(1) - truth).abs(), "distance of the mean"),
        ],
    ),
}  # fmt: skip
