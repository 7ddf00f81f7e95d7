"""Fresh random inputs: several batch sizes (1 included), dimensions and dtypes."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

SHAPES = [(1, 2, torch.float32), (5, 3, torch.float32), (7, 2, torch.float64), (3, 1, torch.float32)]

# One argument from (g, n, d, dtype): a generator, the batch's size, the dimension and the dtype.
Maker = Callable[[Generator, int, int, torch.dtype], Tensor | float]


def normal(g: Generator, *shape: int, dtype: torch.dtype = torch.float32, scale: float = 1.0) -> Tensor:
    """Normal numbers."""
    return scale * torch.randn(*shape, generator=g, dtype=dtype)


def uniform(
    g: Generator, *shape: int, low: float = 0.05, high: float = 0.95, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Uniform numbers, by default times well inside (0, 1)."""
    return low + (high - low) * torch.rand(*shape, generator=g, dtype=dtype)


def number(g: Generator, low: float, high: float) -> float:
    """One uniform number."""
    return float(uniform(g, 1, low=low, high=high, dtype=torch.float64))


def each(*makers: Maker) -> Callable[[Generator], list[tuple]]:
    """inputs(g): for every shape, one argument from each maker(g, n, d, dtype)."""

    def inputs(g: Generator) -> list[tuple]:
        return [tuple(make(g, n, d, dtype) for make in makers) for n, d, dtype in SHAPES]

    return inputs


def points(g: Generator, n: int, d: int, dtype: torch.dtype) -> Tensor:
    """Points (n, d)."""
    return normal(g, n, d, dtype=dtype, scale=1.5)


def times(g: Generator, n: int, d: int, dtype: torch.dtype) -> Tensor:
    """Times (n, 1)."""
    return uniform(g, n, 1, dtype=dtype)


def interval(low: float, high: float) -> Maker:
    """A maker of one number."""

    def make(g: Generator, n: int, d: int, dtype: torch.dtype) -> float:
        return number(g, low, high)

    return make
