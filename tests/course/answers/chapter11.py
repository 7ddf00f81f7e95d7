"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math
from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import silu

from fmtutorial.variants import velocity_and_derivative


def residual(u, v, x, s, t, sign=1.0):
    average, du = torch.func.jvp(u, (x, s, t), (v(x, s), torch.ones_like(s), torch.zeros_like(t)))
    return average - v(x, s) - sign * (t - s) * du


def residual_by_differences(u, v, x, s, t):
    h = 1e-5
    du = (u(x + h * v(x, s), s + h, t) - u(x - h * v(x, s), s - h, t)) / (2 * h)
    return u(x, s, t) - (v(x, s) + (t - s) * du)


def residual_by_backward(u, v, x, s, t):
    x, s = x.clone().requires_grad_(), s.clone().requires_grad_()
    average, v_s = u(x, s, t), v(x, s).detach()
    du = []
    for k in range(x.shape[1]):
        of_x, of_s = torch.autograd.grad(average[:, k].sum(), (x, s), retain_graph=True)
        du.append((of_x * v_s).sum(1) + of_s[:, 0])
    return (average - v_s - (t - s) * torch.stack(du, 1)).detach()


def along(dx, ds, dt):
    def answer(u, v, x, s, t):
        _, du = torch.func.jvp(u, (x, s, t), (dx * v(x, s), 0 * s + ds, 0 * t + dt))
        return u(x, s, t) - v(x, s) - (t - s) * du

    return answer


def block(h, s, t, W, b):
    return h + (t - s) * silu(h @ W.T + b)


def by_torch(h, dh, s, t, ds, dt, W, b):
    tangents = (dh, torch.full_like(s, ds), torch.full_like(t, dt))
    return torch.func.jvp(lambda h, s, t: block(h, s, t, W, b), (h, s, t), tangents)[1]


def by_hand(h, dh, s, t, ds, dt, W, b):
    z = h @ W.T + b
    g = torch.sigmoid(z)
    return dh + (dt - ds) * z * g + (t - s) * (g + z * g * (1 - g)) * (dh @ W.T)


def by_differences(h, dh, s, t, ds, dt, W, b):
    e = 1e-6
    after = block(h + e * dh, s + e * ds, t + e * dt, W, b)
    return (after - block(h - e * dh, s - e * ds, t - e * dt, W, b)) / (2 * e)


def in_numpy(h, dh, s, t, ds, dt, W, b):
    h, dh, s, t, W, b = (a.numpy() for a in (h, dh, s, t, W, b))
    z = h @ W.T + b
    g = 1 / (1 + np.exp(-z))
    return dh + (dt - ds) * z * g + (t - s) * g * (1 + z * (1 - g)) * (dh @ W.T)


def spoilt(slope=None, rate=None, skip=1.0, bias=0.0):
    def answer(h, dh, s, t, ds, dt, W, b):
        z = h @ W.T + b
        g = torch.sigmoid(z)
        change = (dt - ds) if rate is None else rate(ds, dt)
        by = g * (1 + z * (1 - g)) if slope is None else slope(g)
        return skip * dh + change * z * g + (t - s) * by * (dh @ W.T + bias * b)

    return answer


def meanflow_loss(model, x0, x1, a, b):
    s, t = torch.minimum(a, b), torch.maximum(a, b)
    x, v = (1 - s) * x0 + s * x1, x1 - x0
    u, du = torch.func.jvp(model, (x, s, t), (v, torch.ones_like(s), torch.zeros_like(t)))
    return (u - (v + (t - s) * du).detach()).square().mean()


def with_no_grad(model, x0, x1, a, b):
    times, _ = torch.sort(torch.cat([a, b], 1), dim=1)
    s, t = times[:, :1], times[:, 1:]
    x, v = x0 + s * (x1 - x0), x1 - x0
    with torch.no_grad():
        _, du = velocity_and_derivative(model, x, s, t, v, 1.0, 0.0)
        target = v + (t - s) * du
    return torch.nn.functional.mse_loss(model(x, s, t), target)


def with_parts_detached(model, x0, x1, a, b):
    s = torch.where(a < b, a, b)
    t = a + b - s
    v = x1 - x0
    u, du = velocity_and_derivative(model, (1 - s) * x0 + s * x1, s, t, v, 1.0, 0.0)
    return ((u - v - (t - s) * du.detach()) ** 2).sum() / v.numel()


def broken(order=True, all_times=True, target=True, detach=True):
    """The program of the exercise, with some of its faults repaired."""

    def answer(model, x0, x1, a, b):
        if not all_times:
            b = b[:1].repeat(len(a), 1)
        s, t = (torch.minimum(a, b), torch.maximum(a, b)) if order else (a, b)
        x, v = (1 - s) * x0 + s * x1, x1 - x0
        u, du = torch.func.jvp(model, (x, s, t), (v, torch.ones_like(s), torch.zeros_like(t)))
        goal = v + (t - s) * du
        if detach and target:
            goal = goal.detach()
        elif detach:
            u = u.detach()
        return (u - goal).square().mean()

    return answer


def floors(grad_u, noise, s, t, rule="nab,nb->na", eye=1.0):
    J = eye * torch.eye(noise.shape[1], dtype=noise.dtype) + (t - s)[..., None] * grad_u
    return noise.square().mean(), torch.einsum(rule, J, noise).square().mean()


def floors_without_jacobian(grad_u, noise, s, t):
    carried = noise + (t - s) * (grad_u @ noise[:, :, None])[:, :, 0]
    return torch.stack([(noise**2).mean(), (carried**2).mean()])


def floors_by_rows(grad_u, noise, s, t):
    n, d = noise.shape
    carried = [noise[i] + (t[i] - s[i]) * grad_u[i] @ noise[i] for i in range(n)]
    return [float((noise**2).sum()) / (n * d), sum(float(c @ c) for c in carried) / (n * d)]


def composed(u, x, times):
    y = x
    for a, b in pairwise(times):
        y = y + (b - a) * u(y, a, b)
    return (y - x) / (times[-1] - times[0])


def composed_by_weights(u, x, times):
    h, y, parts = times.diff(dim=0), x, []
    for k in range(len(h)):
        parts.append(u(y, times[k], times[k + 1]))
        y = y + h[k] * parts[-1]
    return (torch.stack(parts) * h / h.sum(0)).sum(0)


def composed_recursively(u, x, times):
    if len(times) == 2:
        return u(x, times[0], times[1])
    first = u(x, times[0], times[1])
    rest = composed_recursively(u, x + (times[1] - times[0]) * first, times[1:])
    share = (times[1] - times[0]) / (times[-1] - times[0])
    return share * first + (1 - share) * rest


def plain_mean(u, x, times):
    y, total = x, 0.0
    for a, b in pairwise(times):
        step = u(y, a, b)
        y, total = y + (b - a) * step, total + step
    return total / (len(times) - 1)


def standing(u, x, times):
    moved = sum((b - a) * u(x, a, b) for a, b in pairwise(times))
    return moved / (times[-1] - times[0])


def on_a_grid(a, c):
    u = torch.linspace(0, 2 * a, 200_001, dtype=torch.float64)
    f = ((a - u) ** 2 + c).log() + ((a + u) ** 2 + c).log()
    return float(u[f.argmin()])


ANSWERS = {
    "11.1": (
        [residual, residual_by_differences, residual_by_backward],
        [
            (lambda u, v, x, s, t: residual(u, v, x, s, t, -1.0), "it is a plus"),
            (along(1.0, 0.0, 1.0), "in the arrival"),
            (along(1.0, 0.0, 0.0), "d_s u is missing"),
            (along(0.0, 1.0, 0.0), "grad u . v is missing"),
            (along(1.0, 1.0, 1.0), "Both times"),
            (lambda u, v, x, s, t: residual(u, lambda x, _: v(x, t), x, s, t), "v(x, s), not v(x, t)"),
        ],
    ),
    "11.2": (
        [by_torch, by_hand, by_differences, in_numpy],
        [
            (spoilt(bias=1.0), "bias is in the tangent"),
            (spoilt(rate=lambda ds, dt: 0.0), "one more term"),
            (spoilt(rate=lambda ds, dt: ds - dt), "not ds - dt"),
            (spoilt(rate=lambda ds, dt: dt), "left out ds"),
            (spoilt(slope=lambda g: g * (1 - g)), "derivative of the sigmoid"),
            (spoilt(slope=lambda g: g), "g alone"),
            (spoilt(skip=0.0), "skip connection"),
        ],
    ),
    "11.3": (
        [meanflow_loss, with_no_grad, with_parts_detached],
        [
            (broken(order=False), "run backwards"),
            (broken(all_times=False), "the same t"),
            (broken(target=False), "The wrong side"),
            (broken(False, False, False), "detach the target, not u"),
            (broken(detach=False), "nothing is detached"),
            (lambda *case: meanflow_loss(*case).detach(), "gradient is zero"),
            (lambda *case: meanflow_loss(*case).item(), "as a tensor"),
        ],
    ),
    "11.4": (
        [floors, floors_without_jacobian, floors_by_rows],
        [
            (lambda *case: floors(*case, rule="nba,nb->na"), "J^T"),
            (lambda *case: floors(*case, eye=0.0), "identity is missing"),
            (lambda g, noise, s, t: floors(g, noise, 0 * s, 1 + 0 * t), "length of the interval"),
            (lambda *case: [case[1].shape[1] * f for f in floors(*case)], "divide by d"),
            (lambda *case: floors(*case)[::-1], "plain floor comes first"),
        ],
    ),
    "11.5": (
        [composed, composed_by_weights, composed_recursively],
        [
            (plain_mean, "equal lengths only"),
            (standing, "move the point"),
            (lambda u, x, times: composed(u, x, times) * (times[-1] - times[0]), "displacement"),
            (lambda u, x, times: composed(lambda y, a, b: u(y, times[0], b), x, times), "its own time"),
            (lambda u, x, times: composed(lambda y, a, b: u(y, a, times[-1]), x, times), "next time"),
        ],
    ),
    "11.6": (
        [lambda a, c: math.sqrt(a**2 - c) if c < a**2 else 0.0, on_a_grid, lambda a, c: np.sqrt(np.clip(a**2 - c, 0, None))],
        [
            (lambda a, c: 0.0, "That is the mean"),
            (lambda a, c: a, "Near one target"),
            (lambda a, c: abs(a**2 - c) ** 0.5, "no such root"),
            (lambda a, c: max(a**2 - c, 0.0), "take the root"),
            (lambda a, c: max(a - c**0.5, 0.0), "(a - sqrt(c))^2"),
        ],
    ),
}  # fmt: skip
