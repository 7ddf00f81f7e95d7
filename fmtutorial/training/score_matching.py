"""Denoising score matching: learn the score of smoothed data by regression."""

from collections.abc import Callable

from torch import Generator, Tensor

from fmtutorial import _random
from fmtutorial._callables import answer


def dsm_loss(
    model: Callable[[Tensor], Tensor], x1: Tensor, sigma: float, generator: Generator | None = None
) -> Tensor:
    """E |s_theta(x1 + sigma z) + z / sigma|^2, a mean over batch and elements (Vincent 2011).

    -z / sigma = grad_x log N(x; x1, sigma^2 I) at x = x1 + sigma z, and its posterior mean is the score of
    the smoothed density, which is therefore what the minimum learns.
    """
    z = _random.normal_like(x1, generator)
    s = answer(model, "model", x1 + sigma * z)
    if not isinstance(s, Tensor):
        raise TypeError(f"model must return a torch.Tensor, got {type(s).__name__}")
    if s.shape != z.shape:
        raise ValueError(f"model must return the shape {tuple(z.shape)}, got {tuple(s.shape)}")
    return (s + z / sigma).square().mean()
