"""Learning a bridge: its velocity, its noise or its drift by regression.

A square loss has its minimum at the mean of the target given x_t, at each time by itself. So a density of t
changes how much each time counts, and not the minimum. It is chosen to be small where the target's variance
is infinite.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from fmtutorial import _random, _validate
from fmtutorial._callables import answer, as_velocity, check_callable, check_time_is_second
from fmtutorial._types import Coupling, DataSource, Prediction, Score, Time, Velocity
from fmtutorial.paths import StraightPath
from fmtutorial.training import TrainingHistory, train
from fmtutorial.training.losses import mean_square
from fmtutorial.variants.bridges import Bridge, check_bridge

Pairs = tuple[Tensor, Tensor]


def bridge_velocity_loss(
    model: Velocity,
    pairs: Pairs,
    path: Bridge,
    generator: Generator | None = None,
    *,
    coupling: Coupling | None = None,
) -> Tensor:
    """E |v_theta(x_t, t) - dx_t/dt|^2, least at the velocity b = E[dx_t/dt | x_t] (Albergo et al. 2023).

    dx_t/dt = x1 - x0 + gamma' z, and gamma'^2 = s^2 (1 - 2 t)^2 / (4 t (1 - t)) has no mean over uniform t.
    Under the density 6 t (1 - t), that of the middle one of three uniform numbers, its mean is s^2 / 2.
    pairs (x0, x1), each (n, d). coupling: a function (x0, x1) -> rows (n,) that chooses the x1 for each x0.
    """
    x0, x1 = _coupled(pairs, coupling)
    t = _ordered_time(x0, 3, 1, generator)
    x_t, z = path.point_and_noise(x0, x1, t, generator)
    return mean_square(answer(model, "model", x_t, t), path.velocity(x0, x1, z, t))


def bridge_score_loss(
    model: Prediction,
    pairs: Pairs,
    path: Bridge,
    generator: Generator | None = None,
    *,
    coupling: Coupling | None = None,
) -> Tensor:
    """E |z_theta(x_t, t) - z|^2 with t ~ U[0, 1], least at E[z | x_t] = -gamma score(x_t, t).

    It is score matching weighted with gamma^2, as in [SF]^2M (Tong et al. 2024). `score_from_noise` makes a
    score of what it learns. Arguments as in `bridge_velocity_loss`.
    """
    x0, x1 = _coupled(pairs, coupling)
    t = _random.uniform_time(x0, generator)
    x_t, z = path.point_and_noise(x0, x1, t, generator)
    return mean_square(answer(model, "model", x_t, t), z)


def bridge_drift_loss(
    model: Velocity,
    pairs: Pairs,
    path: Bridge,
    generator: Generator | None = None,
    *,
    coupling: Coupling | None = None,
    backward: bool = False,
) -> Tensor:
    """Bridge matching: E |f_theta(x_t, t) - (x1 - x_t)/(1 - t)|^2 (Peluchetti 2022; Shi et al. 2023).

    Least at the drift of the Markovian projection, b + s^2/2 score. backward: the target (x0 - x_t)/t of the
    process that runs from x1 to x0, least at -b + s^2/2 score.
    The target's variance given both ends, s^2 t/(1 - t), has no mean over uniform t. Under the density
    2 (1 - t), that of the smaller one of two uniform numbers, it is s^2; backward the larger one, 2 t.
    Arguments as in `bridge_velocity_loss`.
    """
    x0, x1 = _coupled(pairs, coupling)
    t = _ordered_time(x0, 2, int(backward), generator)
    x_t = path.sample(x0, x1, t, generator)
    target = (x0 - x_t) / t if backward else (x1 - x_t) / (1 - t)
    return mean_square(answer(model, "model", x_t, t), target)


def train_bridge(
    model: nn.Module,
    pairs: Pairs | DataSource,
    bridge: Bridge,
    n_steps: int | None = None,
    *,
    loss_fn: Callable = bridge_velocity_loss,
    **options,
) -> TrainingHistory:
    """`train` on pairs (x0, x1), each (N, d), or on a sampler of pairs, with a loss between them.

    loss_fn: one of this file's, with its options given by `functools.partial`. `options` go to `train`.
    """
    check_bridge(bridge)
    check_time_is_second(model)

    def loss(model: nn.Module, batch: Pairs, path: StraightPath, generator: Generator | None) -> Tensor:
        """The loss on the bridge; the path that `train` asks for is not used."""
        return loss_fn(model, batch, bridge, generator)

    return train(model, pairs, StraightPath(0.0), n_steps, loss_fn=loss, **options)


def score_from_noise(model: Prediction, bridge: Bridge, margin: float = 0.01) -> Score:
    """The score -z_theta(x, t) / gamma(t) from a network that predicts the noise: a function (x, t).

    gamma = 0 at both ends. Nearer to one than `margin` the score is that at the margin.
    """
    model = as_velocity(model)
    check_bridge(bridge)
    if bridge.s == 0:
        raise ValueError(f"bridge must have noise, s > 0, to have a score, got {bridge}")
    margin = _validate.real(margin, "margin", low=0.0, high=0.5, open_low=True)

    def score(x: Tensor, t: Time) -> Tensor:
        """The score at x (n, d) and t."""
        t = _validate.time_column(t, x).clamp(margin, 1 - margin)
        return -model(x, t) / bridge.variance(t).sqrt()

    return score


def _coupled(pairs: Pairs, coupling: Coupling | None) -> Pairs:
    """The pairs (x0, x1), or x0 with the rows of x1 that the coupling chooses."""
    if not isinstance(pairs, tuple) or len(pairs) != 2:
        raise TypeError(f"pairs must be a tuple (x0, x1), got {type(pairs).__name__}")
    x0, x1 = pairs
    if coupling is None:
        return x0, x1
    check_callable(coupling, "coupling", "x0, x1")
    return x0, x1[coupling(x0, x1)]


def _ordered_time(like: Tensor, n_draws: int, rank: int, generator: Generator | None) -> Tensor:
    """Of n_draws uniform times the one with `rank` smaller ones, for each row of `like`: (n, 1)."""
    draws = [_random.uniform_time(like, generator) for _ in range(n_draws)]
    return torch.cat(draws, dim=1).sort(dim=1).values[:, rank : rank + 1]
