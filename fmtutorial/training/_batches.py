"""The parts of the training loop: batches, the learning rate's schedule, and the average of the weights."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from fmtutorial.training._sources import Columns, Source

BATCHES_AT_ONCE = 100  # of fresh samples: drawing many at a time is faster


def batches(
    source: Source, batch_size: int, n_steps: int, generator: Generator | None, device: torch.device
) -> Iterator[Columns]:
    """`n_steps` batches from shuffled epochs of stored data, or from fresh samples.

    A batch is a tensor x1, or a tuple of the same rows of each column where there are several.
    """
    n_missing = n_steps
    while n_missing > 0:
        pool = source.draw(batch_size * min(n_missing, BATCHES_AT_ONCE), generator)
        sizes = batch_sizes(len(pool[0]), batch_size)
        columns = [column.to(device).split(sizes) for column in pool]
        for batch in list(zip(*columns, strict=True))[:n_missing]:
            yield batch if len(batch) > 1 else batch[0]
            n_missing -= 1


def batch_sizes(n: int, batch_size: int) -> list[int]:
    """How many of n examples go into each batch: the last may be smaller, but is never a single one.

    One example has no variance, which batch normalisation needs, and would weigh as much as a whole batch.
    """
    sizes = [batch_size] * (n // batch_size)
    rest = n % batch_size
    if rest == 1 and sizes:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


def ema_update(decay: float) -> Callable:
    """average <- d average + (1 - d) weights; d grows to `decay`, or the first weights would linger."""

    def update(averages: list[Tensor], weights: list[Tensor], n_averaged: Tensor) -> None:
        """Move the averages towards the weights, in place."""
        d = min(decay, (1 + int(n_averaged)) / (10 + int(n_averaged)))
        get_ema_multi_avg_fn(d)(averages, weights, n_averaged)

    return update


def warmup_cosine(step: int, n_steps: int) -> float:
    """A factor that rises linearly over the first 5 % of the steps, then falls to 0 as a half cosine."""
    warmup = max(1, n_steps // 20)
    if step < warmup:
        return step / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, n_steps - warmup)))
