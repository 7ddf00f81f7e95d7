"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import itertools

import numpy as np
import torch
from torch.nn.functional import one_hot


def by_loops(q, k):
    v, s = k.shape
    p = torch.zeros(s, s, s, dtype=q.dtype)
    for a, b, c in itertools.product(range(v), repeat=3):
        p += q[a, b, c] * k[a][:, None, None] * k[b][None, :, None] * k[c][None, None, :]
    return p


def by_tensordot(q, k):
    for _ in range(3):
        q = torch.tensordot(q, k, dims=([0], [0]))  # the next axis comes to the front
    return q


def by_matrix(q, k):
    k = k.numpy()
    s = k.shape[1]
    return (np.kron(np.kron(k, k), k).T @ q.numpy().reshape(-1)).reshape(s, s, s)


def einsum(rule):
    def marginal(q, k):
        return torch.einsum(rule, q, k, k, k)

    return marginal


def rates(p, x, t):
    u = torch.zeros(len(x), p.shape[1] + 1, dtype=p.dtype)
    u[:, :-1] = p / (1 - t)
    u[torch.arange(len(x)), x] -= 1 / (1 - t)
    return u


def rates_by_mask(p, x, t):
    v = p.shape[1]
    u = torch.zeros(len(x), v + 1, dtype=p.dtype)
    masked = x == v
    u[masked, :v] = p[masked] / (1 - t)
    u[masked, v] = -1 / (1 - t)
    return u


def rates_in_numpy(p, x, t):
    p = np.concatenate([p.numpy(), np.zeros((len(x), 1))], 1)
    return (p - np.eye(p.shape[1])[x.numpy()]) / (1 - t)


def without_here(p, x, t):
    u = torch.zeros(len(x), p.shape[1] + 1, dtype=p.dtype)
    u[:, :-1] = p / (1 - t)
    return u


def same_by_survival(times):
    alive, total = 1.0, 0.0
    for a, b in itertools.pairwise(times.tolist()):
        p = alive * (b - a) / (1 - a)
        total += p**2
        alive -= p
    return total


def step(p, x, t, h):
    k = one_hot(x, p.shape[1] + 1) + h * rates(p, x, t)
    k = k.clamp(min=0)
    return k / k.sum(1, keepdim=True)


def step_by_hand(p, x, t, h):
    share, v = min(h / (1 - t), 1), p.shape[1]
    k = torch.zeros(len(x), v + 1, dtype=p.dtype)
    for i in range(len(x)):
        k[i, :v] = share * p[i]
        k[i, x[i]] += 1 - share
    return k


def step_by_where(p, x, t, h):
    here = one_hot(x, p.shape[1] + 1).to(p)
    arrival = torch.cat([p, torch.zeros(len(x), 1, dtype=p.dtype)], 1)
    return arrival if h >= 1 - t else torch.lerp(here, arrival, h / (1 - t))


def euler(p, x, t, h):
    return one_hot(x, p.shape[1] + 1) + h * rates(p, x, t)


def loss_by_rows(log_p, masked, t):
    rows = [-lp[m].sum() / (1 - s) for lp, m, s in zip(log_p, masked, t, strict=True)]
    return sum(rows) / len(rows)


ANSWERS = {
    "12.1": (
        [einsum("abc,ax,by,cz->xyz"), by_loops, by_tensordot, by_matrix],
        [
            (einsum("abc,ax,by,cz->zyx"), "reverse order"),
            (einsum("abc,ax,by,cz->yxz"), "changed places"),
            (lambda q, k: by_loops(torch.ones_like(q), k), "data are missing"),
            (lambda q, k: torch.einsum("aaa,ax,ay,az->xyz", q, k, k, k), "become one"),
        ],
    ),
    "12.2": (
        [rates, rates_by_mask, rates_in_numpy],
        [
            (without_here, "sum to 0"),
            (lambda p, x, t: rates(p, x, 1 - t), "not by t"),
            (lambda p, x, t: rates(p, x, 0.0), "is missing"),
            (lambda p, x, t: -rates(p, x, t), "negative one"),
            (lambda p, x, t: rates(p, x, t)[:, :-1], "symbols only"),
        ],
    ),
    "12.3": (
        [
            lambda t, eta: ((1 + eta * t) / (1 - t), eta),
            lambda t, eta: torch.tensor([1 / (1 - t) + eta * t / (1 - t), eta]),
            lambda t, eta: np.array([1 / (1 - t) + eta / (1 - t) - eta, eta]),
        ],
        [
            (lambda t, eta: (1 / (1 - t), eta), "needs more unmasking"),
            (lambda t, eta: (1 / (1 - t) + eta, eta), "flows balance"),
            (lambda t, eta: ((1 + eta) / (1 - t), eta), "eta t, not eta"),
            (lambda t, eta: (eta * t / (1 - t), eta), "extra rate alone"),
        ],
    ),
    "12.4": (
        [
            lambda times: (times[1:] - times[:-1]).pow(2).sum(),
            same_by_survival,
            lambda times: float(np.sum(np.diff(times.numpy()) ** 2)),
        ],
        [
            (lambda times: 1 / (len(times) - 1), "equal steps only"),
            (lambda times: (times.diff() / (1 - times[:-1])).square().sum(), "still masked"),
            (lambda times: times.diff().sum(), "That is 1"),
            (lambda times: 1 - times.diff().square().sum(), "different steps"),
        ],
    ),
    "12.5": (
        [step, step_by_hand, step_by_where],
        [
            (euler, "negative"),
            (lambda p, x, t, h: step(p, x, 0.0, 1.0), "also stay"),
            (lambda p, x, t, h: step(p, x, 0.0, h), "not h"),
            (lambda p, x, t, h: step(one_hot(p.argmax(1), p.shape[1]).double(), x, t, h), "variety"),
            (lambda p, x, t, h: rates(p, x, t), "These are the rates"),
        ],
    ),
    "12.6": (
        [
            lambda log_p, masked, t: -((log_p * masked).sum(1) / (1 - t)).mean(),
            loss_by_rows,
            lambda log_p, masked, t: -torch.where(masked, log_p / (1 - t)[:, None], 0.0).sum() / len(t),
        ],
        [
            (lambda log_p, masked, t: -((log_p * masked).sum(1) / masked.sum(1)).mean(), "number of masked"),
            (lambda log_p, masked, t: -(log_p.sum(1) / (1 - t)).mean(), "cost nothing"),
            (lambda log_p, masked, t: -((log_p * masked).sum(1) / t).mean(), "not 1 / t"),
            (lambda log_p, masked, t: -(log_p * masked).sum(1).mean(), "weight is missing"),
            (lambda log_p, masked, t: -((log_p * masked).mean(1) / (1 - t)).mean(), "whole string"),
        ],
    ),
}  # fmt: skip
