"""Learning a flow map: losses for u_theta(x, s, t), with the signature that `train` calls.

At the exact average velocity the expected gradient of each is zero: of the given velocity (distillation), or
of the flow from noise to the data. Our time runs from noise (t = 0) to data (t = 1), s is the departure and t
the arrival. Means are over the batch and the elements of x, as in `cfm_loss`. In a share `diagonal` of the
rows s = t, where the target is a velocity: what they learn the others carry on to longer intervals.
"""

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._types import AverageVelocity, Velocity
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path
from fmtutorial.training.losses import batch_velocity, mean_square
from fmtutorial.variants.average_velocity import average_velocity, velocity_and_derivative
from fmtutorial.variants.flow_maps import random_interval

N_LEVELS = 7  # of the dyadic grid: intervals of length 1, 1/2, ..., 1/64


def distillation_loss(
    model: AverageVelocity,
    trajectories: Tensor | tuple[Tensor, ...],
    path: AffineGaussianPath | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Regress u on two random times of stored trajectories: the target is (x_t - x_s) / (t - s).

    trajectories (n, n_times, d) at equal times from 0 to 1, by `flow_map_trajectories`. To `train` they go as
    a tuple (x0, trajectories), whose first part are points. The path is not needed: the flow is given.
    """
    if isinstance(trajectories, tuple):
        trajectories = trajectories[-1]
    if trajectories.ndim != 3:
        raise ValueError(
            "batch must be trajectories (n, n_times, d), or a tuple (x0, trajectories), got the shape "
            f"{tuple(trajectories.shape)}"
        )
    n, n_times, _ = trajectories.shape
    # two different times of each trajectory: i < j
    first = _random_below(n_times, trajectories, generator)
    other = _random_below(n_times - 1, trajectories, generator)
    other = other + (other >= first)
    i = torch.minimum(first, other)
    j = torch.maximum(first, other)
    rows = torch.arange(n, device=trajectories.device)
    x_s = trajectories[rows, i]
    x_t = trajectories[rows, j]
    s = i.to(x_s).unsqueeze(1) / (n_times - 1)
    t = j.to(x_s).unsqueeze(1) / (n_times - 1)
    return mean_square(average_velocity(model, x_s, s, t), (x_t - x_s) / (t - s))


def meanflow_loss(
    model: AverageVelocity,
    x1: Tensor,
    path: AffineGaussianPath,
    generator: Generator | None = None,
    *,
    diagonal: float = 0.75,
    target: str | Velocity = "batch",
    stop_gradient: bool = True,
) -> Tensor:
    """The identity at the departure, u = v + (t - s) (d_s u + grad u . v) (Geng et al. 2025, eq. 6).

    target: what v is: "conditional", x1 - (1 - sigma_min) x0 on the straight path; "batch", its average over
    the batch as in `stable_cfm_loss`; or a velocity v(x, t), which is distillation.
    stop_gradient: the right side counts as given. Without it a noisy v punishes the Jacobian of u.
    """
    x_s, s, t, v, _ = _rows(x1, path, generator, diagonal, target)
    u, du = velocity_and_derivative(model, x_s, s, t, v, 1.0, 0.0)
    right_side = v + (t - s) * du
    if stop_gradient:
        right_side = right_side.detach()
    return mean_square(u, right_side)


def lagrangian_loss(
    model: AverageVelocity,
    x1: Tensor,
    path: AffineGaussianPath,
    generator: Generator | None = None,
    *,
    diagonal: float = 0.5,
) -> Tensor:
    """The identity at the arrival, d_t X_{s->t}(x) = v(X_{s->t}(x), t) (Boffi et al. 2024, 2025).

    X_{s->t}(x) = x + (t - s) u(x, s, t), and v(X, t) = u(X, t, t) is the network's own, taken as given. Rows
    with s = t learn v from the batch average of the targets.
    """
    x_s, s, t, v, n_diagonal = _rows(x1, path, generator, diagonal)
    short = slice(n_diagonal)
    u_short = average_velocity(model, x_s[short], s[short], t[short])

    # the speed of the arrival where s < t, and the velocity there
    x, s, t = x_s[n_diagonal:], s[n_diagonal:], t[n_diagonal:]
    u, du = velocity_and_derivative(model, x, s, t, torch.zeros_like(x), 0.0, 1.0)
    arrival = x + (t - s) * u
    speed = u + (t - s) * du
    with torch.no_grad():
        v_there = average_velocity(model, arrival, t, t)
    return mean_square(torch.cat([u_short, speed]), torch.cat([v[short], v_there]))


def progressive_loss(
    model: AverageVelocity,
    x1: Tensor,
    path: AffineGaussianPath,
    generator: Generator | None = None,
    *,
    diagonal: float = 0.5,
    midpoint: bool = False,
) -> Tensor:
    """The composition X_{s->t} = X_{w->t} o X_{s->w}: one jump has to do what two do, with s < w < t.

    The target is ((w - s) u(x, s, w) + (t - w) u(X_{s->w}(x), w, t)) / (t - s), taken as given, with w
    uniform between s and t (Boffi et al. 2025, progressive self-distillation). midpoint=True is the shortcut
    model (Frans et al. 2024): w in the middle, and s and t on the dyadic grid of `N_LEVELS` levels, whose
    shortest halves are taken as velocities.
    """
    x_s, s, t, v, n_diagonal = _rows(x1, path, generator, diagonal, dyadic=midpoint)
    u = average_velocity(model, x_s, s, t)

    # two jumps where s < t, by way of w
    x, s, t = x_s[n_diagonal:], s[n_diagonal:], t[n_diagonal:]
    share = torch.full_like(s, 0.5) if midpoint else _random.uniform_time(s, generator)
    w = s + share * (t - s)
    is_shortest = midpoint & (t - s <= 0.5 ** (N_LEVELS - 1))
    with torch.no_grad():
        first = average_velocity(model, x, s, torch.where(is_shortest, s, w))
        x_w = x + (w - s) * first
        second = average_velocity(model, x_w, w, torch.where(is_shortest, w, t))
    two_jumps = share * first + (1 - share) * second
    return mean_square(u, torch.cat([v[:n_diagonal], two_jumps]))


def consistency_loss(
    model: AverageVelocity, x1: Tensor, path: AffineGaussianPath, generator: Generator | None = None
) -> Tensor:
    """The identity at the departure for arrivals at t = 1 alone: u = v + (1 - s) (d_s u + grad u . v).

    f(x, s) = x + (1 - s) u(x, s, 1) then is the same all along a trajectory: a consistency model in
    continuous time (Song et al. 2023; Lu & Song 2025). Such a network knows no other arrivals. Train it with
    a small learning rate.
    """
    x_s, s, _, v, _ = _rows(x1, path, generator, 1.0)
    t = torch.ones_like(s)
    u, du = velocity_and_derivative(model, x_s, s, t, v, 1.0, 0.0)
    return mean_square(u, (v + (t - s) * du).detach())


def _rows(
    x1: Tensor,
    path: AffineGaussianPath,
    generator: Generator | None,
    diagonal: float,
    target: str | Velocity = "batch",
    dyadic: bool = False,
) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
    """Points x_s with their times s <= t and velocities v, and how many of the first rows have s = t."""
    if isinstance(x1, tuple):
        raise TypeError("batch must be points x1 (n, d) alone, got a tuple with conditions")
    check_path(path)
    n_diagonal = round(_validate.real(diagonal, "diagonal", 0.0, 1.0) * len(x1))
    if dyadic:
        s, t = _dyadic_interval(x1, generator)
    else:
        s, t = random_interval(x1, generator)
    s[:n_diagonal] = _random.uniform_time(x1[:n_diagonal], generator)
    t[:n_diagonal] = s[:n_diagonal]
    x0 = _random.normal_like(x1, generator)
    x_s, v = path.point_and_target(x0, x1, s)
    if callable(target):
        v = target(x_s, s)
    elif _validate.one_of(target, "target", ("batch", "conditional")) == "batch":
        v = batch_velocity(x1, path, x_s, v, s)
    return x_s, s, t, v, n_diagonal


def _dyadic_interval(like: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
    """Intervals of length 2^-k between multiples of 2^-k, k random: departures and arrivals, each (n, 1)."""
    k = torch.floor(N_LEVELS * _random.uniform_time(like, generator))
    length = 0.5**k
    s = length * torch.floor(_random.uniform_time(like, generator) / length)
    return s, s + length


def _random_below(n: int, trajectories: Tensor, generator: Generator | None) -> Tensor:
    """A random integer from 0 to n - 1 for each trajectory."""
    device = _random.device_of(generator, trajectories)
    return torch.randint(n, (len(trajectories),), generator=generator, device=device).to(trajectories.device)
