"""Weights of new networks from an explicit generator; PyTorch has only its global one for them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator

from fmtutorial import _random


@contextmanager
def weights_from(generator: Generator | None) -> Iterator[None]:
    """Networks made inside get weights that `generator` decides; PyTorch's own state is left as it was.

    Without a generator the weights come from PyTorch's own state, as everywhere.
    """
    if generator is None:
        yield
        return
    device = _random.device_of(generator)
    seed = int(torch.randint(2**31, (1,), generator=generator, device=device))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
