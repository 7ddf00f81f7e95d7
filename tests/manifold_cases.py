"""Mixtures on the torus and on the sphere that several tests share, and quadratures over both."""

import math

import numpy as np
import torch
from torch import Tensor

from fmtutorial.variants import VonMisesFisherMixture, WrappedNormalMixture

# three components each, one of them on the seam of the torus
ON_TORUS = WrappedNormalMixture(
    [[0.0, 0.0], [2.0, -1.5], [math.pi, 2.2]], [[0.35, 0.35], [0.5, 0.3], [0.25, 0.6]], [0.3, 0.4, 0.3]
)
ON_SPHERE = VonMisesFisherMixture(
    [[1.0, 0.2, 0.3], [-0.6, 0.8, 0.4], [-0.2, -0.7, -0.8]], [20.0, 8.0, 40.0], [0.5, 0.3, 0.2]
)


def torus_nodes(n: int, dim: int = 2) -> tuple[Tensor, Tensor]:
    """n^dim equal points of the torus, and their equal weights, which sum to its volume."""
    axis = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n - math.pi
    x = torch.cartesian_prod(*[axis] * dim).reshape(-1, dim)
    return x, torch.full((n**dim,), (2 * math.pi / n) ** dim, dtype=torch.float64)


def sphere_nodes(n: int) -> tuple[Tensor, Tensor]:
    """n x 2n points of the sphere, Gauss-Legendre in z and equal in longitude, with weights of sum 4 pi."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    z = torch.as_tensor(nodes).repeat_interleave(2 * n)
    longitude = (math.pi * torch.arange(2 * n, dtype=torch.float64) / n).repeat(n)
    radius = (1 - z.square()).sqrt()
    x = torch.stack([radius * longitude.cos(), radius * longitude.sin(), z], dim=1)
    return x, math.pi / n * torch.as_tensor(weights).repeat_interleave(2 * n)
