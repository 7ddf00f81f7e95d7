"""Random tensors on the device of `like`, drawn from an explicit generator wherever that lives."""

import torch
from torch import Generator, Tensor


def device_of(generator: Generator | None, like: Tensor | None = None) -> torch.device:
    """Where random numbers are drawn: the device of the generator or, without one, that of `like` (or CPU).

    TypeError for a seed, or a generator of numpy's: every function that draws asks here.
    """
    if generator is None:
        return torch.device("cpu") if like is None else like.device
    if not isinstance(generator, Generator):
        kind = type(generator).__name__
        raise TypeError(
            f"generator must be a torch.Generator or None, got {kind}: {generator!r}; "
            "for a seed give torch.Generator().manual_seed(seed)"
        )
    return generator.device


def normal_like(like: Tensor, generator: Generator | None = None) -> Tensor:
    """Standard normal numbers with the shape, dtype and device of `like`."""
    device = device_of(generator, like)
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=device).to(like.device)


def uniform_time(like: Tensor, generator: Generator | None = None) -> Tensor:
    """One time t ~ U[0, 1) for each row of `like` (n, d), as a column (n, 1)."""
    device = device_of(generator, like)
    return torch.rand(len(like), 1, generator=generator, dtype=like.dtype, device=device).to(like.device)


def permutation(n: int, like: Tensor, generator: Generator | None = None) -> Tensor:
    """The numbers 0 to n - 1 in random order, on the device of `like`."""
    device = device_of(generator, like)
    return torch.randperm(n, generator=generator, device=device).to(like.device)
