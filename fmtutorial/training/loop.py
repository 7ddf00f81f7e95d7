"""The loop that minimises the conditional flow matching objective."""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm.auto import tqdm

from fmtutorial import _validate
from fmtutorial._callables import check_time_is_second
from fmtutorial._types import DataSource
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path
from fmtutorial.training._batches import batch_sizes, batches, ema_update, warmup_cosine
from fmtutorial.training._sources import Columns, as_source
from fmtutorial.training.losses import cfm_loss, pair_loss, stable_cfm_loss

UNDER_PYTEST = "PYTEST_VERSION"  # set by pytest, also for the kernels of notebooks that nbval starts
# In which column of a batch each loss has its conditions; of a loss of one's own nothing is known.
CONDITION_COLUMN = {cfm_loss: 1, pair_loss: 2}


@dataclass
class TrainingHistory:
    """What happened while training: one loss for each step, seconds, and whether it was cut short."""

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    def smoothed(self, window: int = 100) -> Tensor:
        """The running mean of `window` losses: entry i averages steps i to i + window - 1."""
        window = min(_validate.positive_int(window, "window"), max(1, len(self.losses)))
        return torch.tensor(self.losses, dtype=torch.float64).unfold(0, window, 1).mean(-1)


def train(
    model: nn.Module,
    x1: Columns | DataSource,
    path: AffineGaussianPath,
    n_steps: int | None = None,
    n_epochs: int | None = None,
    batch_size: int = 128,
    lr: float = 1e-3,
    *,
    schedule: str = "constant",
    ema: float | None = None,
    loss_fn: Callable = cfm_loss,
    callback: Callable[[int, nn.Module, TrainingHistory], None] | None = None,
    callback_every: int = 100,
    generator: Generator | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> TrainingHistory:
    """Minimise `loss_fn(model, batch, path, generator)` with Adam, in place; return the loss history.

    x1: data (N, d), or a tuple (x1, y) of data and their conditions, or anything whose
    `.sample(n, generator)` returns such data, fresh at every step.
    n_steps or n_epochs: exactly one of them; an epoch is one pass over N points, whose last batch may be
    smaller (a single point left over joins the batch before).
    path: what `loss_fn` takes as its third argument: an affine path, or for `geodesic_loss` a manifold.
    schedule: "constant", or "cosine" (a short warm-up to `lr`, then a half cosine down to 0).
    ema: decay, such as 0.999, of an average of the weights, which the model ends with.
    callback: called as (step, model, history) after every `callback_every` steps.
    The model gets t as a column (n, 1), and ends in eval mode. Data and model have one dtype.
    Interrupting keeps what was trained so far, and goes on behind it, except under pytest, where nobody but a
    time-out interrupts. A loss that is not finite raises FloatingPointError.
    """
    # what to learn from, and for how long
    source = as_source(x1, name="x1")
    _check_model(model)
    if torch.is_inference_mode_enabled():
        raise RuntimeError("train needs gradients: call it outside of torch.inference_mode()")
    loss = getattr(loss_fn, "func", loss_fn)  # what a `partial` calls
    if loss in (cfm_loss, pair_loss, stable_cfm_loss):
        check_time_is_second(model)
        check_path(path)
    if loss in CONDITION_COLUMN:
        source.check_conditions(model, CONDITION_COLUMN[loss])
    _check_options(batch_size, lr, schedule, ema, callback_every)
    n_steps = _count_steps(n_steps, n_epochs, source.n_points, batch_size)

    # the model, its optimizer, and the average of its weights
    device = next(model.parameters()).device if device is None else torch.device(device)
    model.to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=device.type in ("cpu", "cuda"))
    average = None if ema is None else AveragedModel(model, multi_avg_fn=ema_update(ema))
    reported_model = model if average is None else average.module

    # the steps
    history = TrainingHistory()
    start = time.perf_counter()
    try:
        with (
            torch.enable_grad(),
            tqdm(total=n_steps, disable=not progress, desc="training", mininterval=0.5) as bar,
        ):
            for step, batch in enumerate(batches(source, batch_size, n_steps, generator, device), start=1):
                if schedule == "cosine":
                    optimizer.param_groups[0]["lr"] = lr * warmup_cosine(step, n_steps)
                optimizer.zero_grad(set_to_none=True)
                loss = loss_fn(model, batch, path, generator)
                loss.backward()
                optimizer.step()
                history.losses.append(loss.item())
                _check_loss(history.losses[-1], step, n_steps)
                if average is not None:
                    average.update_parameters(model)
                bar.update()
                if callback is not None and step % callback_every == 0:
                    callback(step, reported_model, history)
    except KeyboardInterrupt:
        if UNDER_PYTEST in os.environ:
            raise
        history.interrupted = True
        n_done = len(history.losses)
        print(f"Interrupted after step {n_done} of {n_steps}: the model keeps what it has learnt.")

    # what is left behind: the averaged weights, ready to be used, and the time
    if average is not None and history.losses:
        model.load_state_dict(average.module.state_dict())
    model.eval()
    history.seconds = time.perf_counter() - start
    return history


def _check_model(model: nn.Module) -> None:
    """Raise unless `model` is a network with parameters that can be trained."""
    if not isinstance(model, nn.Module):
        given = model.__name__ if isinstance(model, type) else type(model).__name__
        raise TypeError(f"model must be a torch.nn.Module, an object and not its class, got {given}")
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError(f"model must have parameters to train, got {type(model).__name__} without any")


def _check_options(batch_size: int, lr: float, schedule: str, ema: float | None, callback_every: int) -> None:
    """Raise unless each option of `train` is one of the allowed values."""
    _validate.positive_int(batch_size, "batch_size")
    _validate.real(lr, "lr", low=0.0, open_low=True)
    _validate.one_of(schedule, "schedule", ("constant", "cosine"))
    if ema is not None:
        _validate.real(ema, "ema", low=0.0, high=1.0, open_high=True)
    _validate.positive_int(callback_every, "callback_every")


def _count_steps(n_steps: int | None, n_epochs: int | None, n_points: int | None, batch_size: int) -> int:
    """The number of steps, asked for as such or as passes over `n_points` in batches."""
    if (n_steps is None) == (n_epochs is None):
        raise ValueError(f"give exactly one of n_steps and n_epochs, got {n_steps} and {n_epochs}")
    if n_steps is not None:
        return _validate.positive_int(n_steps, "n_steps")
    if n_points is None:
        raise ValueError("n_epochs needs x1 to be a tensor of data; give n_steps for samples drawn afresh")
    n_batches = len(batch_sizes(n_points, batch_size))
    return _validate.positive_int(n_epochs, "n_epochs") * n_batches


def _check_loss(loss: float, step: int, n_steps: int) -> None:
    """Raise FloatingPointError, with the step and what to try, unless the loss is finite."""
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the loss became {loss} at step {step} of {n_steps}; "
            "try a smaller lr, and check the model's output and the data's scale"
        )
