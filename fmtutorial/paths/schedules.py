"""Conditional probability paths x_t = alpha(t) x1 + sigma(t) x0, from noise x0 (t = 0) to data x1 (t = 1)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._types import Coefficient, Time
from fmtutorial.paths.affine import AffineGaussianPath


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

    def alpha(self, t: Time) -> Coefficient:
        """alpha(t) = t."""
        return t

    def sigma(self, t: Time) -> Coefficient:
        """sigma(t) = 1 - (1 - sigma_min) t."""
        return 1 - (1 - self.sigma_min) * t

    def alpha_dot(self, t: Time) -> Coefficient:
        """alpha'(t) = 1."""
        return 1.0

    def sigma_dot(self, t: Time) -> Coefficient:
        """sigma'(t) = -(1 - sigma_min)."""
        return -(1 - self.sigma_min)

    def point_and_target(self, x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """A straight line is its start and its velocity: u_t = x1 - (1 - sigma_min) x0, x_t = x0 + t u_t."""
        u_t = torch.sub(x1, x0, alpha=1 - self.sigma_min)
        x_t = x0 + t * u_t
        return x_t, u_t


@dataclass(frozen=True)
class CosinePath(AffineGaussianPath):
    """alpha(t) = sin(pi t / 2), sigma(t) = cos(pi t / 2): a quarter of a circle, at constant speed.

    Nichol & Dhariwal 2021 without their offset; Albergo & Vanden-Eijnden 2023 (trigonometric interpolant).
    """

    def alpha(self, t: Time) -> Coefficient:
        """alpha(t) = sin(pi t / 2)."""
        return torch.sin(0.5 * math.pi * _tensor(t))

    def sigma(self, t: Time) -> Coefficient:
        """sigma(t) = sin(pi (1 - t) / 2), which is cos(pi t / 2) and exactly 0 at t = 1."""
        return torch.sin(0.5 * math.pi * (1 - _tensor(t)))

    def alpha_dot(self, t: Time) -> Coefficient:
        """alpha'(t) = (pi / 2) sigma(t)."""
        return 0.5 * math.pi * self.sigma(t)

    def sigma_dot(self, t: Time) -> Coefficient:
        """sigma'(t) = -(pi / 2) alpha(t)."""
        return -0.5 * math.pi * self.alpha(t)


@dataclass(frozen=True)
class VariancePreservingPath(AffineGaussianPath):
    """alpha(t) = exp(-B/2), sigma(t) = sqrt(1 - exp(-B)), B the integral of a linear beta from 0 to 1 - t.

    beta(s) = beta_min + s (beta_max - beta_min), s = 1 - t: DDPM in continuous time (Ho et al. 2020; Song et
    al. 2021). alpha(0) = 0.0066 is small and not 0. sigma' is infinite at t = 1, where sigma sigma' is not:
    the marginal velocity is finite there, the target of one pair (x0, x1) is not.
    """

    beta_min: float = 0.1
    beta_max: float = 20.0

    def __post_init__(self):
        _validate.real(self.beta_min, "beta_min", low=0.0, open_low=True)
        _validate.real(self.beta_max, "beta_max", low=self.beta_min)

    def beta(self, t: Time) -> Tensor:
        """beta(s) at s = 1 - t."""
        return self.beta_min + (1 - _tensor(t)) * (self.beta_max - self.beta_min)

    def alpha(self, t: Time) -> Coefficient:
        """alpha(t) = exp(-B/2)."""
        return torch.exp(-0.5 * self._integral(t))

    def sigma(self, t: Time) -> Coefficient:
        """sigma(t) = sqrt(1 - exp(-B))."""
        return torch.sqrt(-torch.expm1(-self._integral(t)))

    def alpha_dot(self, t: Time) -> Coefficient:
        """alpha'(t) = beta alpha / 2."""
        return 0.5 * self.beta(t) * self.alpha(t)

    def sigma_dot(self, t: Time) -> Coefficient:
        """sigma'(t) = -alpha alpha' / sigma, minus infinity at t = 1."""
        return self.sigma_sigma_dot(t) / self.sigma(t)

    def sigma_sigma_dot(self, t: Time) -> Coefficient:
        """sigma sigma' = -alpha alpha', because alpha^2 + sigma^2 = 1."""
        return -self.alpha(t) * self.alpha_dot(t)

    def _integral(self, t: Time) -> Tensor:
        """B(t), the integral of beta(s) from 0 to s = 1 - t."""
        s = 1 - _tensor(t)
        return s * self.beta_min + 0.5 * s**2 * (self.beta_max - self.beta_min)


@dataclass(frozen=True)
class VarianceExplodingPath(AffineGaussianPath):
    """alpha(t) = 1, and sigma(t) falls from sigma_max at t = 0 to sigma_min at t = 1 (Karras et al. 2022).

    sigma(t) = (sigma_max^(1/rho) + t (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho, so that equal steps of t
    are EDM's noise levels. A path starts at x1 + sigma_max x0: samplers start from sigma_max x0.
    """

    sigma_min: float = 0.002
    sigma_max: float = 80.0
    rho: float = 7.0

    def __post_init__(self):
        _validate.real(self.sigma_min, "sigma_min", low=0.0, open_low=True)
        _validate.real(self.sigma_max, "sigma_max", low=self.sigma_min, open_low=True)
        _validate.real(self.rho, "rho", low=1.0)

    def alpha(self, t: Time) -> Coefficient:
        """alpha(t) = 1."""
        return 1.0

    def sigma(self, t: Time) -> Coefficient:
        """sigma(t), whose root sigma^(1/rho) is a straight line in t."""
        return self._root(t) ** self.rho

    def alpha_dot(self, t: Time) -> Coefficient:
        """alpha'(t) = 0."""
        return 0.0

    def sigma_dot(self, t: Time) -> Coefficient:
        """sigma'(t) = rho (sigma_min^(1/rho) - sigma_max^(1/rho)) sigma^(1 - 1/rho)."""
        slope = self.sigma_min ** (1 / self.rho) - self.sigma_max ** (1 / self.rho)
        return self.rho * slope * self._root(t) ** (self.rho - 1)

    def _root(self, t: Time) -> Tensor:
        """sigma(t)^(1/rho), a straight line in t."""
        first = self.sigma_max ** (1 / self.rho)
        last = self.sigma_min ** (1 / self.rho)
        return first + _tensor(t) * (last - first)


def _tensor(t: Time) -> Tensor:
    """`t` as a tensor; a plain number in double precision."""
    if isinstance(t, Tensor):
        return t
    return torch.tensor(t, dtype=torch.float64)
