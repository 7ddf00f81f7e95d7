"""How far a learned velocity, or a set of samples, is from the truth."""

import math

import numpy as np
import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._callables import as_velocity, draw
from fmtutorial._devices import double
from fmtutorial._types import DataSource, Time, Velocity
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture
from fmtutorial.exact import marginal_velocity
from fmtutorial.paths import AffineGaussianPath

MAX_ELEMENTS = 500_000  # of the projections (n, directions) that are sorted at once


def excess_loss(
    model: Velocity,
    mixture: GaussianMixture | EmpiricalDistribution,
    path: AffineGaussianPath,
    n_samples: int = 20_000,
    generator: Generator | None = None,
    t: Time | None = None,
) -> float:
    """E |v_theta(x_t, t) - u_t(x_t)|^2, the mean squared distance to the exact velocity, per element.

    Under x_t ~ p_t, and averaged over t in [0, 1] (evenly stratified), or at one fixed `t`. It is what the
    CFM loss has above its floor: loss = excess + floor.
    """
    # points of the path at their times
    n_samples = _validate.positive_int(n_samples, "n_samples")
    x1 = draw(mixture, n_samples, generator, "mixture")[0]
    if t is None:
        t = _stratified_times(x1, generator)
    t = _validate.path_time(t, x1)
    x_t = path.sample(_random.normal_like(x1, generator), x1, t)

    # the learned velocity against the exact one
    with torch.no_grad():
        v = as_velocity(model)(x_t, t)
    return float((v - marginal_velocity(mixture, path, x_t, t)).square().mean())


def _stratified_times(x1: Tensor, generator: Generator | None) -> Tensor:
    """A time in each of n equal intervals of [0, 1], in random order, for x1 (n, d): a column (n, 1)."""
    n = len(x1)
    t = (torch.arange(n).to(x1).unsqueeze(1) + _random.uniform_time(x1, generator)) / n
    return t.clamp(max=1.0)[_random.permutation(n, t, generator)]


def sliced_wasserstein(
    a: Tensor, b: Tensor, n_projections: int = 256, generator: Generator | None = None
) -> float:
    """The sliced Wasserstein-2 distance, sqrt(mean over directions of W_2^2), in the units of x.

    In one dimension W_2 compares sorted samples (Bonneel et al. 2015); the sets may differ in size. The
    directions are random: give a generator with the same seed to compare distances.
    """
    a = _validate.points(a, "a", n_least=1)
    b = _validate.points(b, "b", a.shape[1], n_least=1)
    n_projections = _validate.positive_int(n_projections, "n_projections")
    directions = _random.normal_like(a.new_empty(a.shape[1], n_projections), generator)
    directions = directions / directions.norm(dim=0)

    # a few directions at a time, to bound the memory
    n_at_once = max(1, MAX_ELEMENTS // max(len(a), len(b)))
    squares = [_squared_w2(a, b.to(a), group) for group in directions.split(n_at_once, dim=1)]
    return float(torch.cat(squares).mean().sqrt())


def _squared_w2(a: Tensor, b: Tensor, directions: Tensor) -> Tensor:
    """W_2^2 of a and b along each of the directions (d, P), of shape (P,)."""
    a = _sorted_rows(a @ directions)  # (P, n)
    b = _sorted_rows(b @ directions)  # (P, m)
    n = a.shape[1]
    m = b.shape[1]
    if n == m:
        return (a - b).square().mean(1)

    # the integral over [0, 1] of the squared difference of both quantile functions, which are steps:
    # they jump at i / n and at j / m, and are constant on each interval between
    steps = torch.cat([torch.arange(1, k + 1, dtype=torch.float64) / k for k in (n, m)]).unique()
    width = steps.diff(prepend=steps.new_zeros(1))
    middle = steps - width / 2
    return (a[:, (middle * n).long()] - b[:, (middle * m).long()]).square() @ width.to(a)


def _sorted_rows(projections: Tensor) -> Tensor:
    """Each column of (n, P) sorted, as a row (P, n): by numpy, up to thirty times faster than torch."""
    rows = projections.detach().T.cpu()
    if rows.dtype not in (torch.float32, torch.float64):
        rows = rows.float()
    return torch.from_numpy(np.sort(np.ascontiguousarray(rows.numpy()), axis=1))


def sliced_wasserstein_floor(
    mixture: DataSource,
    n: int,
    n_repeats: int = 20,
    generator: Generator | None = None,
    **sample_options,
) -> tuple[float, float]:
    """The sliced Wasserstein-2 distance of two *exact* sample sets of size n: (mean, standard deviation).

    A distance to the truth below mean + 2 std cannot be told from zero with n samples. Pass
    `stratified=True` for sets with fixed component counts, whose floor is lower and steadier.
    """
    n_repeats = _validate.positive_int(n_repeats, "n_repeats")
    distances = []
    for _ in range(n_repeats):
        a = draw(mixture, n, generator, "mixture", **sample_options)[0]
        b = draw(mixture, n, generator, "mixture", **sample_options)[0]
        distances.append(sliced_wasserstein(a, b, generator=generator))
    distances = torch.tensor(distances, dtype=torch.float64)
    return float(distances.mean()), float(distances.std(correction=min(1, n_repeats - 1)))


def energy_distance(a: Tensor, b: Tensor) -> float:
    """sqrt(2 E|a - b| - E|a - a'| - E|b - b'|), zero only for equal sets (Szekely & Rizzo 2013)."""
    a = _validate.points(a, "a", n_least=1)
    b = _validate.points(b, "b", a.shape[1], n_least=1)
    square = 2 * _mean_distance(a, b) - _mean_distance(a, a) - _mean_distance(b, b)
    return math.sqrt(max(0.0, square))


def straightness(trajectory: Tensor, t: Tensor) -> float:
    """E int |x(1) - x(0) - dx/dt|^2 dt of a trajectory (T, n, d) at times t (T,); 0 if all are straight.

    Here x(1) - x(0) is the mean slope over the whole span of t, which is [0, 1] in the definition, and dx/dt
    the slope of each segment (Liu et al. 2023, the measure S).
    """
    if trajectory.ndim != 3 or t.shape != (len(trajectory),):
        shapes = f"{tuple(trajectory.shape)} and {tuple(t.shape)}"
        raise ValueError(f"trajectory and t must have the shapes (T, n, d) and (T,), got {shapes}")
    if trajectory.shape[1] == 0:
        raise ValueError(f"trajectory must have at least one point, got {tuple(trajectory.shape)}")
    _validate.finite(trajectory, "trajectory")
    h = t.to(trajectory).diff()
    if len(h) == 0 or not bool((h * h.sum() > 0).all()):
        raise ValueError(f"t must be at least two times that rise, or that fall, got {t.tolist()}")
    slopes = trajectory.diff(dim=0) / h[:, None, None]  # (T - 1, n, d)
    chord = (trajectory[-1] - trajectory[0]) / h.sum()
    return float(h.abs() @ (chord - slopes).square().sum(-1).mean(1))


def _mean_distance(a: Tensor, b: Tensor, chunk: int = 2048) -> float:
    """The mean of |a_i - b_j| over all i and j, a block of rows at a time."""
    b = b.to(a)
    total = 0.0
    for rows in a.split(chunk):
        # not by matrix products: their formula cancels where points are close
        distances = torch.cdist(rows, b, compute_mode="donot_use_mm_for_euclid_dist")
        total += float(double(distances).sum())
    return total / (len(a) * len(b))
