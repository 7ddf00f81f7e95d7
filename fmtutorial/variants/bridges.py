"""Bridges from any distribution to any other, with as much noise on the way as one likes.

x_t = (1 - t) x0 + t x1 + gamma z with z ~ N(0, I) and gamma^2 = s^2 t (1 - t): a stochastic interpolant
(Albergo, Boffi & Vanden-Eijnden 2023). Given both ends it is a Brownian bridge of the noise s.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._callables import as_velocity
from fmtutorial._types import Score, Time, Velocity


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


def check_bridge(bridge: Bridge) -> None:
    """Raise TypeError unless it is a `Bridge`."""
    if not isinstance(bridge, Bridge):
        raise TypeError(f"bridge must be a Bridge, got {type(bridge).__name__}")


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
