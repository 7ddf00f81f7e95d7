"""Inputs and answers, right and wrong, of the exercises of chapter 11."""

from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor, nn

from fmtutorial.checks._inputs import normal, number, uniform
from fmtutorial.variants import AverageVelocityNet

SHAPES = [(1, 2), (5, 3), (4, 2)]


def average_velocity(g):
    """A smooth function u(x, s, t), no flow's average velocity."""
    a, b = number(g, 0.5, 1.0), number(g, 0.6, 1.2)

    def u(x, s, t):
        return a * torch.sin(x) * (1 + s * t) + b * s**2 * x.roll(1, -1) + t**2

    return u


def velocity(g):
    """A smooth function v(x, t)."""
    a = number(g, 0.5, 1.5)

    def v(x, t):
        return a * torch.cos(x) + t * x.roll(1, -1) - t**2

    return v


def columns(g, n, count):
    """Times in their order, (count, n, 1), each at least 0.1 after the one before."""
    lengths = uniform(g, count, n, 1, low=0.2, high=1.0, dtype=torch.float64)
    return (lengths.cumsum(0) / (lengths.sum(0) + 0.2)).clamp(max=1.0)


def points(g, n, d):
    """Points (n, d) in double precision."""
    return normal(g, n, d, dtype=torch.float64)


# 11.1: the identity at the departure


def departures(g):
    """Functions u and v, points, and their times, for 11.1."""
    cases = []
    for n, d in SHAPES:
        s, t = columns(g, n, 2)
        cases.append((average_velocity(g), velocity(g), points(g, n, d), s, t))
    return cases


def residual(u, v, x, s, t, *, dx=1.0, ds=1.0, dt=0.0, sign=1.0, length=True, late=False):
    """u - v - (t - s) du, with du along (v, 1, 0); the defaults are the truth."""
    v_s = v(x, t if late else s)
    average, du = torch.func.jvp(u, (x, s, t), (dx * v_s, torch.full_like(s, ds), torch.full_like(t, dt)))
    return average - v_s - sign * ((t - s) if length else 1.0) * du


# 11.2: the derivative of a block


def blocks(g):
    """Values, their changes, times and weights, for 11.2."""
    cases = []
    for n, d in SHAPES:
        s, t = columns(g, n, 2)
        rates = [number(g, 0.3, 1.5), number(g, -1.0, -0.2)]
        weight, bias = normal(g, d, d, dtype=torch.float64), normal(g, d, dtype=torch.float64)
        cases.append((points(g, n, d), points(g, n, d), s, t, *rates, weight, bias))
    return cases


def silu_slope(z):
    """The derivative of silu(z) = z sigmoid(z)."""
    gate = torch.sigmoid(z)
    return gate * (1 + z * (1 - gate))


def block_derivative(
    h, dh, s, t, ds, dt, W, b, *, skip=1.0, rate=None, bias=0.0, slope=silu_slope, turned=False
):
    """dy of y = h + (t - s) silu(W h + b); the defaults are the truth."""
    z = h @ W.T + b
    dz = dh @ (W if turned else W.T) + bias * b
    rate = (dt - ds) if rate is None else rate
    return skip * dh + rate * z * torch.sigmoid(z) + (t - s) * slope(z) * dz


# 11.3: the loss


def batches(g):
    """A small network, noise, data and two columns of times, for 11.3."""
    cases = []
    for n, d in ((6, 2), (1, 3), (9, 1)):
        model = AverageVelocityNet(d, 1, 4, depth=1, generator=g).double()
        times = [uniform(g, n, 1, dtype=torch.float64) for _ in range(2)]
        cases.append((model, points(g, n, d), points(g, n, d), *times))
    return cases


def meanflow(
    model, x0, x1, a, b, *, one_time=False, order="sorted", stop="target", tangent=(1.0, 0.0), sign=1.0
):
    """The loss of the identity at the departure; the defaults are the truth."""
    if one_time:
        b = b[:1].repeat(len(b), 1)
    s, t = (a, b) if order == "drawn" else (torch.minimum(a, b), torch.maximum(a, b))
    if order == "reversed":
        s, t = t, s
    x, v = (1 - s) * x0 + s * x1, x1 - x0
    ds, dt = tangent
    u, du = torch.func.jvp(model, (x, s, t), (v, torch.full_like(s, ds), torch.full_like(t, dt)))
    target = v + sign * (t - s) * du
    if stop in ("target", "both"):
        target = target.detach()
    if stop in ("u", "both"):
        u = u.detach()
    return (u - target).square().mean()


def loss_and_gradient(answer: Callable, model: nn.Module, *batch: Tensor) -> Tensor:
    """The loss, and behind it its gradient in the model's parameters."""
    loss = answer(model, *batch)
    if loss is None or loss is ...:
        return loss
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        raise TypeError("return the loss as a tensor with one number, so that it can be differentiated")
    loss = loss.reshape(1)
    parameters = list(model.parameters())
    gradients = [torch.zeros_like(p) for p in parameters]
    if loss.requires_grad:
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
        gradients = [zero if g is None else g for zero, g in zip(gradients, found, strict=True)]
    return torch.cat([loss, *(g.flatten() for g in gradients)])


def differentiated(**options) -> Callable:
    """`meanflow` with these options, as what is compared."""

    def compared(*case):
        return loss_and_gradient(lambda *arguments: meanflow(*arguments, **options), *case)

    return compared


# What is wrong with the program of 11.3, and what it is to leave it so.
FAULTS = {
    "Some of your intervals run backwards: s is the smaller of the two times, t the larger.": {"order": "drawn"},
    "All rows have the same t: each has its own.": {"one_time": True},
    "The wrong side is taken as given: detach the target, not u.": {"stop": "u"},
}  # fmt: skip


def remaining_faults() -> dict[str, Callable]:
    """Every way to leave one, two or all of the faults in."""
    mistakes = {}
    for count in (1, 2, 3):
        for chosen in combinations(FAULTS, count):
            options = {}
            for sentence in chosen:
                options |= FAULTS[sentence]
            mistakes[" ".join(chosen)] = differentiated(**options)
    return mistakes


# 11.4: the floor


def jacobians(g):
    """Derivatives of u, noise and times, for 11.4."""
    cases = []
    for n, d in ((1, 2), (6, 3), (8, 2)):
        s, t = columns(g, n, 2)
        cases.append((normal(g, n, d, d, dtype=torch.float64), points(g, n, d), s, t))
    return cases


def floors(grad_u, noise, s, t, *, rule="nab,nb->na", eye=1.0, length=True, mean=True):
    """(plain, MeanFlow); the defaults are the truth."""
    h = (t - s)[:, :, None] if length else 1.0
    jacobian = eye * torch.eye(noise.shape[1]).to(noise) + h * grad_u
    carried = torch.einsum(rule, jacobian, noise)
    pair = torch.stack([noise.square().sum(1).mean(), carried.square().sum(1).mean()])
    return pair / noise.shape[1] if mean else pair


def independent(grad_u, noise, s, t):
    """As if J and the noise were independent."""
    jacobian = torch.eye(noise.shape[1]).to(noise) + (t - s)[:, :, None] * grad_u
    plain = noise.square().mean()
    return torch.stack([plain, plain * jacobian.square().sum((1, 2)).mean() / noise.shape[1]])


def backwards(grad_u, noise, s, t):
    """With the Jacobian of the way back."""
    jacobian = torch.eye(noise.shape[1]).to(noise) + (t - s)[:, :, None] * grad_u
    carried = torch.linalg.solve(jacobian, noise.unsqueeze(2)).squeeze(2)
    return torch.stack([noise.square().mean(), carried.square().mean()])


# 11.5: unequal jumps


def ways(g):
    """A function u, points, and the times of several jumps, for 11.5."""
    return [
        (average_velocity(g), points(g, n, d), columns(g, n, k))
        for (n, d), k in zip(SHAPES, (3, 2, 5), strict=True)
    ]


def composed(u, x, times, *, weights=None, moving=True, start=None, end=None, total=True):
    """The average velocity of several jumps; the defaults are the truth."""
    h = times.diff(dim=0)  # (K, n, 1)
    w = h if weights is None else weights(h)
    moved = torch.zeros_like(x)
    y = x
    for k in range(len(h)):
        a = times[k] if start is None else times[start]
        b = times[k + 1] if end is None else times[end]
        jump = u(y, a, b)
        moved = moved + w[k] * jump
        y = y + h[k] * jump if moving else x
    return moved / w.sum(0) if total else moved


# 11.6: the weight with p = 1


def pairs(g):
    """Half the distance of two targets, and c, once larger than its square."""
    cases = []
    for share in (0.001, 0.2, 0.6, 1.7):
        a = number(g, 0.5, 2.0)
        cases.append((a, share * a**2))
    return cases
