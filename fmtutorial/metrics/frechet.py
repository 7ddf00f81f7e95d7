"""The Fréchet distance of two Gaussians, and of two sets through the Gaussians that fit them (FID)."""

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._devices import double


def gaussian_frechet(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a^{1/2} C_b C_a^{1/2})^{1/2}), the squared W_2 of two Gaussians.

    Means (d,), covariances (d, d), symmetric and without negative eigenvalues; in the squared units of x
    (Dowson & Landau 1982).
    """
    mean_a, mean_b = _mean(mean_a, "mean_a"), _mean(mean_b, "mean_b")
    _validate.same_shape(mean_a, "mean_a", mean_b, "mean_b")
    cov_a = _covariance(cov_a, "cov_a", len(mean_a))
    cov_b = _covariance(cov_b, "cov_b", len(mean_b))
    root_a = _symmetric_root(cov_a)
    shared = torch.linalg.eigvalsh(root_a @ cov_b @ root_a).clamp(min=0).sqrt().sum()
    of_covariances = cov_a.trace() + cov_b.trace() - 2 * shared
    return float((mean_a - mean_b).square().sum() + of_covariances.clamp(min=0))


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """The Fréchet distance of the Gaussians that fit the sets a (n, d) and b (m, d), squared as in FID.

    With the features of an Inception network for a and b it is the Fréchet inception distance (Heusel et al.
    2017, equation 6). Covariances have the divisor n - 1. Zero only says that means and covariances agree;
    two sets of one distribution score above zero, nearly in proportion to 1/n + 1/m.
    """
    a = _validate.points(a, "a", n_least=2)
    b = _validate.points(b, "b", a.shape[1], n_least=2)
    a, b = double(a.detach()), double(b.detach().to(a.device))
    return gaussian_frechet(a.mean(0), _sample_covariance(a), b.mean(0), _sample_covariance(b))


def _sample_covariance(x: Tensor) -> Tensor:
    """The covariance of the rows of x (n, d), of shape (d, d), with the divisor n - 1."""
    centred = x - x.mean(0)
    return centred.T @ centred / (len(x) - 1)


def _symmetric_root(cov: Tensor) -> Tensor:
    """The symmetric square root of a covariance; rounding below zero counts as zero."""
    values, vectors = torch.linalg.eigh(cov)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def _mean(mean: Tensor, name: str) -> Tensor:
    """`mean` in double precision, after a check that it is a finite vector."""
    if not isinstance(mean, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor of shape (d,), got {type(mean).__name__}")
    if mean.ndim != 1:
        raise ValueError(f"{name} must have the shape (d,), got {tuple(mean.shape)}")
    return _validate.finite(double(mean.detach()), name)


def _covariance(cov: Tensor, name: str, dim: int) -> Tensor:
    """`cov` in double precision, after a check that it is a covariance of `dim` coordinates."""
    cov = double(_validate.points(cov, name, dim).detach())
    size = max(float(cov.abs().max()), 1e-300)
    if len(cov) != dim or float((cov - cov.T).abs().max()) > 1e-6 * size:
        raise ValueError(f"{name} must be symmetric of shape ({dim}, {dim}), got {tuple(cov.shape)}")
    least = float(torch.linalg.eigvalsh(cov).min())
    if least < -1e-6 * size:
        raise ValueError(f"{name} must have no negative eigenvalue, got {least:.3g}")
    return cov
