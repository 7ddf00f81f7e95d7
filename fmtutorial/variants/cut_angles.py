"""Angles taken as plain numbers in (-pi, pi]: the exact straight path, which never crosses the seam at pi."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._types import Time
from fmtutorial.variants.manifold_mixtures import WrappedNormalMixture

N_NODES = 48  # of the quadrature on each side of the seam


def cut_density(mixture: WrappedNormalMixture, x: Tensor, t: Time) -> Tensor:
    """The density (n,) of x_t = (1 - t) x0 + t x1, with x0 uniform and x1 ~ mixture in (-pi, pi]^d.

    Nothing is wrapped on the way. Given x1, x_t is uniform in t x1 + (1 - t) (-pi, pi)^d, so that
    p_t(x) = P(x1 within (1 - t) pi / t of x / t) / (2 pi (1 - t))^d, coordinate by coordinate.
    """
    x, t = _checked(mixture, x, t)
    t = t.clamp(1e-5, 1 - 1e-5).reshape(-1, 1, 1)  # in double precision the limits, to 1e-4 of the value
    half = (1 - t) * math.pi
    low = ((x.unsqueeze(1) - half) / t).clamp(-math.pi, math.pi)  # (n, 1, d)
    high = ((x.unsqueeze(1) + half) / t).clamp(-math.pi, math.pi)
    offset = mixture.image_offsets(torch.zeros_like(x[:1]))  # means and their images, (1, K, d, images)
    std = mixture.std.to(x).unsqueeze(-1)
    above = torch.special.ndtr((high.unsqueeze(-1) - offset) / std)
    below = torch.special.ndtr((low.unsqueeze(-1) - offset) / std)
    mass = (above - below).sum(-1)  # (n, K, d)
    return (mass / (2 * half)).prod(-1) @ mixture.weights.to(x)


def seam_mass(density: Callable, mixture: WrappedNormalMixture, t: float, width: float = 0.15) -> float:
    """The mass of p_t within `width` of the seam: where any |x_j| is larger than pi - width.

    density: `geodesic_density` or `cut_density`. Of one component the coordinates are independent on both
    paths, so one-dimensional quadrature is enough.
    """
    if not isinstance(mixture, WrappedNormalMixture):
        raise TypeError(f"mixture must be a WrappedNormalMixture, got {type(mixture).__name__}")
    width = _validate.real(width, "width", low=0.0, high=math.pi, open_low=True)
    nodes, weights = np.polynomial.legendre.leggauss(N_NODES)
    distance = width * (torch.as_tensor(nodes) + 1) / 2  # from the seam
    x = torch.cat([math.pi - distance, distance - math.pi]).unsqueeze(1)
    weights = torch.as_tensor(np.tile(width * weights / 2, 2))
    away = torch.ones(len(mixture.weights), dtype=torch.float64)
    for k, (means, stds) in enumerate(zip(mixture.means, mixture.std, strict=True)):
        for mean, std in zip(means, stds, strict=True):
            one = WrappedNormalMixture([[float(mean)]], float(std))
            away[k] *= 1 - weights @ density(one, x, t)
    return 1 - float(mixture.weights @ away)


def _checked(mixture: WrappedNormalMixture, x: Tensor, t: Time) -> tuple[Tensor, Tensor]:
    """x in double precision, and t in the shape () or (n, 1), after a check of all three."""
    if not isinstance(mixture, WrappedNormalMixture):
        raise TypeError(f"mixture must be a WrappedNormalMixture, got {type(mixture).__name__}")
    x = mixture.manifold.check_points(x, "x").double()
    return x, _validate.path_time(t, x)
