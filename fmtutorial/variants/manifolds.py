"""Two curved spaces, the torus and the sphere: what stands in for x + v, y - x and the straight line.

exp(x, v) walks from x along the tangent vector v, log(x, y) is the tangent vector at x that leads to y the
shortest way, and a geodesic is that way. Points are rows, and tangent vectors have as many columns as points.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._types import Time


def wrap(angle: Tensor) -> Tensor:
    """The same angle in (-pi, pi], up to rounding: whole turns are taken off."""
    return math.pi - torch.remainder(math.pi - angle, 2 * math.pi)


@dataclass(frozen=True)
class Torus:
    """`dim` angles in (-pi, pi], with -pi and pi the same: points (n, dim) of a flat space that closes."""

    dim: int = 2

    def __post_init__(self):
        _validate.positive_int(self.dim, "dim")

    @property
    def n_columns(self) -> int:
        """The number of columns of a point: an angle in each."""
        return self.dim

    @property
    def volume(self) -> float:
        """(2 pi)^dim: the uniform density is 1 / volume."""
        return (2 * math.pi) ** self.dim

    def exp(self, x: Tensor, v: Tensor) -> Tensor:
        """wrap(x + v), (n, dim)."""
        self._check_shapes(x=x, v=v)
        return wrap(x + v)

    def log(self, x: Tensor, y: Tensor) -> Tensor:
        """wrap(y - x), (n, dim); where y is half a turn away, of the two shortest ways the positive one."""
        self._check_shapes(x=x, y=y)
        return wrap(y - x)

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        """|log_x(y)|, (n,)."""
        return self.log(x, y).norm(dim=1)

    def project(self, x: Tensor, v: Tensor) -> Tensor:
        """v itself: every vector (n, dim) is tangent."""
        self._check_shapes(x=x, v=v)
        return v

    def transport(self, x: Tensor, y: Tensor, v: Tensor) -> Tensor:
        """v itself: the torus is flat, and a tangent vector at x is one at y."""
        self._check_shapes(x=x, y=y, v=v)
        return v

    def geodesic(self, x0: Tensor, x1: Tensor, t: Time) -> Tensor:
        """exp_x0(t log_x0(x1)), (n, dim): the shortest way, at constant speed."""
        return self.exp(x0, _validate.time_column(t, x0) * self.log(x0, x1))

    def uniform(
        self, n: int, generator: Generator | None = None, *, dtype: torch.dtype | None = None
    ) -> Tensor:
        """n uniform points (n, dim), on the generator's device."""
        n = _validate.positive_int(n, "n")
        device = _random.device_of(generator)
        u = torch.rand(n, self.dim, generator=generator, dtype=dtype, device=device)
        return math.pi * (1 - 2 * u)

    def check_points(self, x: Tensor, name: str) -> Tensor:
        """Return x if it is finite and (n, dim)."""
        return _validate.points(x, name, self.dim)

    def _check_shapes(self, **vectors: Tensor) -> None:
        """Raise unless all have one shape (n, dim)."""
        _check_shapes(self.n_columns, vectors)


@dataclass(frozen=True)
class Sphere:
    """The unit vectors x (n, 3) of space; a vector v is tangent at x if x . v = 0."""

    @property
    def dim(self) -> int:
        """2: the sphere is a surface."""
        return 2

    @property
    def n_columns(self) -> int:
        """3, the number of columns of a point."""
        return 3

    @property
    def volume(self) -> float:
        """4 pi: the uniform density is 1 / volume."""
        return 4 * math.pi

    def exp(self, x: Tensor, v: Tensor) -> Tensor:
        """cos|v| x + sin|v| v/|v|, (n, 3), for v tangent at x: an arc of the length |v|."""
        self._check_shapes(x=x, v=v)
        angle = v.norm(dim=1, keepdim=True)
        y = angle.cos() * x + torch.sinc(angle / math.pi) * v  # sinc(a / pi) = sin(a) / a, and 1 at 0
        return y / y.norm(dim=1, keepdim=True)

    def log(self, x: Tensor, y: Tensor) -> Tensor:
        """angle u / |u|, (n, 3), with u = y - (x . y) x and the angle between x and y.

        At y = -x, the cut locus, every direction is as short: then one of them.
        """
        self._check_shapes(x=x, y=y)
        u = self.project(x, y - x)  # from y - x, which is exact where y is near x
        sine = u.norm(dim=1, keepdim=True)
        cosine = (x * y).sum(1, keepdim=True)
        angle = torch.atan2(sine, cosine)
        factor = torch.where(sine > 0, angle / sine, torch.ones_like(sine))
        is_opposite = (sine == 0) & (cosine < 0)
        return torch.where(is_opposite, math.pi * tangent_frame(x)[0], factor * u)

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        """The angle between x and y, (n,): 2 atan2(|x - y|, |x + y|), which is accurate at 0 and at pi."""
        self._check_shapes(x=x, y=y)
        return 2 * torch.atan2((x - y).norm(dim=1), (x + y).norm(dim=1))

    def project(self, x: Tensor, v: Tensor) -> Tensor:
        """v - (x . v) x, (n, 3): the part of v that is tangent at x."""
        self._check_shapes(x=x, v=v)
        return v - (x * v).sum(1, keepdim=True) * x

    def transport(self, x: Tensor, y: Tensor, v: Tensor) -> Tensor:
        """v, tangent at x, carried along the geodesic to y, (n, 3): v - 2 (s . v) s / |s|^2 with s = x + y.

        At y = -x, where there is no one geodesic, v itself.
        """
        self._check_shapes(x=x, y=y, v=v)
        s = x + y
        square = s.square().sum(1, keepdim=True)
        square = torch.where(square > 0, square, torch.ones_like(square))
        return v - 2 * (s * v).sum(1, keepdim=True) / square * s

    def geodesic(self, x0: Tensor, x1: Tensor, t: Time) -> Tensor:
        """exp_x0(t log_x0(x1)), (n, 3): the shorter arc of the great circle, at constant speed."""
        return self.exp(x0, _validate.time_column(t, x0) * self.log(x0, x1))

    def uniform(
        self, n: int, generator: Generator | None = None, *, dtype: torch.dtype | None = None
    ) -> Tensor:
        """n uniform points (n, 3), on the generator's device: z / |z| with z ~ N(0, I)."""
        n = _validate.positive_int(n, "n")
        device = _random.device_of(generator)
        z = torch.randn(n, 3, generator=generator, dtype=dtype, device=device)
        return z / z.norm(dim=1, keepdim=True)

    def check_points(self, x: Tensor, name: str) -> Tensor:
        """Return x if it is finite, (n, 3), and of unit vectors (to 1e-3)."""
        x = _validate.points(x, name, self.n_columns)
        norms = x.norm(dim=1)
        if bool(((norms - 1).abs() > 1e-3).any()):
            low, high = float(norms.min()), float(norms.max())
            raise ValueError(f"{name} must hold unit vectors, got norms from {low:.4g} to {high:.4g}")
        return x

    def _check_shapes(self, **vectors: Tensor) -> None:
        """Raise unless all have one shape (n, 3)."""
        _check_shapes(self.n_columns, vectors)


Manifold: TypeAlias = Torus | Sphere


def tangent_frame(x: Tensor) -> tuple[Tensor, Tensor]:
    """Two tangent vectors e1, e2 at points x (n, 3) of the sphere, so that x, e1, e2 are orthonormal."""
    axis = torch.zeros_like(x)
    axis[:, 2] = 1
    is_near_pole = x[:, 2:].abs() > 0.8
    axis = torch.where(is_near_pole, axis.roll(1, dims=1), axis)  # the first axis in the place of the third
    e1 = torch.linalg.cross(axis, x)
    e1 = e1 / e1.norm(dim=1, keepdim=True)
    return e1, torch.linalg.cross(x, e1)


def check_manifold(manifold: Manifold) -> None:
    """Raise TypeError unless it is a `Torus` or a `Sphere`."""
    if not isinstance(manifold, Manifold):
        raise TypeError(f"manifold must be a Torus or a Sphere, got {type(manifold).__name__}: {manifold!r}")


def _check_shapes(n_columns: int, vectors: dict[str, Tensor]) -> None:
    """Raise unless all are tensors of one shape (n, n_columns); of their numbers nothing is asked."""
    first_name, first = next(iter(vectors.items()))
    for name, vector in vectors.items():
        if not isinstance(vector, Tensor):
            raise TypeError(
                f"{name} must be a torch.Tensor of shape (n, {n_columns}), got {type(vector).__name__}"
            )
        if vector.ndim != 2 or vector.shape[1] != n_columns:
            raise ValueError(f"{name} must have the shape (n, {n_columns}), got {tuple(vector.shape)}")
        _validate.same_shape(first, first_name, vector, name)
