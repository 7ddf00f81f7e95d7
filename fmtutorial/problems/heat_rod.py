"""Initial temperatures of a rod from a few late readings: an inverse problem with an exact answer.

`HeatRod.sample(n, generator) -> (x1, y)` is what `fit` asks for, and `HeatRod.posterior(y)` is the truth to
judge the result by.
"""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._types import ConditionalVelocity, Time
from fmtutorial.distributions import GaussianMixture
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.problems.linear_gaussian import MixturePosterior, linear_posterior


def heat_matrix(positions: Sequence[float] | Tensor, x: Tensor, time: float) -> Tensor:
    """The matrix (m, n) from initial temperatures at cell centres x (n,) to those at m positions at `time`.

    The heat equation u_t = u_xx on [0, 1] with insulated ends, by its cosine modes: mode cos(k pi x) decays
    as exp(-k^2 pi^2 time). Every row sums to 1, as heat is neither made nor lost.
    """
    positions = torch.as_tensor(positions, dtype=torch.float64)
    if positions.ndim != 1 or not bool(((positions >= 0) & (positions <= 1)).all()):
        raise ValueError(f"positions must be a list of numbers in [0, 1], got {positions.tolist()}")
    time = _validate.real(time, "time", low=0.0)
    # the n cosine modes that n cells can hold
    k = math.pi * torch.arange(len(x), dtype=torch.float64)
    decay = torch.exp(-k.square() * time)
    weight = torch.where(k == 0, 1.0, 2.0) / len(x) * decay
    modes_at_positions = torch.cos(positions[:, None] * k)  # (m, n)
    modes_at_cells = torch.cos(k[:, None] * x)  # (n, n)
    return modes_at_positions @ (weight[:, None] * modes_at_cells)


class HeatRod:
    """Initial temperatures x1 (n = 32 cells) of an insulated rod from a few noisy sensors read at `time`.

    Prior: a hot spot left (at 0.25) or right (at 0.75), each with probability 1/2, with a height of 2 +- 0.2
    and the shape of a Gaussian of width 0.12; plus smooth variation of standard deviation 0.25 and
    correlation length 0.15; plus 0.05 in each cell by itself. `x` are the cells' centres, `matrix` the
    sensors' rows.
    """

    def __init__(
        self,
        sensors: Sequence[float] = (0.46, 0.5, 0.54),
        time: float = 0.02,
        noise: float = 0.1,
        n: int = 32,
    ):
        n = _validate.positive_int(n, "n")
        self.noise = _validate.real(noise, "noise", low=0.0, open_low=True)
        self.sensors = tuple(sensors)
        self.time = time
        self.x = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        self.matrix = heat_matrix(self.sensors, self.x, time)
        self.prior = GaussianMixture([self._hot_spot(0.25), self._hot_spot(0.75)])

    def _hot_spot(self, centre: float) -> dict:
        """Mean and covariance of the temperatures with a hot spot at `centre`."""
        spot = torch.exp(-0.5 * ((self.x - centre) / 0.12) ** 2)
        smooth = 0.25**2 * torch.exp(-0.5 * ((self.x[:, None] - self.x) / 0.15) ** 2)
        smooth = smooth + 0.05**2 * torch.eye(len(self.x), dtype=torch.float64)
        return {"mean": 2 * spot, "cov": smooth + 0.2**2 * torch.outer(spot, spot)}

    def observe(self, x1: Tensor, generator: Generator | None = None) -> Tensor:
        """What the sensors read: y = H x1 + noise z, (n, m)."""
        z = _random.normal_like(x1.new_empty(len(x1), len(self.matrix)), generator)
        return x1 @ self.matrix.T.to(x1) + self.noise * z

    def sample(self, n: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Simulate n pairs: x1 (n, 32) from the prior, y (n, m) from the sensors."""
        x1 = self.prior.sample(n, generator)
        return x1, self.observe(x1, generator)

    def posterior(self, y: Tensor) -> MixturePosterior:
        """The exact posterior for each row of y (n, m)."""
        return linear_posterior(self.prior, self.matrix, self.noise, y)

    def velocity_field(self, path: AffineGaussianPath) -> ConditionalVelocity:
        """The exact conditional velocity as a function (x, t, y), unchecked, for `integrate_flow`."""

        def _velocity(x: Tensor, t: Time, y: Tensor) -> Tensor:
            return self.posterior(y).velocity(path, x, t)

        return _velocity
