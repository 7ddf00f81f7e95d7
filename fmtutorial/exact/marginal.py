"""What flow matching would learn with infinite data and capacity, in closed form.

The data may be a `GaussianMixture` (formulas in `exact/mixture.py`) or an `EmpiricalDistribution`, which is a
finite training set (formulas in `exact/finite_data.py`). Each of the two files has `log_prob`, `score` and
`velocity`; the functions here check what they are given and call the formulas for that kind of data.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._types import Score, Time, Velocity
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture
from fmtutorial.exact import finite_data
from fmtutorial.exact._kinds import formulas_for
from fmtutorial.exact.finite_data import DataPoints
from fmtutorial.exact.mixture import Components
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path

MAX_ELEMENTS = 250_000  # of an intermediate tensor, (rows, K, d) or (rows, K): what a cache holds at once


def marginal_log_prob(
    mixture: GaussianMixture | EmpiricalDistribution, path: AffineGaussianPath, x: Tensor, t: Time
) -> Tensor:
    """log p_t(x) = log sum_k w_k N(x; alpha m_k, C_k), in nats, of shape (n,)."""
    x, t = _checked(mixture, path, x, t)
    formulas = formulas_for(mixture)
    return _in_chunks(formulas.log_prob, formulas.read(mixture, x), path, x, t)


def marginal_score(
    mixture: GaussianMixture | EmpiricalDistribution, path: AffineGaussianPath, x: Tensor, t: Time
) -> Tensor:
    """grad log p_t(x) = -sum_k r_k(x, t) C_k^{-1} (x - alpha m_k), of shape (n, d)."""
    x, t = _checked(mixture, path, x, t)
    return score_field(mixture, path)(x, t)


def marginal_velocity(
    mixture: GaussianMixture | EmpiricalDistribution, path: AffineGaussianPath, x: Tensor, t: Time
) -> Tensor:
    """The marginal velocity u_t(x) = E[u_t(x | x1) | x_t = x], of shape (n, d).

    u_t(x) = sum_k r_k(x, t) [alpha' m_k + (alpha alpha' S_k + sigma sigma' I) C_k^{-1} (x - alpha m_k)],
    r_k the posterior component probabilities (Lipman et al. 2023, eq. 8, for Gaussian components).
    """
    x, t = _checked(mixture, path, x, t)
    return velocity_field(mixture, path)(x, t)


def velocity_field(mixture: GaussianMixture | EmpiricalDistribution, path: AffineGaussianPath) -> Velocity:
    """`marginal_velocity` bound to a mixture and a path: a function (x, t), unchecked, for solvers."""
    formulas = formulas_for(mixture)
    check_path(path)

    def velocity(x: Tensor, t: Time) -> Tensor:
        t = _validate.time_column(t, x)
        return _in_chunks(formulas.velocity, formulas.read(mixture, x), path, x, t)

    return velocity


def score_field(mixture: GaussianMixture | EmpiricalDistribution, path: AffineGaussianPath) -> Score:
    """`marginal_score` bound to a mixture and a path: a function (x, t), unchecked, for solvers."""
    formulas = formulas_for(mixture)
    check_path(path)

    def score(x: Tensor, t: Time) -> Tensor:
        t = _validate.time_column(t, x)
        return _in_chunks(formulas.score, formulas.read(mixture, x), path, x, t)

    return score


def _in_chunks(
    formula: Callable, data: Components | DataPoints, path: AffineGaussianPath, x: Tensor, t: Tensor
) -> Tensor:
    """formula(data, path, x, t), for so few points at a time that memory stays bounded."""
    size = max(1, MAX_ELEMENTS // data.elements_per_point)
    if len(x) <= size:
        return formula(data, path, x, t)
    times = t.expand(len(x), 1)  # one time for each point, to be split like the points
    chunks = zip(x.split(size), times.split(size), strict=True)
    return torch.cat([formula(data, path, x_chunk, t_chunk) for x_chunk, t_chunk in chunks])


def _checked(
    mixture: GaussianMixture | EmpiricalDistribution, path: AffineGaussianPath, x: Tensor, t: Time
) -> tuple[Tensor, Tensor]:
    """Check everything once; return x and t in shapes that broadcast."""
    formulas = formulas_for(mixture)
    check_path(path)
    x = _validate.points(x, "x", mixture.dim)
    t = _validate.path_time(t, x)
    if formulas is finite_data and bool((torch.as_tensor(path.sigma(t)) == 0).any()):
        raise ValueError(
            f"t must not reach a time where sigma(t) = 0, as {path} does: data points have no width"
        )
    return x, t
