"""Flow maps: where the flow carries a point from one time to another, exact and learnt.

X_{s->t}(x) solves dX/dt = v(X, t) from x at the departure s to the arrival t, and
u(x, s, t) = (X_{s->t}(x) - x) / (t - s) is the average velocity on the way, with u(x, s, s) = v(x, s).
A network that knows u goes from noise to data in one step, x1 = x0 + u(x0, 0, 1).
"""

import math

import torch
from torch import Generator, Tensor, nn

from fmtutorial import _random, _validate
from fmtutorial._callables import answer
from fmtutorial._devices import double
from fmtutorial._initialization import weights_from
from fmtutorial._types import AverageVelocity, Time, Velocity
from fmtutorial.distributions import GaussianMixture
from fmtutorial.exact import velocity_field
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path
from fmtutorial.sampling import integrate_flow
from fmtutorial.training.networks import time_features


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
    the least loss of its rows with s < t. Over random intervals as there, or over one `interval` (s, t).
    """
    check_path(path)
    x1 = double(_checked_mixture(mixture).sample(_validate.positive_int(n, "n"), generator))
    x0 = _random.normal_like(x1, generator)
    s, t = random_interval(x1, generator)
    if interval is not None:
        s = torch.full_like(s, _validate.real(interval[0], "interval[0]", 0.0, 1.0))
        t = torch.full_like(t, _validate.real(interval[1], "interval[1]", 0.0, 1.0))
    x_s = path.sample(x0, x1, s)
    noise = path.velocity(x0, x1, s) - velocity_field(mixture, path)(x_s, s)

    def flow_map(x: Tensor) -> Tensor:
        """X_{s->t}(x)."""
        return exact_flow_map(mixture, path, x, s, t)

    # J noise, without J
    _, amplified = torch.func.jvp(flow_map, (x_s,), (noise,))
    squares = amplified.square().mean(1)
    return float(squares.mean()), float(squares.std() / math.sqrt(n))


class AverageVelocityNet(nn.Module):
    """u_theta(x, s, t): a perceptron of `depth` hidden layers on x and `time_dim` features of s and of t - s.

    Called as `model(x, s, t)` with x (n, dim), a departure s and an arrival t, each a scalar, (n,) or (n, 1);
    returns (n, dim). model(x, t, t) is a velocity.
    """

    def __init__(
        self,
        dim: int = 2,
        time_dim: int = 5,
        hidden_dim: int = 64,
        *,
        depth: int = 3,
        generator: Generator | None = None,
    ):
        super().__init__()
        self.dim = _validate.positive_int(dim, "dim")
        self.time_dim = _validate.positive_int(time_dim, "time_dim")
        hidden_dim = _validate.positive_int(hidden_dim, "hidden_dim")
        with weights_from(generator):
            layers = [nn.Linear(dim + 2 * time_dim, hidden_dim), nn.SiLU()]
            for _ in range(_validate.positive_int(depth, "depth") - 1):
                layers += [nn.Linear(hidden_dim, hidden_dim), nn.SiLU()]
            self.net = nn.Sequential(*layers, nn.Linear(hidden_dim, dim))

    def forward(self, x: Tensor, s: Time, t: Time) -> Tensor:
        """The average velocity from s to t of what is at x at the time s."""
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise ValueError(f"x must have the shape (n, {self.dim}), got {tuple(x.shape)}")
        s = _validate.time_column(s, x, "s").to(x.dtype).expand(len(x), 1)
        t = _validate.time_column(t, x, "t").to(x.dtype).expand(len(x), 1)
        return self.net(self.features(x, s, t))

    def features(self, x: Tensor, s: Tensor, t: Tensor) -> Tensor:
        """What goes into the first layer, for columns s and t: (n, dim + 2 time_dim)."""
        return torch.cat([x, time_features(s, self.time_dim), time_features(t - s, self.time_dim)], dim=-1)


def velocity_and_derivative(
    model: AverageVelocity, x: Tensor, s: Tensor, t: Tensor, dx: Tensor, ds: float, dt: float
) -> tuple[Tensor, Tensor]:
    """u(x, s, t) and its derivative along (dx, ds, dt), du = grad u . dx + d_s u ds + d_t u dt, each (n, d).

    s and t are columns (n, 1), ds and dt numbers or columns. The chain rule layer by layer for an
    `AverageVelocityNet`; any other model goes through `torch.func.jvp`, which is slower.
    """
    if not isinstance(model, AverageVelocityNet):
        tangents = (dx, ds * torch.ones_like(s), dt * torch.ones_like(t))
        return torch.func.jvp(lambda *xst: average_velocity(model, *xst), (x, s, t), tangents)
    z = model.features(x, s, t)
    ds_features = ds * _time_feature_slopes(s, model.time_dim)
    dt_features = (dt - ds) * _time_feature_slopes(t - s, model.time_dim)
    dz = torch.cat([dx, ds_features, dt_features], dim=-1)
    for layer in model.net:
        if isinstance(layer, nn.Linear):
            z = layer(z)
            dz = dz @ layer.weight.T
        else:  # silu(z) = z g with g = sigmoid(z), and silu'(z) = g (1 + z (1 - g))
            g = torch.sigmoid(z)
            dz = dz * (g * (1 + z * (1 - g)))
            z = z * g
    return z, dz


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


@torch.no_grad()
def jump(model: AverageVelocity, x0: Tensor, n_steps: int) -> Tensor:
    """From x0 (n, d) at t = 0 in n_steps equal jumps of a learnt flow map: the states (n_steps + 1, n, d).

    x(t) = x(s) + (t - s) u(x(s), s, t).
    """
    x = _validate.points(x0, "x0")
    n_steps = _validate.positive_int(n_steps, "n_steps")
    states = [x]
    for k in range(n_steps):
        s = torch.full_like(x[:, :1], k / n_steps)
        t = torch.full_like(x[:, :1], (k + 1) / n_steps)
        u = _validate.returned(average_velocity(model, x, s, t), "model(x, s, t)", x)
        x = x + (t - s) * u
        states.append(x)
    return torch.stack(states)


def paired_gap(ends: Tensor, exact_ends: Tensor) -> float:
    """sqrt(E|x1 - x1*|^2): how far ends (n, d) are from where the exact flow carries the same noise."""
    ends = _validate.points(ends, "ends", n_least=1)
    exact_ends = _validate.points(exact_ends, "exact_ends")
    _validate.same_shape(ends, "ends", exact_ends, "exact_ends")
    return float((ends - exact_ends).square().sum(1).mean().sqrt())


def average_velocity(model: AverageVelocity, x: Tensor, s: Tensor, t: Tensor) -> Tensor:
    """model(x, s, t), with an error that says so if the model does not take these."""
    return answer(model, "model", x, s, t, call="model(x, s, t)")


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


def _time_feature_slopes(t: Tensor, dim: int) -> Tensor:
    """The derivatives of `time_features`: 1, -pi sin(pi t), pi cos(pi t), -2 pi sin(2 pi t), ..."""
    slopes = [torch.ones_like(t)]
    for k in range(1, dim):
        frequency = math.pi * ((k + 1) // 2)
        if k % 2 == 1:
            slopes.append(-frequency * (frequency * t).sin())
        else:
            slopes.append(frequency * (frequency * t).cos())
    return torch.cat(slopes, dim=-1)


def _checked_mixture(mixture: GaussianMixture) -> GaussianMixture:
    """Return `mixture` if its flow is smooth at all times, as that of Gaussians is."""
    if not isinstance(mixture, GaussianMixture):
        raise TypeError(f"mixture must be a GaussianMixture, got {type(mixture).__name__}")
    return mixture


def _checked(
    mixture: GaussianMixture, path: AffineGaussianPath, x: Tensor, s: Time, t: Time
) -> tuple[Tensor, Tensor, Tensor]:
    """Check everything once; return x and the times in shapes that broadcast."""
    check_path(path)
    x = _validate.points(x, "x", _checked_mixture(mixture).dim)
    return x, _validate.path_time(s, x, "s"), _validate.path_time(t, x, "t")
