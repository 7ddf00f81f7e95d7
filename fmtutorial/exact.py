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

MAX_ELEMENTS = 4_000_000  # of the largest intermediate tensor, (rows, K, d); longer inputs go in chunks


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
    return _in_chunks(lambda x, t: torch.logsumexp(_components(data, path, x, t)[0], 1), data, x, t)


def _score(data, path, x, t):
    def rows(x, t):
        log_joint, z, c, rotate, _ = _components(data, path, x, t)
        return -_posterior_mean(log_joint, rotate(z / c))

    return _in_chunks(rows, data, x, t)


def _velocity(data, path, x, t):
    def rows(x, t):
        log_joint, z, c, rotate, (means, variances) = _components(data, path, x, t)
        alpha, _, alpha_dot, sigma_sigma_dot = _schedule(path, t)
        pull = rotate((alpha * alpha_dot * variances + sigma_sigma_dot) / c * z)
        return _posterior_mean(log_joint, alpha_dot * means + pull)

    return _in_chunks(rows, data, x, t)


def _components(data, path, x, t):
    """log w_k N(x; alpha m_k, C_k) (n, K), x - alpha m_k and C_k in the axes of S_k, and the way back."""
    log_weights, means, variances, axes = _parameters(data, x)
    alpha, sigma, _, _ = _schedule(path, t)
    z = x.unsqueeze(1) - alpha * means  # (n, K, d)
    if axes is not None:
        z = torch.einsum("kji,nkj->nki", axes, z)
    c = (sigma**2 + alpha**2 * variances).expand_as(z)
    log_joint = (
        log_weights - 0.5 * (z.square() / c + c.log()).sum(-1) - 0.5 * x.shape[1] * math.log(2 * math.pi)
    )

    def rotate(v):  # from the axes of S_k back to those of x
        return v if axes is None else torch.einsum("kij,nkj->nki", axes, v)

    return log_joint, z, c, rotate, (means, variances)


def _posterior_mean(log_joint: Tensor, values: Tensor) -> Tensor:
    """sum_k r_k values_k: (n, K), (n, K, d) -> (n, d)."""
    return torch.einsum("nk,nki->ni", torch.softmax(log_joint, dim=1), values.expand(*log_joint.shape, -1))


def _parameters(data, x: Tensor):
    """log w_k (K,), m_k (K, d), the eigenvalues (K, d) and eigenvectors (K, d, d) of S_k, like x."""
    if isinstance(data, EmpiricalDistribution):
        n = len(data.x1)
        return x.new_full((n,), -math.log(n)), data.x1.to(x), x.new_zeros(()), None
    diagonal = bool(data.is_diagonal)
    variances = torch.diagonal(data.covariances, dim1=1, dim2=2) if diagonal else data.variances
    return data.weights.to(x).log(), data.means.to(x), variances.to(x), None if diagonal else data.axes.to(x)


def _schedule(path, t: Tensor):
    """alpha, sigma, alpha', sigma sigma' in a shape that broadcasts against (n, K, d)."""
    t = t.unsqueeze(-1) if t.ndim else t
    return path.alpha(t), path.sigma(t), path.alpha_dot(t), path.sigma_sigma_dot(t)


def _in_chunks(rows, data, x: Tensor, t: Tensor) -> Tensor:
    """Apply `rows` to so few points at a time that memory stays bounded."""
    n_components = len(data.x1) if isinstance(data, EmpiricalDistribution) else len(data.means)
    size = max(1, MAX_ELEMENTS // (n_components * x.shape[1]))
    if len(x) <= size:
        return rows(x, t)
    t = t.expand(len(x), 1) if t.ndim == 0 else t
    return torch.cat([rows(*pair) for pair in zip(x.split(size), t.split(size), strict=True)])


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
    if isinstance(data, EmpiricalDistribution) and bool((torch.as_tensor(path.sigma(t)) == 0).any()):
        raise ValueError(
            f"t must not reach a time where sigma(t) = 0, as {path} does: data points have no width"
        )
    return x, t
