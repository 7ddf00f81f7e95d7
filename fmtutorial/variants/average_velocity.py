"""A network for the average velocity u(x, s, t), its derivative by the chain rule, and the jumps it makes."""

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import linear

from fmtutorial import _random, _validate
from fmtutorial._callables import answer
from fmtutorial._initialization import weights_from
from fmtutorial._types import AverageVelocity, Time
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path
from fmtutorial.training.networks import time_features


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
        dtype = self.net[0].weight.dtype
        if x.dtype != dtype:
            raise TypeError(f"model and its points must have one dtype, got {dtype} and {x.dtype}")
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
            dz = linear(dz, layer.weight)  # the bias has no derivative
        else:  # silu(z) = z g with g = sigmoid(z), and silu'(z) = g (1 + z (1 - g))
            g = torch.sigmoid(z)
            dz = dz * (g * (1 + z * (1 - g)))
            z = z * g
    return z, dz


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


@torch.no_grad()
def renoised_jumps(
    model: AverageVelocity,
    x0: Tensor,
    path: AffineGaussianPath,
    n_steps: int,
    generator: Generator | None = None,
) -> Tensor:
    """From x0 (n, d) in n_steps jumps to t = 1, with new noise between them: the ends (n_steps + 1, n, d).

    For a map that knows the arrival t = 1 alone, f(x, s) = x + (1 - s) u(x, s, 1): back from an end x1 to
    x_s = alpha_s x1 + sigma_s z with new z ~ N(0, I), and jump again, at s = 0, 1/n_steps, 2/n_steps, ...
    (Song et al. 2023, algorithm 1). Row 0 is x0, row k the ends after k jumps.
    """
    x0 = _validate.points(x0, "x0")
    check_path(path)
    n_steps = _validate.positive_int(n_steps, "n_steps")
    ends = [x0]
    x = x0
    for k in range(n_steps):
        s = torch.full_like(x[:, :1], k / n_steps)
        if k > 0:
            x = path.sample(_random.normal_like(x0, generator), ends[-1], s)
        u = _validate.returned(average_velocity(model, x, s, torch.ones_like(s)), "model(x, s, t)", x)
        ends.append(x + (1 - s) * u)
    return torch.stack(ends)


def average_velocity(model: AverageVelocity, x: Tensor, s: Tensor, t: Tensor) -> Tensor:
    """model(x, s, t), with an error that says so if the model takes or returns something else."""
    u = answer(model, "model", x, s, t, call="model(x, s, t)")
    if u.shape != x.shape:  # broadcasting would go unnoticed
        raise ValueError(f"model(x, s, t) must return the shape {tuple(x.shape)}, got {tuple(u.shape)}")
    return u


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
