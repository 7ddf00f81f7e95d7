"""Density, score and velocity at time t where the data are a Gaussian mixture.

With x1 ~ sum_k w_k N(m_k, S_k) and x_t = alpha x1 + sigma x0, component k of x_t is N(alpha m_k, C_k) with
C_k = sigma^2 I + alpha^2 S_k. Notebook 03 derives the rest. In the axes of S_k both S_k and C_k are diagonal,
so that nothing has to be inverted: the functions work there and turn their result back.

Nothing is checked here. Points x are (n, d), and t has the shape () or (n, 1).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from fmtutorial._types import Coefficient
from fmtutorial.distributions import GaussianMixture
from fmtutorial.paths import AffineGaussianPath


class Components(NamedTuple):
    """Gaussian components N(m_k, S_k) with weights w_k. S_k = Q_k diag(variances_k) Q_k^T.

    Weights and means are the same for all n points, or each point has its own, as in a posterior.
    """

    log_weights: Tensor  # log w_k: (K,) or (n, K)
    means: Tensor  # m_k: (K, d) or (n, K, d)
    variances: Tensor  # the eigenvalues of S_k: (K, d)
    axes: Tensor | None  # Q_k, the eigenvectors of S_k in columns: (K, d, d). None where all S_k are diagonal

    @property
    def elements_per_point(self) -> int:
        """How many elements an intermediate tensor has for each point: K d."""
        return self.variances.numel()

    def into_axes(self, vectors: Tensor) -> Tensor:
        """Q_k^T v, from the axes of x to those of S_k, for vectors (n, K, d)."""
        if self.axes is None:
            return vectors
        return torch.einsum("kji,nkj->nki", self.axes, vectors)  # (K, d, d), (n, K, d) -> (n, K, d)

    def out_of_axes(self, vectors: Tensor) -> Tensor:
        """Q_k v, from the axes of S_k back to those of x, for vectors (n, K, d)."""
        if self.axes is None:
            return vectors
        return torch.einsum("kij,nkj->nki", self.axes, vectors)  # (K, d, d), (n, K, d) -> (n, K, d)


def read(mixture: GaussianMixture, like: Tensor) -> Components:
    """The components of a mixture in the dtype and on the device of `like`."""
    mixture.check_dtype(like.dtype)
    log_weights = mixture.weights.to(like).log()
    means = mixture.means.to(like)
    if mixture.is_diagonal:
        variances = torch.diagonal(mixture.covariances, dim1=1, dim2=2)
        return Components(log_weights, means, variances.to(like), None)
    return Components(log_weights, means, mixture.variances.to(like), mixture.axes.to(like))


def log_prob(components: Components, path: AffineGaussianPath, x: Tensor, t: Tensor) -> Tensor:
    """log p_t(x) = log sum_k w_k N(x; alpha m_k, C_k), of shape (n,)."""
    t = _broadcast_over_components(t)
    residuals, c = _residuals_and_variances(components, path.alpha(t), path.sigma(t), x)
    return torch.logsumexp(_log_joint(components, residuals, c), dim=1)


def score(components: Components, path: AffineGaussianPath, x: Tensor, t: Tensor) -> Tensor:
    """grad log p_t(x) = -sum_k r_k(x, t) C_k^{-1} (x - alpha m_k), of shape (n, d)."""
    t = _broadcast_over_components(t)
    residuals, c = _residuals_and_variances(components, path.alpha(t), path.sigma(t), x)
    r = torch.softmax(_log_joint(components, residuals, c), dim=1)
    component_scores = -components.out_of_axes(residuals / c)
    return torch.einsum("nk,nkd->nd", r, component_scores)  # (n, K), (n, K, d) -> (n, d)


def velocity(components: Components, path: AffineGaussianPath, x: Tensor, t: Tensor) -> Tensor:
    """u_t(x) = sum_k r_k(x, t) u_k(x), of shape (n, d), with the velocities of the single components

    u_k(x) = alpha' m_k + (alpha alpha' S_k + sigma sigma' I) C_k^{-1} (x - alpha m_k).
    """
    t = _broadcast_over_components(t)
    alpha, alpha_dot = path.alpha(t), path.alpha_dot(t)
    residuals, c = _residuals_and_variances(components, alpha, path.sigma(t), x)
    r = torch.softmax(_log_joint(components, residuals, c), dim=1)
    slope = (alpha * alpha_dot * components.variances + path.sigma_sigma_dot(t)) / c
    u = alpha_dot * components.means + components.out_of_axes(slope * residuals)
    return torch.einsum("nk,nkd->nd", r, u)  # (n, K), (n, K, d) -> (n, d)


def _broadcast_over_components(t: Tensor) -> Tensor:
    """`t` in the shape that broadcasts against (n, K, d): () or (n, 1, 1)."""
    if t.ndim == 0:
        return t
    return t.unsqueeze(-1)


def _residuals_and_variances(
    components: Components, alpha: Coefficient, sigma: Coefficient, x: Tensor
) -> tuple[Tensor, Tensor]:
    """x - alpha m_k in the axes of S_k (n, K, d), and the eigenvalues of C_k, (K, d) or (n, K, d)."""
    residuals = components.into_axes(x.unsqueeze(1) - alpha * components.means)
    c = sigma**2 + alpha**2 * components.variances
    return residuals, c


def _log_joint(components: Components, residuals: Tensor, c: Tensor) -> Tensor:
    """log w_k N(x; alpha m_k, C_k), of shape (n, K)."""
    d = residuals.shape[-1]
    squares = (residuals.square() / c + c.log()).sum(-1)
    return components.log_weights - 0.5 * squares - 0.5 * d * math.log(2 * math.pi)
