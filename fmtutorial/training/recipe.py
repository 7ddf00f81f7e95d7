"""The recipe that we recommend: a network, a loss and a schedule that suit the data."""

import contextlib
import copy
import math
import warnings
from functools import partial

import torch
from torch import Generator, Tensor, nn

from fmtutorial import _validate
from fmtutorial._types import DataSource
from fmtutorial.paths import AffineGaussianPath, StraightPath
from fmtutorial.training._batches import batches
from fmtutorial.training._sources import Columns, Source, StoredData, as_source
from fmtutorial.training.loop import TrainingHistory, train
from fmtutorial.training.losses import cfm_loss, stable_cfm_loss
from fmtutorial.training.networks import recommended_network

DEFAULT_STEPS = 3950  # the last that pays on the course's mixture; chapter 04
FEW_POINTS = 5000  # below, a held-out share of the points says how many steps pay
HELD_OUT = 0.2  # that share, unless another is given
CHECK_EVERY = 50  # steps from one look at it to the next
N_HELD_TERMS = 4000  # noises and times, at least, in a held-out loss


def fit(
    data: Columns | DataSource,
    path: AffineGaussianPath | None = None,
    n_steps: int | None = None,
    generator: Generator | None = None,
    *,
    condition: Tensor | None = None,
    condition_dropout: float = 0.1,
    model: nn.Module | None = None,
    held_out: float | None = None,
    **options,
) -> tuple[nn.Module, TrainingHistory]:
    """The recommended network, trained by the recommended recipe: return (model, history).

    data: points (N, d), a tuple (x1, y), or anything whose `.sample(n, generator)` returns such, fresh at
    every step. condition: y for points, classes (N,) or numbers (N, c), dropped for a share of
    `condition_dropout` of the examples, so that the model is the unconditional one too. A new network has
    the dtype of the data. path: `StraightPath()` unless given. The recipe is `stable_cfm_loss` (`cfm_loss`
    with conditions), batches of 256, lr 0.01 and a cosine schedule; `options` change it and go to `train`.
    Data of about unit scale. n_steps: 3950 unless given, or unless `n_epochs` is.
    held_out: a share of the points that chooses the number of steps, up to n_steps: the one after which it is
    fitted best. A fresh start then learns from all points for as many, with lr 0.005 and an average of the
    weights (ema 0.99) in the place of the schedule. Unless given it is 0.2 for fewer than 5000 points without
    n_steps and n_epochs, which would be memorised otherwise, and else 0.
    """
    # what to learn from, and along which path
    source = as_source(data, condition)
    _validate.real(condition_dropout, "condition_dropout", low=0.0, high=1.0, open_high=True)
    if path is None:
        path = StraightPath()

    # a network that suits the data
    x1, *conditions = source.example(generator)
    y = None
    if conditions:
        y = conditions[0]
    if model is None:
        if source.n_points is None and y is not None and not y.is_floating_point():
            raise ValueError("model must be given for a sampler of classes, whose number is not known here")
        model = recommended_network(x1, y, unconditional=condition_dropout > 0, generator=generator)
        model.to(x1.dtype)
    _warn_of_scale(x1)

    # a loss that suits them
    loss_fn = stable_cfm_loss
    if y is not None:
        loss_fn = partial(cfm_loss, condition_dropout=condition_dropout)

    recipe = {"batch_size": 256, "lr": 1e-2, "schedule": "cosine", "loss_fn": loss_fn, "generator": generator}

    # as many steps as were asked for, or as pay
    held_out = _checked_share(held_out, source, n_steps, options)
    if n_steps is None and options.get("n_epochs") is None:
        n_steps = DEFAULT_STEPS
    if held_out > 0:
        recipe |= {"lr": 5e-3, "schedule": "constant", "ema": 0.99}
        n_steps = _steps_that_pay(model, source, path, n_steps, held_out, recipe | options)
    return model, train(model, source, path, n_steps, **(recipe | options))


def _checked_share(
    held_out: float | None, source: Source, n_steps: int | None, options: dict[str, object]
) -> float:
    """The share of the points to hold out, or 0 to hold out none."""
    n_points = source.n_points
    n_epochs = options.get("n_epochs")
    if held_out is None:
        are_few = n_points is not None and 1 < n_points < FEW_POINTS
        if are_few and n_steps is None and n_epochs is None:
            return HELD_OUT
        return 0.0
    held_out = _validate.real(held_out, "held_out", low=0.0, high=1.0, open_high=True)
    if held_out == 0:
        return 0.0
    if n_points is None:
        raise ValueError(f"held_out must be 0 for a sampler, whose points are always new, got {held_out}")
    if n_epochs is not None:
        raise ValueError(f"held_out chooses a number of steps: give n_steps, got n_epochs={n_epochs}")
    if not 1 <= round(held_out * n_points) < n_points:
        raise ValueError(f"held_out must leave points on both sides, got {held_out} of {n_points} points")
    return held_out


class _EnoughError(Exception):
    """Raised by a callback to end a training that no longer improves."""


def _steps_that_pay(
    model: nn.Module,
    source: StoredData,
    path: AffineGaussianPath,
    n_steps: int,
    held_out: float,
    recipe: dict[str, object],
) -> int:
    """The number of steps after which a copy of the model fits a held-out share of the points best.

    The search ends after n_steps, or 200 past twice the best number so far.
    """
    # hold out a random share, repeated for many noises and times, in batches as a coupling would have them
    n_held = max(1, round(held_out * source.n_points))
    n_copies = math.ceil(N_HELD_TERMS / n_held)
    columns = source.draw(source.n_points, recipe["generator"])
    held = StoredData(tuple(torch.cat([column[:n_held]] * n_copies) for column in columns))
    learnt = tuple(column[n_held:] for column in columns)
    n_batches = math.ceil(N_HELD_TERMS / recipe["batch_size"])

    # the loss that judges: targets that are averaged would depend on who else is held out
    loss_fn = recipe["loss_fn"]
    if loss_fn is stable_cfm_loss:
        loss_fn = cfm_loss
    best_loss = math.inf
    best_step = min(CHECK_EVERY, n_steps)

    def look(step: int, model: nn.Module, history: TrainingHistory) -> None:
        """Remember the step if it is the best; the noises and times are the same at every look."""
        nonlocal best_loss, best_step
        device = next(model.parameters()).device
        seeded = Generator().manual_seed(0)
        total = 0.0
        model.eval()
        with torch.no_grad():
            for batch in batches(held, recipe["batch_size"], n_batches, seeded, device):
                total += float(loss_fn(model, batch, path, seeded))
        model.train()
        loss = total / n_batches
        if loss < best_loss:
            best_loss = loss
            best_step = step
        elif step > 2 * best_step + 200:
            raise _EnoughError

    search = recipe | {"callback": look, "callback_every": CHECK_EVERY}
    with contextlib.suppress(_EnoughError):
        train(copy.deepcopy(model), learnt, path, n_steps, **search)
    return best_step


def _warn_of_scale(x1: Tensor) -> None:
    """Warn if the data are far from unit scale, where the recipe's network and rate do badly."""
    if len(x1) < 2:  # one example of a sampler tells nothing
        return
    mean = float(x1.mean(0).abs().max())
    widths = x1.std(0)
    widest, narrowest = float(widths.max()), float(widths.min())
    if mean > 10 or widest > 20 or widest < 0.1:
        warnings.warn(
            f"data are far from unit scale: their columns have means up to {mean:.3g} and deviations "
            f"from {narrowest:.3g} to {widest:.3g}. Fit (data - mean) / std, and undo it when sampling",
            stacklevel=3,
        )
