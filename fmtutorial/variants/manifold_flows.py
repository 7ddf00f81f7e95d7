"""Flow matching along geodesics (Chen & Lipman 2024): the loss, its floor, and solvers on the manifold."""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._callables import answer, as_velocity
from fmtutorial._devices import double
from fmtutorial._types import Time, Velocity
from fmtutorial.training.losses import mean_square
from fmtutorial.variants.manifold_marginals import geodesic_velocity
from fmtutorial.variants.manifold_mixtures import ManifoldMixture, check_mixture
from fmtutorial.variants.manifolds import Manifold, check_manifold


def geodesic_loss(
    model: Velocity, x1: Tensor, manifold: Manifold, generator: Generator | None = None
) -> Tensor:
    """|v(x_t, t) - log_{x_t}(x1)/(1 - t)|^2, a scalar: a mean over the batch and the columns.

    x0 is uniform on the manifold, x_t = exp_{x0}(t log_{x0}(x1)) with t ~ U[0, 1). `train` takes it with the
    manifold in the place of the path.
    """
    check_manifold(manifold)
    if isinstance(x1, tuple):
        raise TypeError("batch must be points x1 (n, columns) alone, got a tuple with conditions")
    manifold.check_points(x1, "x1")
    x_t, u_t, t = _point_target_time(x1, manifold, generator)
    return mean_square(answer(model, "model", x_t, t), u_t)


def geodesic_loss_floor(
    mixture: ManifoldMixture,
    n_samples: int = 20_000,
    generator: Generator | None = None,
    t: float | None = None,
) -> tuple[float, float]:
    """The least `geodesic_loss` that any network can reach, E[Var(u_t | x_t)], as (mean, standard error).

    A mean over samples and columns. Averaged over t ~ U[0, 1), or at one fixed `t` below 1.
    """
    _, residual = _at_exact_velocity(mixture, n_samples, generator, t)
    squares = residual.square().mean(1)
    return float(squares.mean()), float(squares.std() / math.sqrt(len(squares)))


def geodesic_excess_loss(
    model: Velocity,
    mixture: ManifoldMixture,
    n_samples: int = 20_000,
    generator: Generator | None = None,
    t: float | None = None,
) -> float:
    """E|v(x_t, t) - u_t(x_t)|^2 over columns: what the model's expected loss is above its floor.

    The model gets points in the dtype that torch has as its default, as in training.
    """
    velocity = as_velocity(model)
    (x_t, u, t), _ = _at_exact_velocity(mixture, n_samples, generator, t)
    dtype = torch.get_default_dtype()
    with torch.no_grad():
        v = velocity(x_t.to(dtype), t.to(dtype))
    return float((v.to(u) - u).square().mean())


def integrate_on(
    manifold: Manifold, velocity: Velocity, x: Tensor, n_steps: int = 100, method: str = "midpoint"
) -> tuple[Tensor, Tensor]:
    """Solve dx/dt = velocity(x, t) from x (n, columns) at t = 0 to t = 1, in steps that stay on the manifold.

    "euler": x <- exp_x(h v(x, t)), of order 1. "midpoint": the velocity is taken at exp_x(h/2 v(x, t)) and
    t + h/2, and carried back to x by transport before the step, of order 2. Of a velocity the part in the
    tangent space counts. Returns a trajectory (n_steps + 1, n, columns) and its times, as `integrate_flow`
    does; no gradients are kept.
    """
    check_manifold(manifold)
    x = manifold.check_points(x, "x")
    n_steps = _validate.positive_int(n_steps, "n_steps")
    step = STEPS[_validate.one_of(method, "method", STEPS)]
    velocity = as_velocity(velocity, "velocity")

    def tangent_velocity(x: Tensor, t: Time) -> Tensor:
        """The part of the velocity that is tangent at x."""
        return manifold.project(x, velocity(x, t))

    times = torch.linspace(0, 1, n_steps + 1, dtype=x.dtype, device=x.device)
    states = [x]
    with torch.no_grad():
        for start, end in pairwise(times):
            x = step(manifold, tangent_velocity, x, start, end - start)
            states.append(x)
    trajectory = torch.stack(states)
    first = _validate.first_non_finite_time(trajectory, times)
    if first is not None:
        raise FloatingPointError(
            f"the flow is NaN or infinite at t = {first:.3g}, with method={method!r} and n_steps={n_steps}: "
            "look at the velocity there"
        )
    return trajectory, times


def _euler_step(manifold: Manifold, v: Velocity, x: Tensor, t: Time, h: Time) -> Tensor:
    """exp_x(h v(x, t))."""
    return manifold.exp(x, h * v(x, t))


def _midpoint_step(manifold: Manifold, v: Velocity, x: Tensor, t: Time, h: Time) -> Tensor:
    """exp_x(h v') with v' the velocity at the middle, carried back to the tangent space at x."""
    middle = manifold.exp(x, h / 2 * v(x, t))
    v_middle = v(middle, t + h / 2)
    return manifold.exp(x, h * manifold.transport(middle, x, v_middle))


STEPS: dict[str, Callable] = {"euler": _euler_step, "midpoint": _midpoint_step}


def _point_target_time(
    x1: Tensor, manifold: Manifold, generator: Generator | None, t: float | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Points x_t on geodesics from uniform x0 to x1, their targets, and times, at random or all the same."""
    x0 = manifold.uniform(len(x1), generator, dtype=x1.dtype).to(x1.device)
    times = _random.uniform_time(x1, generator)
    if t is not None:
        times = torch.full_like(times, t)
    x_t = manifold.geodesic(x0, x1, times)
    return x_t, manifold.log(x_t, x1) / (1 - times), times


def _at_exact_velocity(
    mixture: ManifoldMixture, n_samples: int, generator: Generator | None, t: float | None
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """Points x_t, their exact velocities and their times; and by how much the targets differ from those."""
    check_mixture(mixture)
    n_samples = _validate.positive_int(n_samples, "n_samples")
    if t is not None:
        t = _validate.real(t, "t", low=0.0, high=1.0, open_high=True)
    x1 = double(mixture.sample(n_samples, generator))
    x_t, u_t, times = _point_target_time(x1, mixture.manifold, generator, t)
    u = geodesic_velocity(mixture, x_t, times)
    return (x_t, u, times), u_t - u
