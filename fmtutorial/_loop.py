"""The parts of the training loop: batches, the learning rate's schedule, and the average of the weights."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn


def batches(x1, batch_size: int, n_steps: int, generator, device) -> Iterator[Tensor]:
    """`n_steps` batches: shuffled epochs of a tensor, or fresh samples, drawn many batches at a time."""
    left = n_steps
    while left > 0:
        if isinstance(x1, Tensor):
            where = x1.device if generator is None else generator.device
            order = torch.randperm(len(x1), generator=generator, device=where).to(x1.device)
            pool = x1[order]
        else:
            pool = x1.sample(batch_size * min(left, 100), generator)
        for batch in pool.to(device).split(batch_size)[:left]:
            yield batch
            left -= 1


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
