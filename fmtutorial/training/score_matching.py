"""Denoising score matching: learn the score of smoothed data by regression."""

import math
from collections.abc import Callable

from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial.distributions import GaussianMixture


def dsm_loss(
    model: Callable[[Tensor], Tensor], x1: Tensor, sigma: float, generator: Generator | None = None
) -> Tensor:
    """E |s_theta(x1 + sigma z) + z / sigma|^2, a mean over batch and elements (Vincent 2011).

    -z / sigma = grad_x log N(x; x1, sigma^2 I) at x = x1 + sigma z, and its posterior mean is the score of
    the smoothed density, which is therefore what the minimum learns.
    """
    z = _random.normal_like(x1, generator)
    s = model(x1 + sigma * z)
    if s.shape != z.shape:
        raise ValueError(f"model must return the shape {tuple(z.shape)}, got {tuple(s.shape)}")
    return (s + z / sigma).square().mean()


def dsm_floor(
    mixture: GaussianMixture, sigma: float, n_samples: int = 100_000, generator: Generator | None = None
) -> tuple[float, float]:
    """The least value of `dsm_loss`, E[Var(z / sigma | x)], as (mean, standard error).

    By the law of total variance it is 1 / sigma^2 - E |grad log p_sigma(x)|^2 / d.
    """
    sigma = _validate.real(sigma, "sigma", low=0.0, open_low=True)
    smoothed = mixture.smoothed(sigma)
    x = smoothed.sample(_validate.positive_int(n_samples, "n_samples"), generator).double()
    known = smoothed.score(x).square().mean(1)
    return float(1 / sigma**2 - known.mean()), float(known.std() / math.sqrt(n_samples))
