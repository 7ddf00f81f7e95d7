"""Flow maps: where the exact flow carries a point from one time to another.

X_{s->t}(x) solves dX/dt = v(X, t) from x at the departure s to the arrival t, and
u(x, s, t) = (X_{s->t}(x) - x) / (t - s) is the average velocity on the way, with u(x, s, s) = v(x, s).
Who knows u goes from noise to data in one step, x1 = x0 + u(x0, 0, 1).
"""

import math

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._devices import double
from fmtutorial._types import Time, Velocity
from fmtutorial.distributions import GaussianMixture
from fmtutorial.exact import velocity_field
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path
from fmtutorial.sampling import integrate_flow


def exact_flow_map(
    mixture: GaussianMixture, path: AffineGaussianPath, x: Tensor, s: Time, t: Time, n_steps: int = 32
) -> Tensor:
    """X_{s->t}(x), of shape (n, d): the flow of the exact velocity from the time s to the time t.

    By n_steps equal Runge-Kutta steps of order 4: on the course's mixture, in double precision, 32 steps are
    exact to 1e-5. s and t are numbers or columns (n, 1) in [0, 1]; t < s goes back in time.
    """
    x, s, t = _checked(mixture, path, x, s, t)
    u = _average_slope(velocity_field(mixture, path), x, s, t, _validate.positive_int(n_steps, "n_steps"))
    return x + (t - s) * u


def exact_average_velocity(
    mixture: GaussianMixture, path: AffineGaussianPath, x: Tensor, s: Time, t: Time, n_steps: int = 32
) -> Tensor:
    """u(x, s, t) = (X_{s->t}(x) - x) / (t - s), of shape (n, d); v(x, s) where s = t.

    As the mean of the slopes of `exact_flow_map`'s steps, so that nothing is divided by t - s.
    """
    x, s, t = _checked(mixture, path, x, s, t)
    return _average_slope(velocity_field(mixture, path), x, s, t, _validate.positive_int(n_steps, "n_steps"))


def meanflow_floor(
    mixture: GaussianMixture,
    path: AffineGaussianPath,
    n: int = 10_000,
    generator: Generator | None = None,
    *,
    interval: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """E|J (v_c - v)|^2 / d with J = dX_{s->t}/dx, as (mean, standard error) of n points.

    At the exact u the target of `meanflow_loss` with target="conditional" is u + J (v_c - v), so that this is
    the loss of its rows with s < t there: the noise of the target, and the least loss if the target counts as
    given. (It does not bound the loss of other networks, whose targets are their own: a constant map has 0.)
    Over random intervals as there, or over one `interval` (s, t).
    """
    check_path(path)
    x1 = double(_checked_mixture(mixture).sample(_validate.positive_int(n, "n"), generator))
    x0 = _random.normal_like(x1, generator)
    s, t = random_interval(x1, generator)
    if interval is not None:
        departure, arrival = _checked_interval(interval)
        s = torch.full_like(s, departure)
        t = torch.full_like(t, arrival)
    x_s = path.sample(x0, x1, s)
    noise = path.velocity(x0, x1, s) - velocity_field(mixture, path)(x_s, s)

    def flow_map(x: Tensor) -> Tensor:
        """X_{s->t}(x)."""
        return exact_flow_map(mixture, path, x, s, t)

    # J noise, without J
    _, amplified = torch.func.jvp(flow_map, (x_s,), (noise,))
    squares = amplified.square().mean(1)
    return float(squares.mean()), float(squares.std() / math.sqrt(n))


def flow_map_trajectories(
    velocity: Velocity, n: int, dim: int, n_times: int = 33, generator: Generator | None = None
) -> Tensor:
    """n trajectories (n, n_times, dim) from noise x0 ~ N(0, I), at equal times from 0 to 1.

    One Runge-Kutta step of order 4 between neighbouring times: what `distillation_loss` learns from.
    """
    n = _validate.positive_int(n, "n")
    dim = _validate.positive_int(dim, "dim")
    if _validate.positive_int(n_times, "n_times") < 2:
        raise ValueError(f"n_times must be at least 2, got {n_times}")
    x0 = _random.normal_like(torch.empty(n, dim), generator)
    trajectory, _ = integrate_flow(velocity, x0, n_steps=n_times - 1, method="rk4")
    return trajectory.transpose(0, 1).contiguous()


def paired_gap(ends: Tensor, exact_ends: Tensor) -> float:
    """sqrt(E|x1 - x1*|^2): how far ends (n, d) are from where the exact flow carries the same noise."""
    ends = _validate.points(ends, "ends", n_least=1)
    exact_ends = _validate.points(exact_ends, "exact_ends")
    _validate.same_shape(ends, "ends", exact_ends, "exact_ends")
    return float((ends - exact_ends).square().sum(1).mean().sqrt())


def random_interval(like: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
    """A departure and an arrival for each row of `like`: two times ~ U[0, 1) in their order, each (n, 1)."""
    a = _random.uniform_time(like, generator)
    b = _random.uniform_time(like, generator)
    return torch.minimum(a, b), torch.maximum(a, b)


def _average_slope(v: Velocity, x: Tensor, s: Tensor, t: Tensor, n_steps: int) -> Tensor:
    """The mean of the slopes of n_steps Runge-Kutta steps from s to t (Kutta 1901)."""
    h = (t - s) / n_steps
    total = torch.zeros_like(x)
    for k in range(n_steps):
        # (1 - w) s + w t is exactly t at the last end, and never beyond
        start, middle, end = ((1 - w / n_steps) * s + w / n_steps * t for w in (k, k + 0.5, k + 1))
        k1 = v(x, start)
        k2 = v(x + h / 2 * k1, middle)
        k3 = v(x + h / 2 * k2, middle)
        k4 = v(x + h * k3, end)
        slope = (k1 + 2 * k2 + 2 * k3 + k4) / 6
        x = x + h * slope
        total = total + slope
    return total / n_steps


def _checked_mixture(mixture: GaussianMixture) -> GaussianMixture:
    """Return `mixture` if its flow is smooth at all times, as that of Gaussians is."""
    if not isinstance(mixture, GaussianMixture):
        raise TypeError(f"mixture must be a GaussianMixture, got {type(mixture).__name__}")
    return mixture


def _checked_interval(interval: tuple[float, float]) -> tuple[float, float]:
    """The departure and the arrival, both in [0, 1]."""
    if not isinstance(interval, (tuple, list)) or len(interval) != 2:
        raise TypeError(f"interval must be a pair (s, t), got {interval!r}")
    departure = _validate.real(interval[0], "interval[0]", low=0.0, high=1.0)
    arrival = _validate.real(interval[1], "interval[1]", low=0.0, high=1.0)
    return departure, arrival


def _checked(
    mixture: GaussianMixture, path: AffineGaussianPath, x: Tensor, s: Time, t: Time
) -> tuple[Tensor, Tensor, Tensor]:
    """Check everything once; return x and the times in shapes that broadcast."""
    check_path(path)
    x = _validate.points(x, "x", _checked_mixture(mixture).dim)
    return x, _validate.path_time(s, x, "s"), _validate.path_time(t, x, "t")
