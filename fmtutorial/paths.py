"""Conditional probability paths x_t = alpha(t) x1 + sigma(t) x0, from noise x0 (t = 0) to data x1 (t = 1)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from fmtutorial import _validate


class AffineGaussianPath(ABC):
    """A path p_t(x | x1) = N(alpha(t) x1, sigma(t)^2 I): a subclass gives the four functions of t.

    They are formulas and check nothing; `sample`, `velocity` and `conditional_velocity` check their
    arguments. `t` is a scalar, (n,) or (n, 1), in [0, 1].
    """

    @abstractmethod
    def alpha(self, t):
        """How much of the data is in x_t."""

    @abstractmethod
    def sigma(self, t):
        """How much of the noise is in x_t."""

    @abstractmethod
    def alpha_dot(self, t):
        """The time derivative of alpha."""

    @abstractmethod
    def sigma_dot(self, t):
        """The time derivative of sigma."""

    def sample(self, x0: Tensor, x1: Tensor, t) -> Tensor:
        """The point on the path, x_t = alpha(t) x1 + sigma(t) x0, of shape (n, d)."""
        t = self._checked(x0, "x0", x1, t)
        return self.alpha(t) * x1 + self.sigma(t) * x0

    def velocity(self, x0: Tensor, x1: Tensor, t) -> Tensor:
        """The target u_t = dx_t/dt = alpha'(t) x1 + sigma'(t) x0, of shape (n, d)."""
        t = self._checked(x0, "x0", x1, t)
        return self.alpha_dot(t) * x1 + self.sigma_dot(t) * x0

    def pair(self, x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The point x_t and its target u_t, as `sample` and `velocity` but unchecked: for training steps."""
        return self.alpha(t) * x1 + self.sigma(t) * x0, self.alpha_dot(t) * x1 + self.sigma_dot(t) * x0

    def conditional_velocity(self, x: Tensor, x1: Tensor, t) -> Tensor:
        """The field u_t(x | x1) = alpha' x1 + (sigma'/sigma) (x - alpha x1), of shape (n, d).

        Lipman et al. 2023, theorem 3. Where sigma(t) = 0 the path has shrunk to the point x1 and has no
        field around it: ValueError.
        """
        t = self._checked(x, "x", x1, t)
        sigma = torch.as_tensor(self.sigma(t))
        if bool((sigma == 0).any()):
            raise ValueError(
                f"t must not reach a time where sigma(t) = 0, as {self} does: u_t(x | x1) is undefined"
            )
        return self.alpha_dot(t) * x1 + self.sigma_dot(t) / sigma * (x - self.alpha(t) * x1)

    def _checked(self, x: Tensor, name: str, x1: Tensor, t) -> Tensor:
        """Check a pair of points and return `t` in a shape that broadcasts against them."""
        _validate.same_shape(_validate.points(x, name), name, _validate.points(x1, "x1"), "x1")
        return _validate.path_time(t, x1)


@dataclass(frozen=True)
class StraightPath(AffineGaussianPath):
    """The straight path alpha(t) = t, sigma(t) = 1 - (1 - sigma_min) t (Lipman et al. 2023, eq. 20).

    So u_t = x1 - (1 - sigma_min) x0, and u_t(x | x1) = (x1 - (1 - sigma_min) x) / (1 - (1 - sigma_min) t).
    `sigma_min` in [0, 1) is the standard deviation that is left at t = 1 around each data point.

    >>> StraightPath(sigma_min=0.1).velocity(torch.ones(1, 2), torch.ones(1, 2), 0.5)
    tensor([[0.1000, 0.1000]])
    """

    sigma_min: float = 1e-4

    def __post_init__(self):
        _validate.real(self.sigma_min, "sigma_min", low=0.0, high=1.0, open_high=True)

    def alpha(self, t):
        """alpha(t) = t."""
        return t

    def sigma(self, t):
        """sigma(t) = 1 - (1 - sigma_min) t."""
        return 1 - (1 - self.sigma_min) * t

    def alpha_dot(self, t):
        """alpha'(t) = 1."""
        return 1.0

    def sigma_dot(self, t):
        """sigma'(t) = -(1 - sigma_min)."""
        return -(1 - self.sigma_min)

    def pair(self, x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """A straight line is its start and its velocity: u_t = x1 - (1 - sigma_min) x0, x_t = x0 + t u_t."""
        u_t = torch.sub(x1, x0, alpha=1 - self.sigma_min)
        return x0 + t * u_t, u_t
