"""The recipe that we recommend: a network, a loss and a schedule that suit the data."""

import inspect
import warnings
from functools import partial

from torch import Generator, Tensor, nn

from fmtutorial import _random, _validate
from fmtutorial._types import DataSource
from fmtutorial.paths import AffineGaussianPath, StraightPath
from fmtutorial.training._held_out import share_to_hold_out, steps_that_pay
from fmtutorial.training._sources import ChangedData, Columns, as_source
from fmtutorial.training.loop import TrainingHistory, train
from fmtutorial.training.losses import cfm_loss, pair_loss, stable_cfm_loss
from fmtutorial.training.networks import recommended_network
from fmtutorial.training.residuals import residual_flow
from fmtutorial.training.standardized import standardized_flow

DEFAULT_STEPS = 3950  # as many as the textbook's recipe takes
# What people try first, and what it is called here.
OTHER_NAMES = {
    "coupling": "give loss_fn=functools.partial(cfm_loss, coupling=...)",
    "sigma_min": "give path=StraightPath(sigma_min)",
    "epochs": "give n_epochs",
    "steps": "give n_steps",
    "learning_rate": "give lr",
    "seed": "give generator=torch.Generator().manual_seed(seed)",
}
N_FOR_SCALE = 10_000  # examples of a sampler that show its mean and deviation, to about 1 %


def fit(
    data: Columns | DataSource,
    path: AffineGaussianPath | None = None,
    n_steps: int | None = None,
    generator: Generator | None = None,
    *,
    condition: Tensor | None = None,
    condition_dropout: float | None = None,
    model: nn.Module | None = None,
    standardize: bool | str = False,
    held_out: float | None = None,
    **options,
) -> tuple[nn.Module, TrainingHistory]:
    """The recommended network, trained by the recommended recipe: return (model, history).

    data: points (N, d), a tuple (x1, y), or anything whose `.sample(n, generator)` returns such, fresh at
    every step. condition: y for points, classes (N,) or numbers (N, c), dropped for a share of
    `condition_dropout` of the examples, 0.1 unless given, so that the model is the unconditional one too. A
    new network has the dtype of the data. path: `StraightPath()` unless given. The recipe is
    `stable_cfm_loss` (`cfm_loss` with conditions), batches of 256, lr 0.01 and a cosine schedule; `options`
    change it and go to `train`. n_steps: 3950 unless given, or unless `n_epochs` is.
    Data of about unit scale, or standardize=True: the model then is a `StandardizedFlow`, which learns
    (x - mean) / std of each column and has `.sample(n)` and `.log_prob(x)` in the units of the data. The mean
    and std of a sampler are those of one draw of 10,000. Conditions that are numbers are standardised too.
    standardize="residuals", for such conditions: the model is a `ResidualFlow`, which learns what a linear
    regression of x on y leaves, made white.
    held_out: a share of the points that chooses the number of steps, up to n_steps: the one after which it is
    fitted best. A fresh start then learns from all points for as many, with lr 0.005 and an average of the
    weights (ema 0.99) in the place of the schedule. Unless given it is 0.2 for fewer than 5000 points without
    n_steps and n_epochs, which would be memorised otherwise, and else 0.
    """
    # what to learn from, and along which path
    _check_names(options)
    _random.device_of(generator)  # TypeError for a seed
    source = as_source(data, condition)
    of_residuals = _is_of_residuals(standardize)
    condition_dropout = _checked_dropout(condition_dropout, of_residuals)
    if path is None:
        path = StraightPath()
    are_pairs = options.get("loss_fn") is pair_loss
    if are_pairs and standardize:
        raise ValueError("standardize must be False with pair_loss, whose noise and data belong together")

    # a network that suits the data
    x1, *conditions = source.example(generator)
    if are_pairs:  # (x0, x1), or (x0, x1, y)
        conditions = conditions[1:]
    y = None
    if conditions:
        y = conditions[0]
    if of_residuals and (y is None or not y.is_floating_point()):
        raise ValueError('standardize="residuals" needs conditions that are numbers, (N, c)')
    if model is None:
        if source.n_points is None and y is not None and not y.is_floating_point():
            raise ValueError("model must be given for a sampler of classes, whose number is not known here")
        model = recommended_network(x1, y, unconditional=condition_dropout > 0, generator=generator)
        model.to(x1.dtype)

    # a loss that suits them
    loss_fn = stable_cfm_loss
    if y is not None:
        loss_fn = partial(cfm_loss, condition_dropout=condition_dropout)

    # the scale of the data: taken away, or warned of
    trained = model
    if standardize:
        examples = source.draw(N_FOR_SCALE, generator) if source.n_points is None else source.columns
        make_flow = standardized_flow
        if of_residuals:
            make_flow = residual_flow
        model = make_flow(model, path, *examples[:2])
        source = ChangedData(source, model.standardized_columns)
    elif source.n_points is None:
        source = ChangedData(source, _warned_of_scale)
    else:
        _warn_of_scale(x1)

    recipe = {"batch_size": 256, "lr": 1e-2, "schedule": "cosine", "loss_fn": loss_fn, "generator": generator}

    # as many steps as were asked for, or as pay
    n_epochs = options.get("n_epochs")
    held_out = share_to_hold_out(held_out, source, n_steps, n_epochs)
    if n_steps is None and n_epochs is None:
        n_steps = DEFAULT_STEPS
    history = None
    if held_out > 0:
        recipe |= {"lr": 5e-3, "schedule": "constant", "ema": 0.99}
        n_steps, history = steps_that_pay(trained, source, path, n_steps, held_out, recipe | options)
    if history is None:  # the search, if there was one, was not interrupted
        history = train(trained, source, path, n_steps, **(recipe | options))
    model.to(next(trained.parameters()).device).eval()
    return model, history


def _is_of_residuals(standardize: bool | str) -> bool:
    """Is `standardize` the word "residuals"? ValueError for any other word or thing."""
    if isinstance(standardize, bool):
        return False
    if standardize != "residuals":
        raise ValueError(f'standardize must be True, False or "residuals", got {standardize!r}')
    return True


def _checked_dropout(condition_dropout: float | None, of_residuals: bool) -> float:
    """The share of conditions to drop; none for residuals, which need them."""
    if condition_dropout is None:
        return 0.0 if of_residuals else 0.1
    share = _validate.real(condition_dropout, "condition_dropout", low=0.0, high=1.0, open_high=True)
    if of_residuals and share > 0:
        raise ValueError(f'condition_dropout must be 0 with standardize="residuals", got {share}')
    return share


def _check_names(options: dict) -> None:
    """Raise TypeError for an option that `train` does not have, and say which are meant by some."""
    allowed = [name for name in inspect.signature(train).parameters if name not in ("model", "x1", "path")]
    for name in options:
        if name not in allowed:
            known = f": {OTHER_NAMES[name]}" if name in OTHER_NAMES else ""
            raise TypeError(f"options of fit are {', '.join(allowed)}, got {name}{known}")


def _warned_of_scale(columns: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the columns that a sampler drew, after a warning if they are far from unit scale."""
    _warn_of_scale(columns[0])
    return columns


def _warn_of_scale(x1: Tensor) -> None:
    """Warn if the data are far from unit scale, where the recipe's network and rate do badly."""
    if len(x1) < 2:
        return
    mean = float(x1.mean(0).abs().max())
    widths = x1.std(0)
    widest, narrowest = float(widths.max()), float(widths.min())
    if mean > 10 or widest > 20 or widest < 0.1:
        warnings.warn(
            f"data are far from unit scale: their columns have means up to {mean:.3g} and deviations "
            f"from {narrowest:.3g} to {widest:.3g}. Give fit(..., standardize=True)",
            stacklevel=3,
        )
