"""The conditional flow matching objective: as a data set of triples, and as the loss of a whole batch."""

import torch
from torch import Generator, Tensor, nn
from torch.utils.data import Dataset, get_worker_info

from fmtutorial import _random, _validate
from fmtutorial._callables import answer, check_callable, draw
from fmtutorial._types import ConditionalVelocity, Coupling, DataSource, Velocity
from fmtutorial.paths import AffineGaussianPath, StraightPath
from fmtutorial.training._sources import Columns, as_columns


class FlowMatchingDataset(Dataset):
    """The textbook form: a data set of (x_t, t, u_t), one fresh x0 and t for each item that is read.

    The n_samples data points x1 are drawn once. Items have the shapes (d,), (1,) and (d,), and
    u_t = x1 - (1 - sigma_min) x0 belongs to the same x0 as x_t. `train` does the same faster.
    With a DataLoader that has workers, each draws from a seed that the loader takes from its own generator:
    for the same items again, give one to `DataLoader(..., generator=...)` or call `torch.manual_seed`.
    """

    def __init__(
        self,
        mixture: DataSource,
        n_samples: int = 1000,
        sigma_min: float = 1e-4,
        generator: Generator | None = None,
    ):
        self.path = StraightPath(sigma_min)
        n_samples = _validate.positive_int(n_samples, "n_samples")
        self.x1 = draw(mixture, n_samples, generator, "mixture")[0]
        self.generator = generator

    def __len__(self) -> int:
        return len(self.x1)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        generator = self._generator()
        x1 = self.x1[i]
        x0 = _random.normal_like(x1, generator)
        t = _random.uniform_time(x1[:1], generator)[0]
        x_t, u_t = self.path.point_and_target(x0, x1, t)
        return x_t, t, u_t

    def __getstate__(self) -> dict:
        """What is pickled for a spawned worker: plain bytes in the place of a generator's shared memory."""
        state = self.__dict__.copy()
        if self.generator is not None:
            state["generator"] = (str(self.generator.device), bytes(self.generator.get_state().numpy()))
        return state

    def __setstate__(self, state: dict) -> None:
        """The data set again, with a generator that goes on where the pickled one was."""
        self.__dict__ |= state
        if self.generator is not None:
            device, numbers = self.generator
            self.generator = Generator(device)
            self.generator.set_state(torch.frombuffer(bytearray(numbers), dtype=torch.uint8))

    def _generator(self) -> Generator | None:
        """The generator given, or in a DataLoader's worker one with a seed of the worker's own."""
        worker = get_worker_info()
        if worker is None or self.generator is None:
            return self.generator
        if self.generator.initial_seed() != worker.seed:  # the first item that this worker reads
            self.generator = Generator().manual_seed(worker.seed)
        return self.generator


def cfm_loss(
    model: Velocity | ConditionalVelocity,
    batch: Columns,
    path: AffineGaussianPath,
    generator: Generator | None = None,
    *,
    coupling: Coupling | None = None,
    condition_dropout: float = 0.0,
) -> Tensor:
    """The conditional flow matching loss of one batch, a scalar (Lipman et al. 2023, eq. 9).

    E |v_theta(x_t, t) - u_t|^2 with t ~ U[0, 1], x0 ~ N(0, I), x_t = alpha x1 + sigma x0 and
    u_t = alpha' x1 + sigma' x0; the mean is over the batch *and* the elements of x.
    batch: x1 (n, d), or a tuple (x1, y) for v_theta(x_t, t, y), of which a share of `condition_dropout`
    goes without y. coupling: a function (x0, x1) -> permutation (n,) that chooses the x1 for each x0.
    """
    x1, *conditions = as_columns(batch)
    t = _random.uniform_time(x1, generator)
    x0 = _random.normal_like(x1, generator)
    if coupling is not None:
        check_callable(coupling, "coupling", "x0, x1")
        permutation = _checked_permutation(coupling(x0, x1), len(x1))
        x1 = x1[permutation]
        conditions = [y[permutation] for y in conditions]
    x_t, u_t = path.point_and_target(x0, x1, t)
    if conditions and condition_dropout:
        keep = _random.uniform_time(x1, generator) >= condition_dropout
        conditions.append(keep)
    return mean_square(answer(model, "model", x_t, t, *conditions), u_t)


def pair_loss(
    model: Velocity | ConditionalVelocity,
    pairs: tuple[Tensor, ...],
    path: AffineGaussianPath,
    generator: Generator | None = None,
) -> Tensor:
    """The conditional flow matching loss of given pairs (x0, x1), a scalar: `cfm_loss`, but x0 is not drawn.

    For noise and data that belong together, such as `reflow_pairs` makes; (x0, x1, y) with conditions.
    """
    if not isinstance(pairs, tuple) or len(pairs) < 2:
        raise TypeError(f"pairs must be a tuple (x0, x1) or (x0, x1, y), got {type(pairs).__name__}")
    x0, x1, *conditions = pairs
    _validate.same_shape(x0, "x0", x1, "x1")
    t = _random.uniform_time(x1, generator)
    x_t, u_t = path.point_and_target(x0, x1, t)
    return mean_square(answer(model, "model", x_t, t, *conditions), u_t)


def stable_cfm_loss(
    model: Velocity, x1: Tensor, path: AffineGaussianPath, generator: Generator | None = None
) -> Tensor:
    """The CFM loss with each target averaged over its batch: the same minimum, far less noise.

    Any x1_j of the batch may have led to x_t, with probability w_j ~ N(x_t; alpha x1_j, sigma^2 I). In the
    place of u_t(x_t | x1) the target is sum_j w_j u_t(x_t | x1_j), which has the same mean given x_t, and so
    the same minimiser (Xu, Tong, Jaakkola 2023, for scores). x1 (n, d): drawn independently, no conditions.
    """
    if isinstance(x1, tuple):
        raise TypeError(
            "stable_cfm_loss takes points alone, got a tuple with conditions: use cfm_loss, whose targets "
            "are not averaged over other conditions"
        )
    t = _random.uniform_time(x1, generator)
    x0 = _random.normal_like(x1, generator)
    x_t, u_t = path.point_and_target(x0, x1, t)
    stable_u_t = batch_velocity(x1, path, x_t, u_t, t)
    return mean_square(answer(model, "model", x_t, t), stable_u_t)


def batch_velocity(x1: Tensor, path: AffineGaussianPath, x_t: Tensor, u_t: Tensor, t: Tensor) -> Tensor:
    """sum_j w_j u_t(x_t | x1_j), the exact velocity of the batch x1 as a finite data set, of shape (n, d).

    w_j ~ N(x_t; alpha x1_j, sigma^2 I). Row i of x_t and u_t (n, d) is the point and the target of x1_i at
    the time t (n, 1). Where sigma = 0 only x1_i itself leads to x_t, and u_t stays as it is.
    """
    alpha = path.alpha(t)
    sigma = path.sigma(t).clamp(min=torch.finfo(x1.dtype).eps)

    # the mean of the x1_j that may have led to x_t; row i is x_t of example i, column j is x1_j: (n, n)
    # log N(x_t; alpha x1_j, sigma^2 I) without what is the same for all j
    log_w = (alpha * x_t @ x1.T - 0.5 * alpha**2 * x1.square().sum(1)) / sigma**2
    mean = torch.softmax(log_w, dim=1) @ x1  # (n, n) @ (n, d)

    # u_t(x | x1_j) is linear in x1_j, so that its mean is u_t at the mean
    slope = path.alpha_dot(t) - alpha * path.sigma_dot(t) / sigma
    return u_t + slope * (mean - x1)


def _checked_permutation(permutation: Tensor, n: int) -> Tensor:
    """Return what a coupling gave, if it is a row of x1 for each x0."""
    if not isinstance(permutation, Tensor) or permutation.dtype != torch.long or permutation.shape != (n,):
        kind = type(permutation).__name__
        if isinstance(permutation, Tensor):
            kind = f"{permutation.dtype} of shape {tuple(permutation.shape)}"
        raise TypeError(
            f"coupling(x0, x1) must return the row of x1 for each x0, int64 of shape ({n},), got {kind}; "
            "`ot_permutation` is such a function"
        )
    return permutation


def mean_square(v: Tensor, u_t: Tensor) -> Tensor:
    """|v - u_t|^2, a mean over the batch and the elements."""
    if not isinstance(v, Tensor):
        raise TypeError(f"model must return a torch.Tensor, got {type(v).__name__}")
    if v.shape != u_t.shape:  # broadcasting would go unnoticed
        raise ValueError(f"model must return the shape {tuple(u_t.shape)}, got {tuple(v.shape)}")
    if len(v) == 0:
        raise ValueError("batch must have at least one row, got an empty one")
    return nn.functional.mse_loss(v, u_t)
