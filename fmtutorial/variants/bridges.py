"""Bridges from any distribution to any other, with as much noise on the way as one likes.

x_t = (1 - t) x0 + t x1 + gamma z with z ~ N(0, I) and gamma^2 = s^2 t (1 - t): a stochastic interpolant
(Albergo, Boffi & Vanden-Eijnden 2023). Given both ends it is a Brownian bridge of the noise s. Between two
Gaussian mixtures, drawn independently, its density, velocity and score are sums over pairs of components.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._callables import as_velocity
from fmtutorial._types import Score, Time, Velocity
from fmtutorial.distributions import GaussianMixture


@dataclass(frozen=True)
class Bridge:
    """x_t = (1 - t) x0 + t x1 + gamma(t) z with gamma(t)^2 = s^2 t (1 - t); straight lines if s = 0."""

    s: float = 1.0

    def __post_init__(self):
        _validate.real(self.s, "s", low=0.0)

    def variance(self, t: Time) -> Time:
        """gamma(t)^2 = s^2 t (1 - t)."""
        return self.s**2 * t * (1 - t)

    def half_variance_rate(self, t: Time) -> Time:
        """gamma gamma' = s^2 (1 - 2 t) / 2, which is finite where gamma' is not: at both ends."""
        return self.s**2 * (1 - 2 * t) / 2

    def sample(self, x0: Tensor, x1: Tensor, t: Time, generator: Generator | None = None) -> Tensor:
        """Points x_t (n, d) between given ends (n, d)."""
        return self.point_and_noise(x0, x1, t, generator)[0]

    def point_and_noise(
        self, x0: Tensor, x1: Tensor, t: Time, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Points x_t (n, d) between given ends, and their noise z (n, d)."""
        _validate.points(x0, "x0")
        _validate.same_shape(x0, "x0", x1, "x1")
        t = _validate.path_time(t, x0)
        z = _random.normal_like(x0, generator)
        return (1 - t) * x0 + t * x1 + self.variance(t).sqrt() * z, z

    def velocity(self, x0: Tensor, x1: Tensor, z: Tensor, t: Time) -> Tensor:
        """dx_t/dt = x1 - x0 + gamma' z, (n, d), a velocity's target; infinite at t = 0 and 1 if s > 0."""
        t = _validate.path_time(t, x0)
        if self.s == 0:
            return x1 - x0
        return x1 - x0 + self.half_variance_rate(t) / self.variance(t).sqrt() * z


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


def sample_bridge(
    velocity: Velocity,
    score: Score,
    x0: Tensor,
    n_steps: int = 100,
    noise_level: float = 0.0,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Solve dx = (b + epsilon score) dt + sqrt(2 epsilon) dW from x0 (n, d), with epsilon the noise_level.

    Every epsilon >= 0 gives the same densities p_t, if velocity b and score are exact: what the noise spreads
    the score draws back. Euler-Maruyama in equal steps, without gradients. Returns a trajectory
    (n_steps + 1, n, d) and its times, like `integrate_flow`.
    """
    x = _validate.points(x0, "x0")
    n_steps = _validate.positive_int(n_steps, "n_steps")
    epsilon = _validate.real(noise_level, "noise_level", low=0.0)
    velocity = as_velocity(velocity, "velocity")
    score = as_velocity(score, "score")
    times = torch.linspace(0, 1, n_steps + 1, dtype=x.dtype, device=x.device)
    h = 1 / n_steps
    states = [x]
    with torch.no_grad():
        for t in times[:-1]:
            drift = velocity(x, t)
            if epsilon > 0:
                drift = drift + epsilon * score(x, t)
            x = x + h * drift
            if epsilon > 0:
                x = x + math.sqrt(2 * epsilon * h) * _random.normal_like(x, generator)
            states.append(x)
    trajectory = torch.stack(states)
    first = _validate.first_non_finite_time(trajectory, times)
    if first is not None:
        raise FloatingPointError(
            f"the samples left the numbers at t = {first:.3g}: take more steps than n_steps = {n_steps}, "
            f"or a noise_level below {epsilon:g}"
        )
    return trajectory, times


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
    factor = factor.expand(len(x), -1, -1, -1)
    pull = torch.cholesky_solve(residual.unsqueeze(-1), factor).squeeze(-1)
    log_determinant = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
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
    if not isinstance(bridge, Bridge):
        raise TypeError(f"bridge must be a Bridge, got {type(bridge).__name__}")


def _checked(
    mixture0: GaussianMixture, mixture1: GaussianMixture, bridge: Bridge, x: Tensor, t: Time
) -> tuple[Tensor, Tensor]:
    """Check everything once; return x, and t in the shape () or (n, 1)."""
    _check_ends(mixture0, mixture1, bridge)
    x = _validate.points(x, "x", mixture0.dim)
    mixture0.check_dtype(x.dtype)
    mixture1.check_dtype(x.dtype)
    return x, _validate.path_time(t, x)
