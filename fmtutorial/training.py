"""The conditional flow matching objective, and the loop that minimises it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import Dataset, get_worker_info
from tqdm.auto import tqdm

from fmtutorial import _random, _validate
from fmtutorial._loop import batches, ema_update, warmup_cosine
from fmtutorial.checkpoints import load_checkpoint, save_checkpoint
from fmtutorial.paths import AffineGaussianPath, StraightPath

__all__ = [
    "FlowMatchingDataset",
    "TrainingHistory",
    "cfm_loss",
    "load_checkpoint",
    "save_checkpoint",
    "train",
]


class FlowMatchingDataset(Dataset):
    """The textbook form: a data set of (x_t, t, u_t), one fresh x0 and t for each item that is read.

    The n_samples data points x1 are drawn once. Items have the shapes (d,), (1,) and (d,), and
    u_t = x1 - (1 - sigma_min) x0 belongs to the same x0 as x_t. `train` does the same faster.
    """

    def __init__(self, mixture, n_samples=1000, sigma_min=1e-4, generator: Generator | None = None):
        self.path = StraightPath(sigma_min)
        self.x1 = mixture.sample(_validate.positive_int(n_samples, "n_samples"), generator)
        self.generator = generator

    def __len__(self) -> int:
        return len(self.x1)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        x1, generator = self.x1[i], self._generator()
        x0 = _random.normal_like(x1, generator)
        t = _random.uniform_time(x1[:1], generator)[0]
        x_t = self.path.alpha(t) * x1 + self.path.sigma(t) * x0
        u_t = self.path.alpha_dot(t) * x1 + self.path.sigma_dot(t) * x0
        return x_t, t, u_t

    def _generator(self) -> Generator | None:
        """The generator given, or in a DataLoader's worker one with a seed of the worker's own."""
        worker = get_worker_info()
        if worker is not None and self.generator is not None and self.generator.initial_seed() != worker.seed:
            self.generator = Generator().manual_seed(worker.seed)
        return self.generator


def cfm_loss(model, x1: Tensor, path: AffineGaussianPath, generator: Generator | None = None) -> Tensor:
    """The conditional flow matching loss of one batch, a scalar (Lipman et al. 2023, eq. 9).

    E |v_theta(x_t, t) - u_t|^2 with t ~ U[0, 1], x0 ~ N(0, I), x_t = alpha x1 + sigma x0 and
    u_t = alpha' x1 + sigma' x0; the mean is over the batch *and* the elements of x.
    """
    t = _random.uniform_time(x1, generator)
    x0 = _random.normal_like(x1, generator)
    x_t = path.alpha(t) * x1 + path.sigma(t) * x0
    u_t = path.alpha_dot(t) * x1 + path.sigma_dot(t) * x0
    v = model(x_t, t)
    if v.shape != u_t.shape:  # broadcasting would go unnoticed
        raise ValueError(f"model must return the shape {tuple(u_t.shape)}, got {tuple(v.shape)}")
    return (v - u_t).square().mean()


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
    x1,
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
    device=None,
    progress: bool = True,
) -> TrainingHistory:
    """Minimise `loss_fn(model, batch, path, generator)` with Adam, in place; return the loss history.

    x1: data (N, d), or anything with `.sample(n, generator)` for fresh data at every step.
    n_steps or n_epochs: exactly one of them; an epoch is one pass over N points.
    schedule: "constant", or "cosine" (a short warm-up to `lr`, then a half cosine down to 0).
    ema: decay, such as 0.999, of an average of the weights, which the model ends with.
    callback: called as (step, model, history) after every `callback_every` steps.
    Interrupting keeps what was trained so far. A loss that is not finite raises FloatingPointError.
    """
    n_steps = _check_and_count_steps(
        x1, path, n_steps, n_epochs, batch_size, lr, schedule, ema, callback_every
    )
    device = torch.device(device) if device is not None else next(model.parameters()).device
    model.to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=device.type in ("cpu", "cuda"))
    average = None if ema is None else AveragedModel(model, multi_avg_fn=ema_update(ema))
    shown = model if average is None else average.module
    history, start = TrainingHistory(), time.perf_counter()
    try:
        with tqdm(total=n_steps, disable=not progress, desc="training", mininterval=0.5) as bar:
            for step, batch in enumerate(batches(x1, batch_size, n_steps, generator, device), start=1):
                if schedule == "cosine":
                    optimizer.param_groups[0]["lr"] = lr * warmup_cosine(step, n_steps)
                optimizer.zero_grad(set_to_none=True)
                loss = loss_fn(model, batch, path, generator)
                loss.backward()
                optimizer.step()
                history.losses.append(loss.item())
                if not math.isfinite(history.losses[-1]):
                    raise FloatingPointError(
                        f"the loss became {history.losses[-1]} at step {step} of {n_steps}; "
                        "try a smaller lr, and check the model's output and the data's scale"
                    )
                if average is not None:
                    average.update_parameters(model)
                bar.update()
                if callback is not None and step % callback_every == 0:
                    callback(step, shown, history)
    except KeyboardInterrupt:
        history.interrupted = True
        print(
            f"Interrupted after step {len(history.losses)} of {n_steps}: the model keeps what it has learnt."
        )
    if average is not None and history.losses:
        model.load_state_dict(average.module.state_dict())
    history.seconds = time.perf_counter() - start
    return history


def _check_and_count_steps(x1, path, n_steps, n_epochs, batch_size, lr, schedule, ema, callback_every) -> int:
    """Check every argument of `train` once; return the number of steps."""
    if isinstance(x1, Tensor):
        _validate.points(x1, "x1")
        if len(x1) == 0:
            raise ValueError("x1 must have at least one point, got an empty tensor")
    elif not hasattr(x1, "sample"):
        raise TypeError(
            f"x1 must be a tensor (N, d) or have a .sample(n, generator), got {type(x1).__name__}"
        )
    if not isinstance(path, AffineGaussianPath):
        raise TypeError(f"path must be an AffineGaussianPath such as StraightPath, got {type(path).__name__}")
    _validate.positive_int(batch_size, "batch_size")
    _validate.positive_int(callback_every, "callback_every")
    _validate.real(lr, "lr", low=0.0, open_low=True)
    _validate.one_of(schedule, "schedule", ("constant", "cosine"))
    if ema is not None:
        _validate.real(ema, "ema", low=0.0, high=1.0, open_high=True)
    if (n_steps is None) == (n_epochs is None):
        raise ValueError(f"give exactly one of n_steps and n_epochs, got {n_steps} and {n_epochs}")
    if n_steps is not None:
        return _validate.positive_int(n_steps, "n_steps")
    if not isinstance(x1, Tensor):
        raise ValueError("n_epochs needs x1 to be a tensor of data; give n_steps for samples drawn afresh")
    return _validate.positive_int(n_epochs, "n_epochs") * math.ceil(len(x1) / batch_size)
