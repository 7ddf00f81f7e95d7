"""The recipe that we recommend: a network, a loss and a schedule that suit the data."""

import warnings
from functools import partial

from torch import Generator, Tensor, nn

from fmtutorial import _validate
from fmtutorial._types import DataSource
from fmtutorial.paths import AffineGaussianPath, StraightPath
from fmtutorial.training._sources import Columns, as_source
from fmtutorial.training.loop import TrainingHistory, train
from fmtutorial.training.losses import cfm_loss, stable_cfm_loss
from fmtutorial.training.networks import recommended_network

DEFAULT_STEPS = 3950  # the last that pays on the course's mixture; chapter 04


def fit(
    data: Columns | DataSource,
    path: AffineGaussianPath | None = None,
    n_steps: int | None = None,
    generator: Generator | None = None,
    *,
    condition: Tensor | None = None,
    condition_dropout: float = 0.1,
    model: nn.Module | None = None,
    **options,
) -> tuple[nn.Module, TrainingHistory]:
    """The recommended network, trained by the recommended recipe: return (model, history).

    data: points (N, d), a tuple (x1, y), or anything whose `.sample(n, generator)` returns such, fresh at
    every step. condition: y for points, classes (N,) or numbers (N, c), dropped for a share of
    `condition_dropout` of the examples, so that the model is the unconditional one too. A new network has
    the dtype of the data. n_steps: 3950 unless given, or unless `n_epochs` is.
    path: `StraightPath()` unless given. The recipe is `stable_cfm_loss` (`cfm_loss` with conditions), batches
    of 256, lr 0.01 and a cosine schedule; `options` change it and go to `train`. Data of about unit scale.
    For a few hundred points `loss_fn=cfm_loss`, which is slower to memorise them, is the better choice.
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
    if n_steps is None and options.get("n_epochs") is None:
        n_steps = DEFAULT_STEPS
    _warn_of_scale(x1)

    # a loss that suits them
    loss_fn = stable_cfm_loss
    if y is not None:
        loss_fn = partial(cfm_loss, condition_dropout=condition_dropout)

    recipe = {"batch_size": 256, "lr": 1e-2, "schedule": "cosine", "loss_fn": loss_fn, "generator": generator}
    return model, train(model, source, path, n_steps, **(recipe | options))


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
