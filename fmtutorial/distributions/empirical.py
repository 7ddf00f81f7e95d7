"""A finite data set as a distribution."""

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate


class EmpiricalDistribution:
    """A finite data set as a distribution: each of its n points has the weight 1/n and no width."""

    def __init__(self, x1: Tensor):
        self.x1 = _validate.points(x1, "x1")
        if len(x1) == 0:
            raise ValueError("x1 must have at least one point, got an empty tensor")

    def __repr__(self) -> str:
        return f"EmpiricalDistribution({len(self.x1)} points in {self.dim} dimensions)"

    @property
    def dim(self) -> int:
        """The dimension d."""
        return self.x1.shape[1]

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw n of the points (n, d), with replacement."""
        n = _validate.positive_int(n, "n")
        device = _random.device_of(generator, self.x1)
        k = torch.randint(len(self.x1), (n,), generator=generator, device=device)
        return self.x1[k.to(self.x1.device)]
