"""The exact density and velocity of the geodesic path from a uniform start to a mixture.

Let psi be the log_x of a uniform point. Seen from x at the time t, a data point ahead is exp_x((1 - t) psi),
and log_x(x1)/(1 - t) is psi itself. So, with q the density of the data and means over psi,

    p_t(x) = E[q(exp_x((1 - t) psi))],    u_t(x) = E[psi q(exp_x((1 - t) psi))] / p_t(x).

On the torus psi is uniform in a box, and for normals the means are closed; on the sphere they take a
quadrature. All is computed in double precision.
"""

import math

import numpy as np
import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._devices import double
from fmtutorial._types import Time
from fmtutorial.variants.manifold_mixtures import (
    ManifoldMixture,
    VonMisesFisherMixture,
    WrappedNormalMixture,
    check_mixture,
)


def geodesic_density(mixture: ManifoldMixture, x: Tensor, t: Time, n_nodes: int | None = None) -> Tensor:
    """p_t(x), (n,), of the geodesic path from uniform x0 to x1 ~ mixture, drawn independently.

    n_nodes: of the quadrature on the sphere, by default enough for the largest kappa. The torus needs none.
    """
    t, n_nodes = _checked(mixture, x, t, n_nodes)
    log_joint, _ = _components(mixture, double(x), t, n_nodes)
    return torch.logsumexp(log_joint, dim=1).exp().to(x)


def geodesic_velocity(mixture: ManifoldMixture, x: Tensor, t: Time, n_nodes: int | None = None) -> Tensor:
    """u_t(x) = E[log_x(x1) / (1 - t) | x_t = x], (n, columns), a tangent vector; 0 at t = 1.

    The best that a network can learn from `geodesic_loss` (Chen & Lipman 2024). n_nodes as in
    `geodesic_density`.
    """
    t, n_nodes = _checked(mixture, x, t, n_nodes)
    log_joint, means = _components(mixture, double(x), t, n_nodes)
    r = torch.softmax(log_joint, dim=1)
    return torch.einsum("nk,nki->ni", r, means).to(x)  # (n, K), (n, K, columns) -> (n, columns)


def _components(mixture: ManifoldMixture, x: Tensor, t: Tensor, n_nodes: int) -> tuple[Tensor, Tensor]:
    """For each component: log of weight and density at x, (n, K), and its velocity (n, K, columns)."""
    if isinstance(mixture, WrappedNormalMixture):
        return _on_torus(mixture, x, t)
    return _on_sphere(mixture, x, t, n_nodes)


def _on_torus(mixture: WrappedNormalMixture, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """`_components` in closed form: psi is uniform in the box (-pi, pi)^d.

    x1 - x is one of the normals N(mean + 2 pi m - x, std^2), cut to the interval +-(1 - t) pi.
    """
    rest = (1 - t).reshape(-1, 1, 1)  # 1 - t, (1 or n, 1, 1)
    # the interval never closes, or rounding would take over: behind t = 1 - 1e-4 it keeps its width, which
    # changes density and u / (1 - t) by some 1e-7 of their value, and by 1e-5 far from the data
    width = rest.clamp(min=torch.finfo(x.dtype).eps ** 0.25)
    half = math.pi * width.unsqueeze(-1)
    std = mixture.std.to(x).unsqueeze(-1)  # (K, d, 1)
    offset = mixture.image_offsets(x)  # (n, K, d, images)

    # each image's probability of the interval, and its mean there
    low = (-half - offset) / std
    high = (half - offset) / std
    log_mass = _log_normal_mass(low, high)
    mean = offset + std * ((_log_normal(low) - log_mass).exp() - (_log_normal(high) - log_mass).exp())

    # all images of a coordinate together: (n, K, d)
    log_coordinates = torch.logsumexp(log_mass, dim=-1) - (2 * math.pi * width).log()
    displacement = (torch.softmax(log_mass, dim=-1) * mean).sum(-1)
    log_joint = mixture.weights.to(x).log() + log_coordinates.sum(-1)
    return log_joint, rest * displacement / width**2


def _on_sphere(mixture: VonMisesFisherMixture, x: Tensor, t: Tensor, n_nodes: int) -> tuple[Tensor, Tensor]:
    """`_components` by quadrature over the length of psi, which has the density sin(psi)/2 on (0, pi).

    Around x, at the distance r = (1 - t) psi, the mean over the direction is a Bessel function: with theta
    the distance from x to the mean, exp(kappa (cos r cos theta - 1)) I_0(kappa sin r sin theta). With the
    direction's cosine as a factor it is I_1 in the place of I_0.
    """
    kappa = mixture.kappa.to(x).unsqueeze(-1)  # (K, 1)
    means = mixture.means.to(x)
    along = torch.einsum("ni,ki->nk", x, means).unsqueeze(-1)  # (n, 3), (K, 3) -> (n, K, 1)
    across = means - along * x.unsqueeze(1)  # (n, K, 3), tangent at x
    sine = across.norm(dim=-1, keepdim=True)
    theta = torch.atan2(sine, along)
    psi, log_weights = _angle_nodes(n_nodes, x)
    r = (1 - t).reshape(-1, 1, 1) * psi  # (1 or n, 1, nodes)

    # the mean around x; i0e and i1e are I_0 and I_1 times exp(-argument)
    argument = kappa * r.sin() * sine
    i0e = torch.special.i0e(argument)
    log_ring = -2 * kappa * ((r - theta) / 2).sin().square() + i0e.log()
    cosine = torch.special.i1e(argument) / i0e
    log_nodes = log_weights + log_ring  # (n, K, nodes)

    log_densities = mixture.log_constants.to(x) + torch.logsumexp(log_nodes, dim=-1)  # (n, K)
    speed = (torch.softmax(log_nodes, dim=-1) * cosine * psi).sum(-1, keepdim=True)  # (n, K, 1)
    direction = across / sine.clamp(min=torch.finfo(x.dtype).tiny)
    return mixture.weights.to(x).log() + log_densities, speed * direction


def _angle_nodes(n_nodes: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Gauss-Legendre nodes psi in (0, pi), and the logs of their weights for the density sin(psi)/2.

    Nodes in cos(psi), with no weight, converge far more slowly: the integrand is not smooth in it at
    psi = pi, the cut locus.
    """
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    psi = math.pi * (torch.as_tensor(nodes, dtype=like.dtype) + 1) / 2
    weights = math.pi / 2 * torch.as_tensor(weights, dtype=like.dtype) * psi.sin() / 2
    return psi.to(like.device), weights.log().to(like.device)


def _log_normal(z: Tensor) -> Tensor:
    """Log of the standard normal density."""
    return -0.5 * z.square() - 0.5 * math.log(2 * math.pi)


def _log_normal_mass(low: Tensor, high: Tensor) -> Tensor:
    """log(Phi(high) - Phi(low)), accurate in both tails: mirrored, if need be, into the lower one."""
    is_above = low + high > 0
    a = torch.where(is_above, -high, low)
    b = torch.where(is_above, -low, high)
    log_b = torch.special.log_ndtr(b)
    return log_b + (-torch.expm1(torch.special.log_ndtr(a) - log_b)).log()


def _checked(mixture: ManifoldMixture, x: Tensor, t: Time, n_nodes: int | None) -> tuple[Tensor, int]:
    """Check everything once; return t in the shape () or (n, 1), and the number of nodes."""
    check_mixture(mixture)
    mixture.manifold.check_points(x, "x")
    t = double(_validate.path_time(t, x))
    if n_nodes is not None:
        return t, _validate.positive_int(n_nodes, "n_nodes")
    if isinstance(mixture, WrappedNormalMixture):
        return t, 0
    # an error of the velocity below 1e-12 at kappa = 100, below 1e-9 at 3000
    return t, 24 + math.ceil(5 * math.sqrt(float(mixture.kappa.max())))
