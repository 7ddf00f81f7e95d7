"""What all paths x_t = alpha(t) x1 + sigma(t) x0 share, whatever their two functions of time."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._devices import double
from fmtutorial._types import Coefficient, Time


class AffineGaussianPath(ABC):
    """A path x_t = alpha(t) x1 + sigma(t) x0 from noise x0 (t = 0) to data x1 (t = 1): the base class.

    With x0 ~ N(0, I) it is the probability path p_t(x | x1) = N(alpha(t) x1, sigma(t)^2 I) of Lipman et al.
    2023, section 4. To make a path of your own, write the four functions of t; everything else follows:

    >>> class QuadraticPath(AffineGaussianPath):
    ...     def alpha(self, t):
    ...         return t**2
    ...
    ...     def sigma(self, t):
    ...         return 1 - t
    ...
    ...     def alpha_dot(self, t):
    ...         return 2 * t
    ...
    ...     def sigma_dot(self, t):
    ...         return -1.0
    >>> path, x0, x1 = QuadraticPath(), torch.zeros(1, 2), torch.ones(1, 2)
    >>> path.sample(x0, x1, 0.5)
    tensor([[0.2500, 0.2500]])
    >>> path.velocity(x0, x1, 0.5)
    tensor([[1., 1.]])

    - The four functions are formulas and check nothing. They take a number or a tensor of any shape, and
      return a number or a tensor that broadcasts against it.
    - The ends: alpha(0) = 0 and sigma(0) = 1, so that the path starts at the noise; alpha(1) = 1 and
      sigma(1) = 0 or small, so that it ends at the data. A path may differ, as the variance-preserving one
      does at t = 0, if its samplers start where it starts.
    - sigma / alpha must fall all the way from t = 0 to t = 1: `time_of` and the changes of path rely on it.
    - If sigma' is infinite where sigma = 0, write `sigma_sigma_dot` too: exact velocities then stay finite.
    - Make the class a frozen dataclass, and two paths with the same numbers are equal.

    `sample`, `velocity` and `conditional_velocity` check their arguments: points (n, d), and a time t in
    [0, 1], a number for all points or one for each in the shape (n,) or (n, 1).
    """

    @abstractmethod
    def alpha(self, t: Time) -> Coefficient:
        """How much of the data is in x_t."""

    @abstractmethod
    def sigma(self, t: Time) -> Coefficient:
        """How much of the noise is in x_t."""

    @abstractmethod
    def alpha_dot(self, t: Time) -> Coefficient:
        """The time derivative of alpha."""

    @abstractmethod
    def sigma_dot(self, t: Time) -> Coefficient:
        """The time derivative of sigma."""

    def sigma_sigma_dot(self, t: Time) -> Coefficient:
        """sigma sigma' = (sigma^2)'/2, which may be finite where sigma = 0 makes sigma' infinite."""
        return self.sigma(t) * self.sigma_dot(t)

    def noise_ratio(self, t: Time) -> Tensor:
        """sigma(t) / alpha(t), the noise in units of the data: falls with t, infinite where alpha = 0."""
        return torch.as_tensor(self.sigma(t)) / self.alpha(t)

    def time_of(self, noise_ratio: float | Tensor) -> Tensor:
        """The time t at which sigma(t) / alpha(t) = noise_ratio, by bisection in double precision.

        ValueError for a ratio that the path does not reach between t = 0 and t = 1.
        """
        given = torch.as_tensor(noise_ratio)
        ratio = double(given)
        # refuse what lies beyond the ends, up to rounding
        least = self.noise_ratio(1.0)
        most = self.noise_ratio(0.0)
        if not bool(((ratio >= (1 - 1e-5) * least) & (ratio <= (1 + 1e-5) * most)).all()):
            raise ValueError(
                f"noise_ratio must lie in [{float(least):.4g}, {float(most):.4g}] for {self}, "
                f"got values from {float(ratio.min()):.4g} to {float(ratio.max()):.4g}"
            )
        # halve the interval [low, high] that holds t, 60 times: to 1e-18
        low = torch.zeros_like(ratio)
        high = torch.ones_like(low)
        for _ in range(60):
            middle = (low + high) / 2
            too_noisy = self.noise_ratio(middle) > ratio
            low = torch.where(too_noisy, middle, low)
            high = torch.where(too_noisy, high, middle)
        return high.to(given.device, given.dtype if given.is_floating_point() else torch.float32)

    def sample(self, x0: Tensor, x1: Tensor, t: Time) -> Tensor:
        """The point on the path, x_t = alpha(t) x1 + sigma(t) x0, of shape (n, d)."""
        t = self._checked_time(x0, "x0", x1, t)
        return self.alpha(t) * x1 + self.sigma(t) * x0

    def velocity(self, x0: Tensor, x1: Tensor, t: Time) -> Tensor:
        """The target u_t = dx_t/dt = alpha'(t) x1 + sigma'(t) x0, of shape (n, d).

        Where sigma'(t) is infinite, as at t = 1 on a variance-preserving path, there is none: ValueError.
        """
        t = self._checked_time(x0, "x0", x1, t)
        sigma_dot = self.sigma_dot(t)
        if not bool(torch.isfinite(torch.as_tensor(sigma_dot)).all()):
            raise ValueError(f"t must not reach a time where sigma'(t) is infinite, as {self} does")
        return self.alpha_dot(t) * x1 + sigma_dot * x0

    def point_and_target(self, x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The point x_t and its target u_t, as `sample` and `velocity` but unchecked: for training steps."""
        x_t = self.alpha(t) * x1 + self.sigma(t) * x0
        u_t = self.alpha_dot(t) * x1 + self.sigma_dot(t) * x0
        return x_t, u_t

    def conditional_velocity(self, x: Tensor, x1: Tensor, t: Time) -> Tensor:
        """The field u_t(x | x1) = alpha' x1 + (sigma'/sigma) (x - alpha x1), of shape (n, d).

        Lipman et al. 2023, theorem 3. Where sigma(t) = 0 the path has shrunk to the point x1 and has no
        field around it: ValueError.
        """
        t = self._checked_time(x, "x", x1, t)
        sigma = torch.as_tensor(self.sigma(t))
        if bool((sigma == 0).any()):
            raise ValueError(
                f"t must not reach a time where sigma(t) = 0, as {self} does: u_t(x | x1) is undefined"
            )
        return self.alpha_dot(t) * x1 + self.sigma_dot(t) / sigma * (x - self.alpha(t) * x1)

    def _checked_time(self, x: Tensor, name: str, x1: Tensor, t: Time) -> Tensor:
        """Check two sets of points and a time; return `t` in a shape that broadcasts against the points."""
        _validate.points(x, name)
        _validate.points(x1, "x1")
        _validate.same_shape(x, name, x1, "x1")
        return _validate.path_time(t, x1)


def check_path(path: AffineGaussianPath) -> None:
    """Raise TypeError unless `path` is an `AffineGaussianPath`."""
    if not isinstance(path, AffineGaussianPath):
        raise TypeError(f"path must be an AffineGaussianPath such as StraightPath, got {type(path).__name__}")
