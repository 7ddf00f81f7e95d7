"""How many steps pay on few points, which many steps would memorise: a held-out share of them says."""

import contextlib
import copy
import math

import torch
from torch import Generator, nn

from fmtutorial import _validate
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.training._batches import batches
from fmtutorial.training._sources import Source, StoredData
from fmtutorial.training.loop import TrainingHistory, train
from fmtutorial.training.losses import cfm_loss, stable_cfm_loss

FEW_POINTS = 5000  # below, a held-out share of the points says how many steps pay
HELD_OUT = 0.2  # that share, unless another is given
CHECK_EVERY = 50  # steps from one look at it to the next
N_HELD_TERMS = 4000  # noises and times, at least, in a held-out loss


def share_to_hold_out(
    held_out: float | None, source: Source, n_steps: int | None, n_epochs: int | None
) -> float:
    """The share of the points to hold out, or 0 to hold out none."""
    n_points = source.n_points
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


def steps_that_pay(
    model: nn.Module,
    source: Source,
    path: AffineGaussianPath,
    n_steps: int,
    held_out: float,
    recipe: dict[str, object],
) -> tuple[int, TrainingHistory | None]:
    """The number of steps after which a copy of the model fits a held-out share of the points best.

    The search ends after n_steps, or 200 past twice the best number so far. If it is interrupted the model
    gets what the copy has learnt, and the second answer is the search's history; else it is None.
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
        if total < best_loss:
            best_loss = total
            best_step = step
        elif step > 2 * best_step + 200:
            raise _EnoughError

    # the search, on a copy
    searched = copy.deepcopy(model)
    search = recipe | {"callback": look, "callback_every": CHECK_EVERY}
    with contextlib.suppress(_EnoughError):
        history = train(searched, learnt, path, n_steps, **search)
        if history.interrupted:
            model.load_state_dict(searched.state_dict())
            model.eval()
            return best_step, history
    return best_step, None
