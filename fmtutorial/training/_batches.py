"""The parts of the training loop: batches, the learning rate's schedule, and the average of the weights."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


def batches(data, batch_size: int, n_steps: int, generator, device) -> Iterator:
    """`n_steps` batches: shuffled epochs of a tensor, or fresh samples, drawn many batches at a time.

    From a tuple of tensors, or a sampler that returns one, each batch is a tuple of the same rows of each.
    """
    left = n_steps
    while left > 0:
        if hasattr(data, "sample"):
            pool = as_tuple(data.sample(batch_size * min(left, 100), generator))
        else:
            pool = as_tuple(data)
            where = pool[0].device if generator is None else generator.device
            order = torch.randperm(len(pool[0]), generator=generator, device=where).to(pool[0].device)
            pool = tuple(x[order] for x in pool)
        columns = [x.to(device).split(batch_size) for x in pool]
        for batch in list(zip(*columns, strict=True))[:left]:
            yield batch if len(batch) > 1 else batch[0]
            left -= 1


def as_tuple(batch) -> tuple[Tensor, ...]:
    """(x1,) from x1 alone; a tuple (x1, y) stays what it is."""
    return batch if isinstance(batch, tuple) else (batch,)


def ema_update(decay: float) -> Callable:
    """average <- d average + (1 - d) weights; d grows to `decay`, or the first weights would linger."""

    def update(averages, weights, n_averaged):
        d = min(decay, (1 + int(n_averaged)) / (10 + int(n_averaged)))
        get_ema_multi_avg_fn(d)(averages, weights, n_averaged)

    return update


def warmup_cosine(step: int, n_steps: int) -> float:
    """A factor that rises linearly over the first 5 % of the steps, then falls to 0 as a half cosine."""
    warmup = max(1, n_steps // 20)
    if step < warmup:
        return step / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, n_steps - warmup)))
