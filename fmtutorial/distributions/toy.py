"""Two-dimensional data sets that are known from the literature but have no closed-form density here."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate


@dataclass(frozen=True)
class Moons:
    """Two interleaved half circles of radius 1, with Gaussian noise (scikit-learn's `make_moons`)."""

    noise: float = 0.05

    def __post_init__(self):
        _validate.real(self.noise, "noise", low=0.0)

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw n points (n, 2)."""
        n = _validate.positive_int(n, "n")
        random = {"generator": generator, "device": _random.device_of(generator)}
        angle = math.pi * torch.rand(n, **random)
        upper = torch.rand(n, **random) < 0.5
        x = torch.where(upper, angle.cos(), 1 - angle.cos())
        y = torch.where(upper, angle.sin(), 0.5 - angle.sin())
        return torch.stack([x, y], 1) + self.noise * torch.randn(n, 2, **random)


@dataclass(frozen=True)
class Checkerboard:
    """Uniform on the dark squares, of side `side`, of a 4 x 4 board centred on the origin."""

    side: float = 2.0

    def __post_init__(self):
        _validate.real(self.side, "side", low=0.0, open_low=True)

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw n points (n, 2)."""
        n = _validate.positive_int(n, "n")
        random = {"generator": generator, "device": _random.device_of(generator)}
        column = torch.randint(4, (n,), **random)
        row = 2 * torch.randint(2, (n,), **random) + column % 2
        corner = torch.stack([column, row], 1) - 2
        return self.side * (corner + torch.rand(n, 2, **random))


@dataclass(frozen=True)
class Spiral:
    """An Archimedean spiral, radius = angle / (2 pi), of `turns` turns, with Gaussian noise."""

    turns: float = 2.0
    noise: float = 0.05

    def __post_init__(self):
        _validate.real(self.turns, "turns", low=0.0, open_low=True)
        _validate.real(self.noise, "noise", low=0.0)

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw n points (n, 2), about evenly along the arm."""
        n = _validate.positive_int(n, "n")
        random = {"generator": generator, "device": _random.device_of(generator)}
        radius = self.turns * torch.rand(n, **random).sqrt()
        angle = 2 * math.pi * radius
        arm = radius.unsqueeze(1) * torch.stack([angle.cos(), angle.sin()], 1)
        return arm + self.noise * torch.randn(n, 2, **random)
