"""A small network for a velocity (or a score) that depends on time."""

import math

import torch
from torch import Tensor, nn

from fmtutorial import _validate


def time_features(t: Tensor, dim: int = 1) -> Tensor:
    """The first `dim` of t, cos(pi t), sin(pi t), cos(2 pi t), sin(2 pi t), ..., for t of shape (n, 1).

    The first feature is t itself, so that t = 0 and t = 1 never look alike.
    """
    if dim == 1:
        return t
    angles = [math.pi * (k // 2 + 1) * t for k in range(dim - 1)]
    return torch.cat([t, *(a.sin() if k % 2 else a.cos() for k, a in enumerate(angles))], dim=-1)


class VelocityNet(nn.Module):
    """v_theta(x, t): a perceptron of `depth` hidden layers on x and `time_dim` features of t.

    Called as `model(x, t)` with x (n, in_dim) and t a scalar, (n,) or (n, 1); returns (n, out_dim).
    """

    def __init__(self, in_dim=2, time_dim=1, hidden_dim=128, out_dim=2, *, depth=2, activation=nn.SiLU):
        super().__init__()
        sizes = {"in_dim": in_dim, "time_dim": time_dim, "hidden_dim": hidden_dim, "out_dim": out_dim}
        for name, value in {**sizes, "depth": depth}.items():
            _validate.positive_int(value, name)
        self.in_dim, self.time_dim = in_dim, time_dim
        layers = [nn.Linear(in_dim + time_dim, hidden_dim), activation()]
        for _ in range(depth - 1):
            layers += [nn.Linear(hidden_dim, hidden_dim), activation()]
        self.net = nn.Sequential(*layers, nn.Linear(hidden_dim, out_dim))

    def forward(self, x: Tensor, t) -> Tensor:
        """The velocity at the points x and the time(s) t."""
        if x.ndim != 2 or x.shape[1] != self.in_dim:
            raise ValueError(f"x must have the shape (n, {self.in_dim}), got {tuple(x.shape)}")
        t = _validate.time_column(t, x).to(x.dtype).expand(len(x), 1)
        return self.net(torch.cat([x, time_features(t, self.time_dim)], dim=-1))
