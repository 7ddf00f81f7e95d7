"""What flow matching would learn with infinite data and capacity, in closed form.

With x1 ~ sum_k w_k N(m_k, S_k) and x_t = alpha x1 + sigma x0, component k of x_t is N(alpha m_k, C_k) with
C_k = sigma^2 I + alpha^2 S_k. Notebook 03 derives the rest. The data may be a `GaussianMixture` or an
`EmpiricalDistribution` (components of zero width: the optimum for a finite training set).
"""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture
from fmtutorial.paths import AffineGaussianPath

MAX_ELEMENTS = 250_000  # of an intermediate tensor, (rows, K, d) or (rows, K): what a cache holds at once


def marginal_log_prob(mixture, path, x: Tensor, t) -> Tensor:
    """log p_t(x) = log sum_k w_k N(x; alpha m_k, C_k), in nats, of shape (n,)."""
    return _log_prob(mixture, path, *_checked(mixture, path, x, t))


def marginal_score(mixture, path, x: Tensor, t) -> Tensor:
    """grad log p_t(x) = -sum_k r_k(x, t) C_k^{-1} (x - alpha m_k), of shape (n, d)."""
    return _score(mixture, path, *_checked(mixture, path, x, t))


def marginal_velocity(mixture, path, x: Tensor, t) -> Tensor:
    """The marginal velocity u_t(x) = E[u_t(x | x1) | x_t = x], of shape (n, d).

    u_t(x) = sum_k r_k(x, t) [alpha' m_k + (alpha alpha' S_k + sigma sigma' I) C_k^{-1} (x - alpha m_k)],
    r_k the posterior component probabilities (Lipman et al. 2023, eq. 8, for Gaussian components).
    """
    return _velocity(mixture, path, *_checked(mixture, path, x, t))


def velocity_field(mixture, path) -> Callable[[Tensor, Tensor], Tensor]:
    """`marginal_velocity` bound to a mixture and a path: a function (x, t), unchecked, for solvers."""
    _check_data_and_path(mixture, path)
    return lambda x, t: _velocity(mixture, path, x, _validate.time_column(t, x))


def score_field(mixture, path) -> Callable[[Tensor, Tensor], Tensor]:
    """`marginal_score` bound to a mixture and a path: a function (x, t), unchecked, for solvers."""
    _check_data_and_path(mixture, path)
    return lambda x, t: _score(mixture, path, x, _validate.time_column(t, x))


def loss_floor(
    mixture, path, n_samples: int = 100_000, generator: Generator | None = None, t=None
) -> tuple[float, float]:
    """The least CFM loss that any network can reach, E[Var(u_t | x_t)], as (mean, standard error).

    A mean over samples and elements, like the loss itself. Averaged over t ~ U[0, 1], or at one fixed `t`.
    """
    _check_data_and_path(mixture, path)
    n_samples = _validate.positive_int(n_samples, "n_samples")
    x1 = mixture.sample(n_samples, generator).double()
    x0 = _random.normal_like(x1, generator)
    t = _random.uniform_time(x1, generator) if t is None else _validate.path_time(t, x1)
    u_t = path.velocity(x0, x1, t)
    left = (u_t - marginal_velocity(mixture, path, path.sample(x0, x1, t), t)).square().mean(1)
    return float(left.mean()), float(left.std() / math.sqrt(n_samples))


def _log_prob(data, path, x, t):
    joint = (
        _data_log_joint(data, path, x) if _is_finite(data) else lambda x, t: _components(data, path, x, t)[0]
    )
    return _in_chunks(lambda x, t: torch.logsumexp(joint(x, t), 1).to(x), data, x, t)


def _score(data, path, x, t):
    data_mean = _data_mean(data, path, x) if _is_finite(data) else None

    def rows(x, t):
        log_joint, z, c, rotate, _ = _components(data, path, x, t)
        return -_posterior_mean(log_joint, rotate(z / c))

    def data_rows(x, t):  # every C_k is sigma^2 I
        mean = data_mean(x, t)
        return -((x - path.alpha(t) * mean) / path.sigma(t) ** 2).to(x)

    return _in_chunks(data_rows if _is_finite(data) else rows, data, x, t)


def _velocity(data, path, x, t):
    data_mean = _data_mean(data, path, x) if _is_finite(data) else None

    def rows(x, t):
        log_joint, z, c, rotate, (means, variances) = _components(data, path, x, t)
        alpha, _, alpha_dot, sigma_sigma_dot = _schedule(path, t)
        pull = rotate((alpha * alpha_dot * variances + sigma_sigma_dot) / c * z)
        return _posterior_mean(log_joint, alpha_dot * means + pull)

    def data_rows(x, t):  # u_t(x | x1) is linear in x1
        mean = data_mean(x, t)
        pull = path.sigma_dot(t) / path.sigma(t) * (x - path.alpha(t) * mean)
        return (path.alpha_dot(t) * mean + pull).to(x)

    return _in_chunks(data_rows if _is_finite(data) else rows, data, x, t)


def _components(data, path, x, t):
    """log w_k N(x; alpha m_k, C_k) (n, K), x - alpha m_k and C_k in the axes of S_k, and the way back."""
    log_weights, means, variances, axes = _parameters(data, x)
    alpha, sigma, _, _ = _schedule(path, t)
    z = x.unsqueeze(1) - alpha * means  # (n, K, d)
    if axes is not None:
        z = torch.einsum("kji,nkj->nki", axes, z)
    c = sigma**2 + alpha**2 * variances  # (K, d) at one time, (n, K, d) at many
    log_joint = (
        log_weights - 0.5 * (z.square() / c + c.log()).sum(-1) - 0.5 * x.shape[1] * math.log(2 * math.pi)
    )

    def rotate(v):  # from the axes of S_k back to those of x
        return v if axes is None else torch.einsum("kij,nkj->nki", axes, v)

    return log_joint, z, c, rotate, (means, variances)


def _posterior_mean(log_joint: Tensor, values: Tensor) -> Tensor:
    """sum_k r_k values_k: (n, K), (n, K, d) -> (n, d)."""
    return torch.einsum("nk,nki->ni", torch.softmax(log_joint, dim=1), values.expand(*log_joint.shape, -1))


def _data_log_joint(data, path, x) -> Callable:
    """For a finite data set, a function (x, t) -> log N(x; alpha x1_k, sigma^2 I) / K, of shape (n, K).

    In double precision, which |x - a y|^2 = |x|^2 - 2 a x.y + a^2 |y|^2 needs, and which its matrix product
    pays for: without it there would be (n, K, d) differences.
    """
    x1 = data.x1.to(x.device, torch.float64)
    constant, squares = -math.log(len(x1)), x1.square().sum(1)

    def log_joint(x, t):
        x, t = x.double(), t.double()
        alpha, sigma = path.alpha(t), torch.as_tensor(path.sigma(t))
        square = x.square().sum(1, keepdim=True) - 2 * alpha * (x @ x1.T) + alpha**2 * squares
        log_normal = -square / (2 * sigma**2) - 0.5 * x.shape[1] * torch.log(2 * math.pi * sigma**2)
        return log_normal + constant

    return log_joint


def _data_mean(data, path, x) -> Callable:
    """For a finite data set, a function (x, t) -> E[x1 | x_t = x], of shape (n, d), in double precision."""
    x1, log_joint = data.x1.to(x.device, torch.float64), _data_log_joint(data, path, x)
    return lambda x, t: torch.softmax(log_joint(x, t), dim=1) @ x1


def _parameters(data, x: Tensor):
    """log w_k (K,), m_k (K, d), the eigenvalues (K, d) and eigenvectors (K, d, d) of S_k, like x."""
    diagonal = bool(data.is_diagonal)
    variances = torch.diagonal(data.covariances, dim1=1, dim2=2) if diagonal else data.variances
    return data.weights.to(x).log(), data.means.to(x), variances.to(x), None if diagonal else data.axes.to(x)


def _schedule(path, t: Tensor):
    """alpha, sigma, alpha', sigma sigma' in a shape that broadcasts against (n, K, d)."""
    t = t.unsqueeze(-1) if t.ndim else t
    return path.alpha(t), path.sigma(t), path.alpha_dot(t), path.sigma_sigma_dot(t)


def _in_chunks(rows, data, x: Tensor, t: Tensor) -> Tensor:
    """Apply `rows` to so few points at a time that memory stays bounded."""
    width = len(data.x1) if _is_finite(data) else data.means.numel()
    size = max(1, MAX_ELEMENTS // width)
    if len(x) <= size:
        return rows(x, t)
    t = t.expand(len(x), 1) if t.ndim == 0 else t
    return torch.cat([rows(*pair) for pair in zip(x.split(size), t.split(size), strict=True)])


def _is_finite(data) -> bool:
    """Is it a finite data set, whose components have no width?"""
    return isinstance(data, EmpiricalDistribution)


def _check_data_and_path(data, path) -> None:
    if not isinstance(data, (GaussianMixture, EmpiricalDistribution)):
        raise TypeError(
            f"mixture must be a GaussianMixture or an EmpiricalDistribution, got {type(data).__name__}"
        )
    if not isinstance(path, AffineGaussianPath):
        raise TypeError(f"path must be an AffineGaussianPath such as StraightPath, got {type(path).__name__}")


def _checked(data, path, x: Tensor, t) -> tuple[Tensor, Tensor]:
    """Check everything once; return x and t in shapes that broadcast."""
    _check_data_and_path(data, path)
    x = _validate.points(x, "x", data.dim)
    t = _validate.path_time(t, x)
    if _is_finite(data) and bool((torch.as_tensor(path.sigma(t)) == 0).any()):
        raise ValueError(
            f"t must not reach a time where sigma(t) = 0, as {path} does: data points have no width"
        )
    return x, t
