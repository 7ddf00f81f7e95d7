"""Langevin dynamics: sample a density from its score alone, at one noise level or at falling ones."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._callables import as_score, as_velocity
from fmtutorial._types import Score, Time
from fmtutorial.paths import AffineGaussianPath


def langevin_step(
    score: Callable[[Tensor], Tensor], x: Tensor, h: float | Tensor, generator: Generator | None = None
) -> Tensor:
    """x + h score(x) + sqrt(2 h) z with z ~ N(0, I): one step of size h (Welling & Teh 2011)."""
    return x + h * score(x) + math.sqrt(2 * h) * _random.normal_like(x, generator)


def langevin(
    score: Callable[[Tensor], Tensor], x: Tensor, n_steps: int, h: float, generator: Generator | None = None
) -> Tensor:
    """Take n_steps Langevin steps from x (n, d) without gradients; return the end points (n, d).

    For a small h the law of x tends to the density of `score`, as fast as its modes are connected.
    """
    x = _validate.points(x, "x")
    n_steps = _validate.positive_int(n_steps, "n_steps")
    h = _validate.real(h, "h", low=0.0, open_low=True)
    score = as_score(score)
    with torch.no_grad():
        for _ in range(n_steps):
            x = langevin_step(score, x, h, generator)
    return _checked_end(x, h)


def annealed_langevin(
    score: Score,
    x: Tensor,
    path: AffineGaussianPath,
    times: Iterable[Time],
    n_steps: int,
    h: float,
    generator: Generator | None = None,
) -> Tensor:
    """At each of `times` n_steps Langevin steps with the score (x, t) there; returns the end points (n, d).

    The step is h sigma(t)^2 (Song & Ermon 2019), stable below 2 (s^2 + sigma^2) on data of std s; with a
    small h the low levels mix slowly, and too much of the noise of the higher ones stays.
    """
    x = _validate.points(x, "x")
    n_steps = _validate.positive_int(n_steps, "n_steps")
    h = _validate.real(h, "h", low=0.0, open_low=True)

    times = [_validate.path_time(t, x) for t in times]
    score = as_velocity(score, "score")

    def score_at_t(x: Tensor) -> Tensor:
        """The score at the present noise level."""
        return score(x, t)

    with torch.no_grad():
        for t in times:
            step_size = h * torch.as_tensor(path.sigma(t)) ** 2
            for _ in range(n_steps):
                x = langevin_step(score_at_t, x, step_size, generator)
    return _checked_end(x, h)


def _checked_end(x: Tensor, h: float) -> Tensor:
    """Return the end points, or raise FloatingPointError if the dynamics has left the numbers."""
    if not bool(torch.isfinite(x).all()):
        raise FloatingPointError(
            f"Langevin dynamics is NaN or infinite with h = {h:g}: take a smaller h, and look at the "
            "score far from the data"
        )
    return x
