"""Density, velocity and score of a bridge between two Gaussian mixtures, in closed form.

Where x0 and x1 are drawn independently, each pair of a component of the one and of the other gives a Gaussian
x_t, and all of them together a mixture again.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._types import Score, Time, Velocity
from fmtutorial.distributions import GaussianMixture
from fmtutorial.variants.bridges import Bridge, check_bridge


def bridge_log_prob(
    mixture0: GaussianMixture, mixture1: GaussianMixture, bridge: Bridge, x: Tensor, t: Time
) -> Tensor:
    """log p_t(x), in nats, (n,), where x0 and x1 are drawn independently from two mixtures.

    Pair (k, m) of components gives N((1 - t) a_k + t b_m, C), C = (1 - t)^2 A_k + t^2 B_m + gamma^2 I.
    """
    x, t = _checked(mixture0, mixture1, bridge, x, t)
    log_joint, _, _ = _components(_pairs(mixture0, mixture1, x), bridge, x, t)
    return torch.logsumexp(log_joint, dim=1)


def bridge_score(
    mixture0: GaussianMixture, mixture1: GaussianMixture, bridge: Bridge, x: Tensor, t: Time
) -> Tensor:
    """grad log p_t(x) = -sum r C^-1 (x - mean) over pairs of components, (n, d), r their posteriors."""
    x, t = _checked(mixture0, mixture1, bridge, x, t)
    return bridge_fields(mixture0, mixture1, bridge)[1](x, t)


def bridge_velocity(
    mixture0: GaussianMixture, mixture1: GaussianMixture, bridge: Bridge, x: Tensor, t: Time
) -> Tensor:
    """E[dx_t/dt | x_t = x] = sum r (b_m - a_k + (C'/2) C^-1 (x - mean)) over pairs of components, (n, d).

    C'/2 = -(1 - t) A_k + t B_m + gamma gamma' I is the covariance of dx_t/dt with x_t.
    """
    x, t = _checked(mixture0, mixture1, bridge, x, t)
    return bridge_fields(mixture0, mixture1, bridge)[0](x, t)


def bridge_fields(
    mixture0: GaussianMixture, mixture1: GaussianMixture, bridge: Bridge
) -> tuple[Velocity, Score]:
    """`bridge_velocity` and `bridge_score` bound to mixtures: functions (x, t), unchecked, for solvers."""
    _check_ends(mixture0, mixture1, bridge)

    def velocity(x: Tensor, t: Time) -> Tensor:
        t = _validate.time_column(t, x)
        pairs = _pairs(mixture0, mixture1, x)
        log_joint, pull, half_rate = _components(pairs, bridge, x, t)
        r = torch.softmax(log_joint, dim=1)
        # (n or 1, K, d, d), (n, K, d) -> (n, K, d)
        u = pairs.b - pairs.a + torch.einsum("nkij,nkj->nki", half_rate.expand(len(x), -1, -1, -1), pull)
        return torch.einsum("nk,nki->ni", r, u)  # (n, K), (n, K, d) -> (n, d)

    def score(x: Tensor, t: Time) -> Tensor:
        t = _validate.time_column(t, x)
        log_joint, pull, _ = _components(_pairs(mixture0, mixture1, x), bridge, x, t)
        return -torch.einsum("nk,nki->ni", torch.softmax(log_joint, dim=1), pull)

    return velocity, score


@dataclass(frozen=True)
class _Pairs:
    """All pairs of a component of one mixture and one of the other: K = K0 K1 of them."""

    log_weights: Tensor  # log w_k w'_m, (K,)
    a: Tensor  # means of x0, (K, d)
    b: Tensor  # means of x1, (K, d)
    cov_a: Tensor  # (K, d, d)
    cov_b: Tensor  # (K, d, d)


def _pairs(mixture0: GaussianMixture, mixture1: GaussianMixture, like: Tensor) -> _Pairs:
    """The pairs in the dtype and on the device of `like`."""
    k = torch.arange(len(mixture0.weights)).repeat_interleave(len(mixture1.weights))
    m = torch.arange(len(mixture1.weights)).repeat(len(mixture0.weights))
    return _Pairs(
        (mixture0.weights[k] * mixture1.weights[m]).to(like).log(),
        mixture0.means[k].to(like),
        mixture1.means[m].to(like),
        mixture0.covariances[k].to(like),
        mixture1.covariances[m].to(like),
    )


def _components(pairs: _Pairs, bridge: Bridge, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each pair of components: log of weight and density (n, K), C^-1 (x - mean) (n, K, d), and C'/2.

    C'/2 is (1, K, d, d), or (n, K, d, d) for a time of each point's own.
    """
    identity = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    t = t.reshape(-1, 1, 1, 1)  # (1 or n, 1, 1, 1)
    covariance = (1 - t) ** 2 * pairs.cov_a + t**2 * pairs.cov_b + bridge.variance(t) * identity
    half_rate = -(1 - t) * pairs.cov_a + t * pairs.cov_b + bridge.half_variance_rate(t) * identity
    mean = (1 - t[..., 0]) * pairs.a + t[..., 0] * pairs.b  # (1 or n, K, d)
    residual = x[:, None] - mean  # (n, K, d)

    factor = torch.linalg.cholesky(covariance)  # (1 or n, K, d, d)
    log_determinant = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)  # (1 or n, K)
    pull = torch.cholesky_solve(residual.unsqueeze(-1), factor.expand(len(x), -1, -1, -1)).squeeze(-1)
    squares = (residual * pull).sum(-1) + log_determinant + x.shape[1] * math.log(2 * math.pi)
    return pairs.log_weights - 0.5 * squares, pull, half_rate


def _check_ends(mixture0: GaussianMixture, mixture1: GaussianMixture, bridge: Bridge) -> None:
    """Raise unless both ends are mixtures of one dimension, and the bridge is one."""
    for mixture, name in ((mixture0, "mixture0"), (mixture1, "mixture1")):
        if not isinstance(mixture, GaussianMixture):
            raise TypeError(f"{name} must be a GaussianMixture, got {type(mixture).__name__}")
    if mixture0.dim != mixture1.dim:
        raise ValueError(
            f"mixture0 and mixture1 must have the same dimension, got {mixture0.dim} and {mixture1.dim}"
        )
    check_bridge(bridge)


def _checked(
    mixture0: GaussianMixture, mixture1: GaussianMixture, bridge: Bridge, x: Tensor, t: Time
) -> tuple[Tensor, Tensor]:
    """Check everything once; return x, and t in the shape () or (n, 1)."""
    _check_ends(mixture0, mixture1, bridge)
    x = _validate.points(x, "x", mixture0.dim)
    mixture0.check_dtype(x.dtype)
    mixture1.check_dtype(x.dtype)
    return x, _validate.path_time(t, x)
