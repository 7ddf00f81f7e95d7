"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import numpy as np
import torch
from scipy.integrate import quad


def velocity(x, t, a, b, A, B, c, s):
    C = (1 - t) ** 2 * A + t**2 * B + 2 * t * (1 - t) * c + s**2 * t * (1 - t)
    half_rate = -(1 - t) * A + t * B + (1 - 2 * t) * c + s**2 * (1 - 2 * t) / 2
    return b - a + half_rate / C * (x - (1 - t) * a - t * b)


def velocity_by_autograd(x, t, a, b, A, B, c, s):
    """The rate of the deviation: x - mean grows as the root of C does."""
    time = torch.tensor(t, dtype=torch.float64, requires_grad=True)
    rows = []
    for i in range(len(a)):
        C = (1 - time) ** 2 * A[i] + time**2 * B[i] + time * (1 - time) * (2 * c[i] + s**2)
        log_rate = torch.autograd.grad(C.sqrt().log(), time)[0]
        rows.append(b[i] - a[i] + log_rate * (x[:, i] - a[i] - t * (b[i] - a[i])))
    return torch.stack(rows, 1)


def velocity_by_regression(x, t, a, b, A, B, c, s):
    """E[dx/dt | x_t] from the joint covariance of x0, x1 and z."""
    gamma = s * math.sqrt(t * (1 - t))
    x, a, b, A, B, c = (v.numpy() for v in (x, a, b, A, B, c))
    u = np.empty_like(x)
    for i in range(len(a)):
        joint = np.array([[A[i], c[i], 0], [c[i], B[i], 0], [0, 0, 1]])
        place = np.array([1 - t, t, gamma])
        rate = np.array([-1, 1, s**2 * (1 - 2 * t) / (2 * gamma)])
        u[:, i] = (
            b[i]
            - a[i]
            + rate @ joint @ place / (place @ joint @ place) * (x[:, i] - (1 - t) * a[i] - t * b[i])
        )
    return u


def without(term):
    """The velocity without one term of C'/2."""

    def wrong(x, t, a, b, A, B, c, s):
        C = (1 - t) ** 2 * A + t**2 * B + 2 * t * (1 - t) * c + s**2 * t * (1 - t)
        terms = {"A": -(1 - t) * A, "B": t * B, "c": (1 - 2 * t) * c, "bridge": s**2 * (1 - 2 * t) / 2}
        half_rate = sum(value for name, value in terms.items() if name != term)
        return b - a + half_rate / C * (x - (1 - t) * a - t * b)

    return wrong


def step_back(x, velocity, score, epsilon, h, z):
    return x - h * velocity + h * epsilon * score + (2 * epsilon * h) ** 0.5 * z


def step_by_lines(x, velocity, score, epsilon, h, z):
    drift = velocity - epsilon * score
    x = x - h * drift
    return x + math.sqrt(2 * epsilon * h) * z


def step_in_numpy(x, velocity, score, epsilon, h, z):
    x, velocity, score, z = (v.numpy() for v in (x, velocity, score, z))
    return x + h * (epsilon * score - velocity) + np.sqrt(2 * epsilon) * np.sqrt(h) * z


def noise(v0, v1, rho):
    c = rho * math.sqrt(v0 * v1)
    return math.sqrt((v0 * v1 - c**2) / c)


def noise_by_precision(v0, v1, rho):
    c = rho * (v0 * v1) ** 0.5
    precision = torch.linalg.inv(torch.tensor([[v0, c], [c, v1]], dtype=torch.float64))
    return (-1 / precision[0, 1]) ** 0.5


def noise_by_bisection(v0, v1, rho):
    low, high = 0.0, 100.0
    for _ in range(100):
        s = (low + high) / 2
        c = (math.sqrt(4 * v0 * v1 + s**4) - s**2) / 2
        if c > rho * math.sqrt(v0 * v1):
            low = s
        else:
            high = s
    return s


def spread(t, v0, v1, c, s):
    return (1 - t) ** 2 * v0 + t**2 * v1 + t * (1 - t) * (2 * c + s**2)


def drift(t, v0, v1, c, s):
    half_rate = -(1 - t) * v0 + t * v1 + (1 - 2 * t) * (c + s**2 / 2)
    return (half_rate - s**2 / 2) / spread(t, v0, v1, c, s)


def project(v0, v1, c, s):
    integral, _ = quad(drift, 0, 1, args=(v0, v1, c, s))
    return v0 * math.exp(integral)


def project_by_euler(v0, v1, c, s):
    covariance, n = v0, 2000
    for k in range(n):
        covariance += covariance * drift((k + 0.5) / n, v0, v1, c, s) / n
    return covariance


def project_by_midpoints(v0, v1, c, s):
    t = (torch.arange(1000) + 0.5) / 1000
    return (v0 * v1) ** 0.5 * torch.exp(-(s**2) / 2 * (1 / spread(t, v0, v1, c, s)).mean())


def plan(x0, x1, s):
    p = torch.exp(-(x0[:, None] - x1).square().sum(-1) / (2 * s**2))
    for _ in range(1000):
        p = p / p.sum(1, keepdim=True)
        p = p / p.sum(0)
    return p / len(x0)


def plan_by_scalings(x0, x1, s):
    kernel = np.exp(-((x0[:, None] - x1) ** 2).sum(-1).numpy() / (2 * s**2))
    v = np.ones(len(x0))
    for _ in range(1000):
        u = 1 / (kernel @ v)
        v = 1 / (kernel.T @ u)
    return u[:, None] * kernel * v / len(x0)


def plan_in_logs(x0, x1, s):
    log_p = -torch.cdist(x0, x1).square() / (2 * s**2)
    for _ in range(600):
        log_p = log_p.log_softmax(0).log_softmax(1)
    return log_p.exp() / len(x0)


def softmax(factor):
    def wrong(x0, x1, s):
        return torch.softmax(-torch.cdist(x0, x1).square() / (factor * s**2), 1) / len(x0)

    return wrong


def in_turns_without_two(x0, x1, s):
    return plan(x0, x1, s / 2**0.5)


ANSWERS = {
    "13.1": (
        [velocity, velocity_by_autograd, velocity_by_regression],
        [
            (without("bridge"), "gamma gamma'"),
            (without("c"), "(1 - 2 t) c"),
            (lambda x, t, a, b, A, B, c, s: velocity(x, t, a, b, A, B, 0 * c, s), "not independent"),
            (lambda x, t, a, b, *p: velocity(x, t, a, b, *p) - (b - a), "straight line"),
        ],
    ),
    "13.2": (
        [step_back, step_by_lines, step_in_numpy],
        [
            (lambda x, u, s, e, h, z: step_back(x, -u, s, e, h, z), "other sign"),
            (lambda x, u, s, e, h, z: step_back(x, u, -s, e, h, z), "keeps its sign"),
            (lambda x, u, s, e, h, z: step_back(x, -u, -s, e, h, z), "whole drift"),
            (lambda x, u, s, e, h, z: step_back(x, u, s, e, h, z / 2**0.5), "left out the 2"),
            (lambda x, u, s, e, h, z: step_back(x, u, 0 * s, e, h, z), "spreads the law"),
        ],
    ),
    "13.3": (
        [noise, noise_by_precision, noise_by_bisection],
        [
            (lambda v0, v1, rho: noise(v0, v1, rho) ** 2, "take the root"),
            (lambda v0, v1, rho: (v0 * v1 * (1 - rho**2) / rho) ** 0.5, "units"),
            (lambda v0, v1, rho: ((v0 * v1) ** 0.5 * (1 - rho) / rho) ** 0.5, "not 1 - rho"),
            (lambda v0, v1, rho: 2**0.5 * noise(v0, v1, rho), "epsilon of Sinkhorn"),
        ],
    ),
    "13.4": (
        [project, project_by_euler, project_by_midpoints],
        [
            (lambda v0, v1, c, s: (v0 * v1) ** 0.5, "without noise"),
            (lambda v0, v1, c, s: project(v0, v1, c, s) / v0, "multiply by the variance"),
            (lambda v0, v1, c, s: project(v0, v1, c, s) * v1 / v0, "starts at v0, the variance"),
            (lambda v0, v1, c, s: project(v0, v1, c, s) * c / v0, "not at the old c"),
            (lambda v0, v1, c, s: c, "you were given"),
        ],
    ),
    "13.5": (
        [plan, plan_by_scalings, plan_in_logs],
        [
            (softmax(2), "columns are not"),
            (softmax(1), "both faults"),
            (in_turns_without_two, "2 is missing"),
            (lambda x0, x1, s: plan(x0, x1, s) * len(x0), "sum to 1"),
        ],
    ),
}
