"""Langevin dynamics: sample a density from its score alone."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate


def langevin_step(
    score: Callable[[Tensor], Tensor], x: Tensor, h: float, generator: Generator | None = None
) -> Tensor:
    """x + h score(x) + sqrt(2 h) z with z ~ N(0, I): one step of size h (Welling & Teh 2011)."""
    return x + h * score(x) + math.sqrt(2 * h) * _random.normal_like(x, generator)


def langevin(
    score: Callable[[Tensor], Tensor], x: Tensor, n_steps: int, h: float, generator: Generator | None = None
) -> Tensor:
    """Take n_steps Langevin steps from x (n, d) without gradients; return the end points (n, d).

    For a small h the law of x tends to the density of `score`, as fast as its modes are connected.
    """
    x, n_steps = _validate.points(x, "x"), _validate.positive_int(n_steps, "n_steps")
    h = _validate.real(h, "h", low=0.0, open_low=True)
    with torch.no_grad():
        for _ in range(n_steps):
            x = langevin_step(score, x, h, generator)
    return x
