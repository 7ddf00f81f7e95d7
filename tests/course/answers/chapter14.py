"""Right answers in different styles, and wrong ones with a word of the message that they should get."""

import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation, Slerp

from fmtutorial.variants import Sphere, rotation_exp, rotation_log

PI = math.pi


def log_by_atan2(x, y):
    u = y - (x * y).sum(1, keepdim=True) * x
    sine = u.norm(dim=1, keepdim=True)
    angle = torch.atan2(sine, (x * y).sum(1, keepdim=True))
    return torch.where(sine > 0, angle / sine.clamp(min=1e-300), 1.0) * u


def log_by_arccos(x, y):
    cosine = (x * y).sum(1, keepdim=True).clamp(-1, 1)
    u = y - cosine * x
    return torch.arccos(cosine) * u / u.norm(dim=1, keepdim=True).clamp(min=1e-12)


def log_by_chord(x, y):
    u = torch.linalg.cross(torch.linalg.cross(x, y), x)
    angle = 2 * torch.atan2((x - y).norm(dim=1), (x + y).norm(dim=1))
    return angle[:, None] * torch.nn.functional.normalize(u, dim=1)


def log_in_numpy(x, y):
    rows = []
    for a, b in zip(x.numpy(), y.numpy(), strict=True):
        u = b - a - (a @ (b - a)) * a
        size = np.linalg.norm(u)
        rows.append(np.zeros(3) if size == 0 else np.arctan2(size, a @ b) * u / size)
    return np.array(rows)


def log_without_clamp(x, y):
    cosine = (x * y).sum(1, keepdim=True)
    u = y - cosine * x
    return torch.arccos(cosine) * u / u.norm(dim=1, keepdim=True)


def arcsine(x, y):
    u = y - (x * y).sum(1, keepdim=True) * x
    size = u.norm(dim=1, keepdim=True)
    return torch.asin(size.clamp(max=1)) * u / size.clamp(min=1e-300)


def turned(d):
    return torch.remainder(d + PI, 2 * PI) - PI


def reach(x, data, t):
    d = turned(data[None] - x[:, None])
    near = d.abs() < (1 - t) * PI
    return (d * near).sum(1) / near.sum(1) / (1 - t)


def reach_by_loops(x, data, t):
    rows = []
    for a in x.tolist():
        ways = [math.remainder(b - a, 2 * PI) for b in data.tolist()]
        ahead = [w / (1 - t) for w in ways if abs(w) < (1 - t) * PI]
        rows.append(sum(ahead) / len(ahead))
    return rows


def reach_by_angle(x, data, t):
    d = torch.atan2((data - x[:, None]).sin(), (data - x[:, None]).cos()) / (1 - t)
    return torch.where(d.abs() < PI, d, torch.nan).nanmean(1)


def all_data(x, data, t):
    return turned(data - x[:, None]).mean(1) / (1 - t)


def not_wrapped(x, data, t):
    d = data - x[:, None]
    near = d.abs() < (1 - t) * PI
    return (d * near).sum(1) / near.sum(1) / (1 - t)


def cap(r, t):
    psi = r / (1 - t)
    return torch.where(psi < PI, psi.sin() / (4 * PI * (1 - t) * r.sin()), torch.zeros_like(r))


def cap_by_rings(r, t):
    """The share of the uniform law in a ring, over the ring's area."""
    psi = (r / (1 - t)).clamp(max=PI)
    share = psi.sin() / 2 / (1 - t) * (r < PI * (1 - t))
    return share / (2 * PI * r.sin())


def cap_in_numpy(r, t):
    psi = r.numpy() / (1 - t)
    return np.maximum(np.sinc(psi / PI), 0) * (psi < PI) / np.sinc(r.numpy() / PI) / (4 * PI * (1 - t) ** 2)


def flat(r, t):
    return (r < PI * (1 - t)) / (4 * PI * (1 - t) ** 2)


def exp(x, v):
    size = v.norm(dim=1, keepdim=True)
    return size.cos() * x + torch.sinc(size / PI) * v


def midpoint(v, x, t, h):
    middle = exp(x, h / 2 * v(x, t))
    back = Sphere().transport(middle, x, v(middle, t + h / 2))
    return exp(x, h * back)


def midpoint_by_rotation(v, x, t, h):
    """The rotation that takes the middle to x takes its tangent vectors along."""
    middle = Sphere().exp(x, h * v(x, t) / 2)
    axis = torch.linalg.cross(middle, x)
    axis = axis / axis.norm(dim=1, keepdim=True) * Sphere().distance(middle, x)[:, None]
    v_mid = v(middle, t + 0.5 * h)
    return Sphere().exp(x, h * torch.einsum("nij,nj->ni", rotation_exp(axis), v_mid))


def midpoint_by_formula(v, x, t, h):
    first = v(x, t)
    size = (h / 2 * first).norm(dim=1, keepdim=True)
    middle = size.cos() * x + size.sin() * first / first.norm(dim=1, keepdim=True)
    second = v(middle, t + h / 2)
    second = second - (second * x).sum(1, keepdim=True) / (1 + (x * middle).sum(1, keepdim=True)) * (
        x + middle
    )
    return exp(x, h * second)


def unrepaired(v, x, t, h):
    middle = Sphere().exp(x, h / 2 * v(x, t))
    return Sphere().exp(x, h * v(middle, t))


def not_carried(v, x, t, h):
    middle = Sphere().exp(x, h / 2 * v(x, t))
    return Sphere().exp(x, h * v(middle, t + h / 2))


def projected(v, x, t, h):
    middle = Sphere().exp(x, h / 2 * v(x, t))
    v_mid = v(middle, t + h / 2)
    return Sphere().exp(x, h * Sphere().project(x, v_mid))


def early(v, x, t, h):
    return midpoint(lambda x, s: v(x, t), x, t, h)


def from_the_right(r0, r1, t):
    return r0 @ rotation_exp(t * rotation_log(r0.transpose(1, 2) @ r1))


def from_the_left(r0, r1, t):
    return rotation_exp(t * rotation_log(r1 @ r0.transpose(1, 2))) @ r0


def by_scipy(r0, r1, t):
    pairs = zip(r0.numpy(), r1.numpy(), strict=True)
    return np.array([Slerp([0, 1], Rotation.from_matrix(np.stack(pair)))(t).as_matrix() for pair in pairs])


def by_eigenvalues(r0, r1, t):
    values, vectors = torch.linalg.eig(r0.mT @ r1)
    powers = torch.diag_embed(torch.exp(t * values.log()))
    return r0 @ (vectors @ powers @ torch.linalg.inv(vectors)).real


ANSWERS = {
    "14.1": (
        [log_by_atan2, log_by_arccos, log_by_chord, log_in_numpy],
        [
            (lambda x, y: y - x, "cuts through"),
            (lambda x, y: y - (x * y).sum(1, keepdim=True) * x, "sine of the angle"),
            (arcsine, "quarter of a circle"),
            (lambda x, y: log_by_atan2(y, x), "tangent at y"),
            (log_without_clamp, "NaN"),
        ],
    ),
    "14.2": (
        [reach, reach_by_loops, reach_by_angle],
        [
            (all_data, "Not all data"),
            (lambda x, data, t: (1 - t) * reach(x, data, t), "time 1 - t"),
            (not_wrapped, "wrap it"),
            (lambda x, data, t: -reach(x, data, t), "ahead"),
        ],
    ),
    "14.3": (
        [cap, cap_by_rings, cap_in_numpy],
        [
            (flat, "factor of a plane"),
            (lambda r, t: (r / (1 - t)).sin() / (4 * PI * (1 - t) * r.sin()), "not negative"),
            (lambda r, t: 4 * PI * cap(r, t), "uniform density"),
            (lambda r, t: 2 * PI * r.sin() * cap(r, t), "density of the angle"),
        ],
    ),
    "14.4": (
        [midpoint, midpoint_by_rotation, midpoint_by_formula],
        [
            (unrepaired, "Two things"),
            (not_carried, "by transport"),
            (projected, "shorter"),
            (early, "t + h/2"),
        ],
    ),
    "14.5": (
        [from_the_right, from_the_left, by_scipy, by_eigenvalues],
        [
            (lambda r0, r1, t: torch.lerp(r0, r1, t), "no rotation"),
            (lambda r0, r1, t: rotation_exp(t * rotation_log(r0.mT @ r1)) @ r0, "on the right"),
            (lambda r0, r1, t: from_the_left(r1, r0, t), "wrong way"),
            (lambda r0, r1, t: rotation_exp(torch.lerp(rotation_log(r0), rotation_log(r1), t)), "add up"),
        ],
    ),
}
