"""Linear inverse problems y = H x + noise whose prior is a Gaussian mixture: the posterior is another one."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._types import Time
from fmtutorial.distributions import GaussianMixture
from fmtutorial.exact import mixture as exact_mixture
from fmtutorial.paths import AffineGaussianPath


@dataclass(frozen=True, eq=False)
class MixturePosterior:
    """For each of n observations a Gaussian mixture: weights (n, K), means (n, K, d), covariances (K, d, d).

    The covariances are the same for all n: in a linear problem they do not depend on what was observed.
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor

    def mixture(self, i: int = 0) -> GaussianMixture:
        """The posterior of observation i as a `GaussianMixture`."""
        components = zip(self.means[i], self.covariances, strict=True)
        return GaussianMixture([{"mean": m, "cov": s} for m, s in components], self.weights[i])

    @property
    def mean(self) -> Tensor:
        """sum_k w_k m_k, of shape (n, d)."""
        return torch.einsum("nk,nkd->nd", self.weights, self.means)  # (n, K), (n, K, d) -> (n, d)

    @property
    def std(self) -> Tensor:
        """The standard deviation of each element, sqrt(sum_k w_k (S_k + m_k^2) - mean^2), of shape (n, d)."""
        variances = self.covariances.diagonal(dim1=1, dim2=2)  # of each element within a component, (K, d)
        # second moments: (n, K), (n, K, d) -> (n, d)
        second = torch.einsum("nk,nkd->nd", self.weights, variances + self.means.square())
        return (second - self.mean.square()).clamp(min=0).sqrt()

    def sample(self, n_each: int, generator: Generator | None = None) -> Tensor:
        """Draw n_each points from the posterior of each observation: (n, n_each, d)."""
        n, _, d = self.means.shape
        # a component for each point: the first whose cumulative weight reaches u
        random = {"generator": generator, "dtype": torch.float64, "device": _random.device_of(generator)}
        u = torch.rand(n, n_each, 1, **random).cpu()
        k = (u > self.weights.cumsum(1)[:, None, :-1]).sum(-1)  # (n, n_each)
        # every component's point, of which one is taken
        z = torch.randn(n, n_each, d, **random).cpu()
        roots, info = torch.linalg.cholesky_ex(self.covariances)
        if bool((info != 0).any()):  # with hardly any noise some directions have no width but rounding
            variances, axes = self._spectrum
            roots = axes * variances.clamp(min=0).sqrt().unsqueeze(1)
        deviations = torch.einsum("kij,nlj->nlki", roots, z)  # (K, d, d), (n, n_each, d) -> (n, n_each, K, d)
        candidates = self.means[:, None] + deviations
        return candidates.gather(2, k[..., None, None].expand(-1, -1, 1, d)).squeeze(2)

    def velocity(self, path: AffineGaussianPath, x: Tensor, t: Time) -> Tensor:
        """The exact conditional velocity u_t(x | y), row i of x (n, d) under the posterior of y_i.

        `exact.marginal_velocity` with means that differ between rows: each is the marginal velocity of a flow
        from noise to the posterior (Lipman et al. 2023, eq. 8).
        """
        t = _validate.time_column(t, x).cpu().double()
        variances, axes = self._spectrum
        components = exact_mixture.Components(self.weights.log(), self.means, variances, axes)
        return exact_mixture.velocity(components, path, x.cpu().double(), t).to(x)

    @cached_property
    def _spectrum(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues (K, d) and eigenvectors (K, d, d) of the covariances."""
        return torch.linalg.eigh(self.covariances)


def linear_posterior(prior: GaussianMixture, matrix: Tensor, noise: float, y: Tensor) -> MixturePosterior:
    """The posterior of x ~ prior given y = matrix x + noise z, z ~ N(0, I), for y of shape (n, m).

    With G_k = H S_k H^T + noise^2 I and the gain K_k = S_k H^T G_k^{-1}: means m_k + K_k (y - H m_k),
    covariances S_k - K_k H S_k, weights proportional to w_k N(y; H m_k, G_k). All on the CPU, in double
    precision.
    """
    # check the arguments
    noise = _validate.real(noise, "noise", low=0.0, open_low=True)
    H = _validate.points(matrix, "matrix").cpu().double()
    if H.shape[1] != prior.dim:
        raise ValueError(f"matrix must have the shape (m, {prior.dim}), got {tuple(H.shape)}")
    y = _validate.points(y, "y", len(H)).cpu().double()
    S = prior.covariances

    # the innovation y - H m_k, its covariance G_k = root root^T, and the gain
    innovation = y[:, None] - prior.means @ H.T  # (n, K, m)
    predicted = H @ S @ H.T + noise**2 * torch.eye(len(H), dtype=torch.float64)
    root, info = torch.linalg.cholesky_ex(predicted)  # (K, m, m)
    if bool((info != 0).any()):
        raise ValueError(
            f"noise must be larger for this matrix, whose readings depend on another, got {noise}"
        )
    gain = torch.cholesky_solve(H @ S, root).transpose(1, 2)  # (K, d, m)

    # weights proportional to w_k N(y; H m_k, G_k)
    white = torch.linalg.solve_triangular(root, innovation.permute(1, 2, 0), upper=False)  # (K, m, n)
    log_evidence = -0.5 * white.square().sum(1).T - root.diagonal(dim1=1, dim2=2).log().sum(1)  # (n, K)
    weights = (prior.weights.log() + log_evidence).softmax(1)

    # means and covariances of the updated components
    means = prior.means + torch.einsum("kdm,nkm->nkd", gain, innovation)  # (K, d, m), (n, K, m) -> (n, K, d)
    covariances = S - gain @ H @ S
    covariances = (covariances + covariances.transpose(1, 2)) / 2
    return MixturePosterior(weights, means, covariances)
