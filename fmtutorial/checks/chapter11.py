"""The checks of chapter 11: an identity, derivatives, the loss, its floor, unequal jumps, and another minimiser."""

import math
from collections.abc import Callable
from itertools import combinations

import torch
from torch import Tensor, nn

from fmtutorial.checks._engine import Exercise
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
    return normal(g, n, d, dtype=torch.float64)


# 11.1: the identity at the departure


def departures(g):
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
    cases = []
    for n, d in SHAPES:
        s, t = columns(g, n, 2)
        rates = [number(g, 0.3, 1.5), number(g, -1.0, -0.2)]
        weight, bias = normal(g, d, d, dtype=torch.float64), normal(g, d, dtype=torch.float64)
        cases.append((points(g, n, d), points(g, n, d), s, t, *rates, weight, bias))
    return cases


def silu_slope(z):
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


EXERCISES = {
    "11.1": Exercise(
        expects="a function residual(u, v, x, s, t) -> (n, d): u minus the right side of the identity at the departure, for functions u(x, s, t) and v(x, t)",
        truth=residual,
        inputs=departures,
        insight="Move the departure along the flow and the landing place stays: the tangent is (v, 1, 0). Other papers turn time round, and the sign with it.",
        mistakes={
            "In our time it is a plus: u = v + (t - s) du. The minus belongs to papers with noise at t = 1.": lambda *case: residual(*case, sign=-1.0),
            "This is the derivative in the arrival: the tangent of (x, s, t) is (v, 1, 0), since the departure moves.": lambda *case: residual(*case, ds=0.0, dt=1.0),
            "d_s u is missing: as x moves, the departure s moves too.": lambda *case: residual(*case, ds=0.0),
            "grad u . v is missing: as s moves, the point moves with the velocity v.": lambda *case: residual(*case, dx=0.0),
            "Both times move in your derivative: the arrival stays where it is.": lambda *case: residual(*case, dt=1.0),
            "The length t - s of the interval is missing in front of the derivative.": lambda *case: residual(*case, length=False),
            "v is the velocity at the departure, v(x, s), not v(x, t).": lambda *case: residual(*case, late=True),
        },
    ),
    "11.2": Exercise(
        expects="a function derivative(h, dh, s, t, ds, dt, W, b) -> (n, d): the derivative of h + (t - s) silu(h W^T + b)",
        truth=block_derivative,
        inputs=blocks,
        insight="A derivative along a direction goes forward with the values, layer by layer, and needs no memory of the layers before.",
        mistakes={
            "The bias is in the tangent: a constant has no derivative.": lambda *case: block_derivative(*case, bias=1.0),
            "t - s changes as well, at the rate dt - ds: the product rule gives one more term.": lambda *case: block_derivative(*case, rate=0.0),
            "The rate of t - s is dt - ds, not ds - dt.": lambda h, dh, s, t, ds, dt, W, b: block_derivative(h, dh, s, t, ds, dt, W, b, rate=ds - dt),
            "The rate of t - s is dt - ds: you left out ds.": lambda h, dh, s, t, ds, dt, W, b: block_derivative(h, dh, s, t, ds, dt, W, b, rate=dt),
            "g (1 - g) is the derivative of the sigmoid g: that of silu(z) = z g has one more term, g + z g (1 - g).": lambda *case: block_derivative(*case, slope=lambda z: torch.sigmoid(z) * (1 - torch.sigmoid(z))),
            "The derivative of silu(z) = z g(z) is a product's: g alone forgets z g'(z).": lambda *case: block_derivative(*case, slope=torch.sigmoid),
            "The derivative goes through the activation too: multiply by silu'(z).": lambda *case: block_derivative(*case, slope=torch.ones_like),
            "The skip connection is missing: h itself changes by dh.": lambda *case: block_derivative(*case, skip=0.0),
            "Rows are points: it is dh W^T, as in h W^T.": lambda *case: block_derivative(*case, turned=True),
        },
    ),
    "11.3": Exercise(
        expects="a function meanflow_loss(model, x0, x1, a, b) -> a tensor with one number, from noise and data (n, d) and two columns of uniform times (n, 1)",
        truth=differentiated(),
        inputs=batches,
        compared_quantity=loss_and_gradient,
        insight="Value *and* gradient are right. The detach changes no digit of the loss, only where its gradient points.",
        mistakes=remaining_faults()
        | {
            "The value is right and the gradient is not: nothing is detached, so the target gives way as well. Detach it.": differentiated(stop="none"),
            "The gradient is zero: you have detached both sides. u must learn.": differentiated(stop="both"),
            "Your s is the larger time: the departure comes first.": differentiated(order="reversed"),
            "The sign of the derivative: in our time u = v + (t - s) du.": differentiated(sign=-1.0),
            "The tangent is that of the arrival: (v, 1, 0) for (x, s, t).": differentiated(tangent=(0.0, 1.0)),
        },
    ),
    "11.4": Exercise(
        expects="a function floors(grad_u, noise, s, t) -> (plain, MeanFlow): two numbers, from grad_u (n, d, d) with grad_u[i, a, b] = d u_a / d x_b, and v_c - v (n, d)",
        truth=floors,
        inputs=jacobians,
        insight="The flow carries the noise along. Where it contracts, MeanFlow's floor is the lower one.",
        mistakes={
            "This is J^T: contract the second axis of J with the noise, J[a, b] noise[b].": lambda *case: floors(*case, rule="nba,nb->na"),
            "The identity is missing: x + (t - s) u has the derivative I + (t - s) grad u.": lambda *case: floors(*case, eye=0.0),
            "The length of the interval is missing: J = I + (t - s) grad u.": lambda *case: floors(*case, length=False),
            "The loss is a mean over the elements too: divide by d.": lambda *case: floors(*case, mean=False),
            "The plain floor comes first.": lambda *case: floors(*case).flip(0),
            "These are roots: a floor is a mean square.": lambda *case: floors(*case).sqrt(),
            "You averaged J and the noise apart: where J is large, the noise may be too. Multiply first, point by point.": independent,
            "This is the Jacobian of the way back, from t to s.": backwards,
        },
    ),
    "11.5": Exercise(
        expects="a function composed(u, x, times) -> (n, d): the average velocity over K jumps, from u(x, s, t), points (n, d) and times (K + 1, n, 1)",
        truth=composed,
        inputs=ways,
        insight="A mean over *time*: each jump counts by how long it takes. With equal jumps, and only then, it is the plain mean.",
        mistakes={
            "A plain mean over the jumps is right for equal lengths only: weight each by its length.": lambda *case: composed(*case, weights=torch.ones_like),
            "Each jump starts where the last one ended: move the point.": lambda *case: composed(*case, moving=False),
            "Each jump has been made from x with equal weights: move the point, and weight by the length.": lambda *case: composed(*case, weights=torch.ones_like, moving=False),
            "This is the displacement: divide by the whole length, times[-1] - times[0].": lambda *case: composed(*case, total=False),
            "Each jump departs at its own time, not at the first.": lambda *case: composed(*case, start=0),
            "Each jump arrives at the next time, not at the last.": lambda *case: composed(*case, end=-1),
            "The weights are in the reverse order.": lambda *case: composed(*case, weights=lambda h: h.flip(0)),
        },
    ),
    "11.6": Exercise(
        expects="a function favourite(a, c) -> number: the u >= 0 with the least mean of log((y - u)^2 + c), for y = a and y = -a, equally likely",
        truth=lambda a, c: math.sqrt(max(a**2 - c, 0.0)),
        inputs=pairs,
        rtol=2e-3,
        atol=2e-3,
        insight="For c < a^2 the mean is not even a local minimum: the network would choose one of the two targets, and which one is chance.",
        mistakes={
            "That is the mean, which minimises the square. The logarithm has another minimiser: solve f'(u) = 0.": lambda a, c: 0.0,
            "Near one target, but c pulls it towards the other: u^2 = a^2 - c.": lambda a, c: a,
            "For c > a^2 there is no such root: then the mean is the minimiser.": lambda a, c: math.sqrt(abs(a**2 - c)),
            "That is u^2: take the root.": lambda a, c: max(a**2 - c, 0.0),
            "The derivative of log(q) is 1/q, and c goes into it: u^2 = a^2 - c, not (a - sqrt(c))^2.": lambda a, c: max(a - math.sqrt(c), 0.0),
            "The sign of c: the minimum is nearer to 0 than the target, not farther.": lambda a, c: math.sqrt(a**2 + c),
        },
    ),
}  # fmt: skip
