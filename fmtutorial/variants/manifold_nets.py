"""Networks whose velocities belong to the torus and to the sphere."""

import torch
from torch import Generator, Tensor, nn

from fmtutorial import _validate
from fmtutorial._initialization import weights_from
from fmtutorial._types import Time
from fmtutorial.training.networks import VelocityNet
from fmtutorial.variants.manifolds import Sphere


class TorusNet(nn.Module):
    """v_theta(x, t) on the torus: a `VelocityNet` that sees cos and sin of x and of 2 x.

    So it is the same at x and at x + 2 pi, and smooth across the seam. x (n, dim), t as for `VelocityNet`;
    returns (n, dim).
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
        with weights_from(generator):
            self.net = VelocityNet(4 * dim, time_dim, hidden_dim, out_dim=dim, depth=depth)

    def forward(self, x: Tensor, t: Time) -> Tensor:
        """The velocity at the angles x and the time(s) t."""
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise ValueError(f"x must have the shape (n, {self.dim}), got {tuple(x.shape)}")
        features = torch.cat([x.cos(), x.sin(), (2 * x).cos(), (2 * x).sin()], dim=1)
        return self.net(features, t)


class SphereNet(nn.Module):
    """v_theta(x, t) on the sphere: the tangent part of what a `VelocityNet` says. (n, 3) -> (n, 3)."""

    def __init__(
        self,
        time_dim: int = 5,
        hidden_dim: int = 64,
        *,
        depth: int = 3,
        generator: Generator | None = None,
    ):
        super().__init__()
        with weights_from(generator):
            self.net = VelocityNet(3, time_dim, hidden_dim, depth=depth)

    def forward(self, x: Tensor, t: Time) -> Tensor:
        """The tangent vector at the unit vectors x and the time(s) t."""
        return Sphere().project(x, self.net(x, t))
