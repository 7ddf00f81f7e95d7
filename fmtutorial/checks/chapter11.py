"""The checks of chapter 11: an identity, derivatives, the loss, its floor, unequal jumps, and another minimiser."""

import math

import torch

from fmtutorial.checks._engine import Exercise
from fmtutorial.checks._flow_maps import (
    backwards,
    batches,
    block_derivative,
    blocks,
    composed,
    departures,
    differentiated,
    floors,
    independent,
    jacobians,
    loss_and_gradient,
    pairs,
    remaining_faults,
    residual,
    ways,
)

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
        insight="A mean over *time*: each jump counts by how long it takes. For equal jumps it is the plain mean.",
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
        insight="For c < a^2 the mean is not even a local minimum: there are two minimisers, one towards each target.",
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
