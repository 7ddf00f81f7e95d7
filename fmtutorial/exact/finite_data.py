"""Density, score and velocity at time t where the data are K points: the optimum for a finite training set.

Each data point x1_k has the weight 1/K and no width, so that x_t = alpha x1 + sigma x0 is a mixture of the
Gaussians N(alpha x1_k, sigma^2 I).

Nothing is checked here. Points x are (n, d), and t has the shape () or (n, 1). The work is done in double
precision, which |x - alpha y|^2 = |x|^2 - 2 alpha x.y + alpha^2 |y|^2 needs, and which its matrix product
pays for: without it there would be (n, K, d) differences.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from fmtutorial._devices import double
from fmtutorial.distributions import EmpiricalDistribution
from fmtutorial.paths import AffineGaussianPath


class DataPoints(NamedTuple):
    """K data points in double precision, and their squared lengths."""

    x1: Tensor  # (K, d)
    squares: Tensor  # (K,)

    @property
    def elements_per_point(self) -> int:
        """How many elements an intermediate tensor has for each point x: K."""
        return len(self.x1)


def read(data: EmpiricalDistribution, like: Tensor) -> DataPoints:
    """The data points in double precision on the device of `like`."""
    x1 = double(data.x1.to(like.device))
    return DataPoints(x1, x1.square().sum(1))


def log_prob(data: DataPoints, path: AffineGaussianPath, x: Tensor, t: Tensor) -> Tensor:
    """log p_t(x) = log sum_k N(x; alpha x1_k, sigma^2 I) / K, of shape (n,)."""
    return torch.logsumexp(_log_joint(data, path, double(x), double(t)), dim=1).to(x)


def score(data: DataPoints, path: AffineGaussianPath, x: Tensor, t: Tensor) -> Tensor:
    """grad log p_t(x) = -(x - alpha E[x1 | x_t = x]) / sigma^2, of shape (n, d)."""
    point, t = double(x), double(t)
    residual = point - path.alpha(t) * _posterior_mean(data, path, point, t)
    return -(residual / path.sigma(t) ** 2).to(x)


def velocity(data: DataPoints, path: AffineGaussianPath, x: Tensor, t: Tensor) -> Tensor:
    """u_t(x) = alpha' E[x1 | x_t = x] + (sigma'/sigma) (x - alpha E[x1 | x_t = x]), of shape (n, d).

    It is u_t(x | x1) at the posterior mean of x1, because u_t(x | x1) is linear in x1.
    """
    point, t = double(x), double(t)
    mean = _posterior_mean(data, path, point, t)
    residual = point - path.alpha(t) * mean
    return (path.alpha_dot(t) * mean + path.sigma_dot(t) / path.sigma(t) * residual).to(x)


def _posterior_mean(data: DataPoints, path: AffineGaussianPath, x: Tensor, t: Tensor) -> Tensor:
    """E[x1 | x_t = x] = sum_k r_k(x, t) x1_k, of shape (n, d), in double precision."""
    r = torch.softmax(_log_joint(data, path, x, t), dim=1)
    return r @ data.x1  # (n, K) @ (K, d) -> (n, d)


def _log_joint(data: DataPoints, path: AffineGaussianPath, x: Tensor, t: Tensor) -> Tensor:
    """log N(x; alpha x1_k, sigma^2 I) / K, of shape (n, K), for x and t in double precision."""
    n_points, d = data.x1.shape
    alpha = path.alpha(t)
    sigma = torch.as_tensor(path.sigma(t))
    # |x - alpha x1_k|^2, (n, K)
    square = x.square().sum(1, keepdim=True) - 2 * alpha * (x @ data.x1.T) + alpha**2 * data.squares
    log_normal = -square / (2 * sigma**2) - 0.5 * d * torch.log(2 * math.pi * sigma**2)
    return log_normal - math.log(n_points)
