"""Data distributions whose density, score and samples are known exactly."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._devices import has_double
from fmtutorial.distributions._parameters import read_components, read_weights, stratified_counts


class GaussianMixture:
    """A mixture of Gaussians, p(x) = sum_k w_k N(x; m_k, S_k), in any dimension d.

    `parameters` lists one `{"mean": [...], "std": s}` or `{"mean": [...], "cov": [[...]]}` for each
    component (`std` a number or d numbers); `weights` are equal unless given.
    Raises ValueError or TypeError for anything that is not such a mixture.

    >>> GaussianMixture([{"mean": [0.0, 0.0], "std": [1.0, 1.0]}]).log_prob(torch.zeros(1, 2))
    tensor([-1.8379])
    """

    def __init__(self, parameters: list[dict], weights: Sequence[float] | Tensor | None = None):
        self.means, self.covariances = read_components(parameters)
        self.weights = read_weights(weights, len(self.means))
        # S_k = Q_k diag(lambda_k) Q_k^T: in these axes every smoothed covariance is diagonal too.
        self.variances, self.axes = torch.linalg.eigh(self.covariances)
        if bool((self.variances <= 0).any()):  # by rounding, where a Cholesky factor still exists
            k = int((self.variances <= 0).any(1).nonzero()[0])
            raise ValueError(
                f"parameters[{k}]['cov'] must be positive definite in double precision, got eigenvalues "
                f"from {float(self.variances[k].min()):.3g} to {float(self.variances[k].max()):.3g}"
            )
        self._extreme_variances = float(self.variances.min()), float(self.variances.max())
        diagonals = torch.diag_embed(self.covariances.diagonal(dim1=1, dim2=2))
        self.is_diagonal = torch.equal(self.covariances, diagonals)

    def __repr__(self) -> str:
        return f"GaussianMixture({len(self.means)} components in {self.dim} dimensions)"

    @property
    def dim(self) -> int:
        """The dimension d."""
        return self.means.shape[1]

    @property
    def mean(self) -> Tensor:
        """The mean of the whole mixture, sum_k w_k m_k, of shape (d,)."""
        return self.weights @ self.means

    @property
    def covariance(self) -> Tensor:
        """The covariance of the whole mixture, sum_k w_k (S_k + m_k m_k^T) - mean mean^T, (d, d)."""
        second_moments = self.covariances + self.means[:, :, None] * self.means[:, None, :]
        second_moment = torch.einsum("k,kij->ij", self.weights, second_moments)  # (K,), (K, d, d) -> (d, d)
        return second_moment - torch.outer(self.mean, self.mean)

    def sample(
        self,
        n: int,
        generator: Generator | None = None,
        *,
        stratified: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> Tensor:
        """Draw n points (n, d): a component k with probability w_k, then m_k + Q_k sqrt(lambda_k) z.

        `stratified=True` fixes the number of points of each component to n w_k, rounded by the largest
        remainders, so that two sets of samples do not differ by the chance of their counts.
        """
        n = _validate.positive_int(n, "n")
        dtype = dtype or torch.get_default_dtype()
        draw_device = _random.device_of(generator, self.means)
        if stratified:
            k = torch.arange(len(self.weights)).repeat_interleave(stratified_counts(self.weights, n))
        else:
            k = self._draw_components(n, generator, draw_device)
        z = torch.randn(n, self.dim, generator=generator, dtype=dtype, device=draw_device).to(k.device)
        return self._points_of_components(k, z).to(device or draw_device)

    def _draw_components(self, n: int, generator: Generator | None, device: torch.device) -> Tensor:
        """n components k with probabilities w_k: the first whose cumulative weight reaches u ~ U[0, 1)."""
        dtype = torch.float64 if has_double(device) else torch.float32
        u = torch.rand(n, generator=generator, dtype=dtype, device=device).cpu().double()
        k = torch.searchsorted(self.weights.cumsum(0), u)
        return k.clamp(max=len(self.weights) - 1)  # the weights may sum to a little less than 1

    def _points_of_components(self, k: Tensor, z: Tensor) -> Tensor:
        """m_k + Q_k sqrt(lambda_k) z for each row of k (n,) and z (n, d)."""
        means = self.means.to(z.dtype)
        roots = (self.axes * self.variances.sqrt().unsqueeze(1)).to(z.dtype)  # (K, d, d)
        if len(self.weights) > 64:  # many components: gather one root for each point
            return means[k] + torch.einsum("nij,nj->ni", roots[k], z)  # (n, d, d), (n, d) -> (n, d)
        x = torch.empty_like(z)
        for j, (mean, root) in enumerate(zip(means, roots, strict=True)):
            rows = (k == j).nonzero().squeeze(1)
            x[rows] = torch.addmm(mean, z[rows], root.T)
        return x

    def log_prob(self, x: Tensor) -> Tensor:
        """The log density, log sum_k w_k N(x; m_k, S_k), in nats, of shape (n,)."""
        x = _validate.points(x, "x", self.dim)
        return torch.logsumexp(self._log_joint(x)[0], dim=1)

    def score(self, x: Tensor) -> Tensor:
        """The score, grad log p(x) = -sum_k r_k(x) S_k^{-1} (x - m_k), of shape (n, d)."""
        x = _validate.points(x, "x", self.dim)
        log_joint, precise_residuals = self._log_joint(x)
        r = torch.softmax(log_joint, dim=1)
        return -torch.einsum("nk,nki->ni", r, precise_residuals)  # (n, K), (n, K, d) -> (n, d)

    def smoothed(self, sigma: float) -> "GaussianMixture":
        """The mixture after adding noise, p * N(0, sigma^2 I): every S_k becomes S_k + sigma^2 I."""
        sigma = _validate.real(sigma, "sigma", low=0.0)
        noise = sigma**2 * torch.eye(self.dim, dtype=torch.float64)
        components = zip(self.means, self.covariances, strict=True)
        return GaussianMixture([{"mean": m, "cov": s + noise} for m, s in components], self.weights)

    def check_dtype(self, dtype: torch.dtype) -> None:
        """Raise ValueError if a variance is too small or too large to compute with in this dtype."""
        least, greatest = self._extreme_variances
        numbers = torch.finfo(dtype)
        if least < numbers.tiny or greatest > 1e-4 * numbers.max:
            raise ValueError(
                f"x must be of a dtype that holds the mixture's variances, {least:.3g} to {greatest:.3g}, "
                f"got {dtype}"
            )

    def _log_joint(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """log w_k N(x; m_k, S_k) of shape (n, K), and S_k^{-1} (x - m_k) of shape (n, K, d)."""
        self.check_dtype(x.dtype)
        means, variances, axes = self.means.to(x), self.variances.to(x), self.axes.to(x)
        # into the axes of S_k, where it is diagonal: (K, d, d), (n, K, d) -> (n, K, d)
        residuals = torch.einsum("kji,nkj->nki", axes, x[:, None] - means)
        log_normal = -0.5 * (residuals.square() / variances + (2 * math.pi * variances).log()).sum(-1)
        # and back: (K, d, d), (n, K, d) -> (n, K, d)
        precise_residuals = torch.einsum("kij,nkj->nki", axes, residuals / variances)
        return self.weights.to(x).log() + log_normal, precise_residuals


def standard_mixture() -> GaussianMixture:
    """The course's two-component mixture: means [0, 0] and [3, 2], stds 1 and 0.5, equal weights."""
    return GaussianMixture([{"mean": [0.0, 0.0], "std": 1.0}, {"mean": [3.0, 2.0], "std": 0.5}])


def eight_gaussians(radius: float = 4.0, std: float = 0.3) -> GaussianMixture:
    """Eight equal Gaussians on a circle, at the angles 0, 45, ..., 315 degrees."""
    angles = [2 * math.pi * k / 8 for k in range(8)]
    return GaussianMixture(
        [{"mean": [radius * math.cos(a), radius * math.sin(a)], "std": std} for a in angles]
    )
