"""A linear inverse problem with a known posterior: the initial heat in a rod from a few noisy sensors.

`HeatRod.sample(n, generator) -> (x1, y)` is what `fit` asks for, and `HeatRod.posterior(y)` is the truth to
judge the result by.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Generator, Tensor

from fmtutorial import _validate
from fmtutorial.distributions import GaussianMixture


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
        pairs = zip(self.means[i], self.covariances, strict=True)
        return GaussianMixture([{"mean": m, "cov": s} for m, s in pairs], self.weights[i])

    @property
    def mean(self) -> Tensor:
        """sum_k w_k m_k, of shape (n, d)."""
        return torch.einsum("nk,nkd->nd", self.weights, self.means)

    @property
    def std(self) -> Tensor:
        """The standard deviation of each element, sqrt(sum_k w_k (S_k + m_k^2) - mean^2), of shape (n, d)."""
        inside = self.covariances.diagonal(dim1=1, dim2=2)
        second = torch.einsum("nk,nkd->nd", self.weights, inside + self.means.square())
        return (second - self.mean.square()).clamp(min=0).sqrt()

    def sample(self, n_each: int, generator: Generator | None = None) -> Tensor:
        """Draw n_each points from the posterior of each observation: (n, n_each, d)."""
        n, d = len(self.means), self.means.shape[2]
        u = torch.rand(n, n_each, 1, generator=generator, dtype=torch.float64)
        k = (u > self.weights.cumsum(1)[:, None, :-1]).sum(-1)
        z = torch.randn(n, n_each, d, generator=generator, dtype=torch.float64)
        moved = torch.einsum("kij,nlj->nlki", torch.linalg.cholesky(self.covariances), z)
        return (self.means[:, None] + moved).gather(2, k[..., None, None].expand(-1, -1, 1, d)).squeeze(2)

    def velocity(self, path, x: Tensor, t) -> Tensor:
        """The exact conditional velocity u_t(x | y), row i of x (n, d) under the posterior of y_i.

        `exact.marginal_velocity` with means that differ between rows: each is the marginal velocity of a flow
        from noise to the posterior (Lipman et al. 2023, eq. 8).
        """
        t = _validate.time_column(t, x).double()
        t = t[..., None] if t.ndim else t
        alpha, sigma = path.alpha(t), path.sigma(t)
        variances, axes = self._spectrum
        z = torch.einsum("kij,nki->nkj", axes, x[:, None].double() - alpha * self.means)
        c = sigma**2 + alpha**2 * variances
        log_joint = self.weights.log() - 0.5 * (z.square() / c + c.log()).sum(-1)
        pull = (alpha * path.alpha_dot(t) * variances + path.sigma_sigma_dot(t)) / c * z
        u = path.alpha_dot(t) * self.means + torch.einsum("kij,nkj->nki", axes, pull)
        return torch.einsum("nk,nkd->nd", log_joint.softmax(1), u).to(x)

    @cached_property
    def _spectrum(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues (K, d) and eigenvectors (K, d, d) of the covariances."""
        return torch.linalg.eigh(self.covariances)


def linear_posterior(prior: GaussianMixture, matrix: Tensor, noise: float, y: Tensor) -> MixturePosterior:
    """The posterior of x ~ prior given y = matrix x + noise z, z ~ N(0, I), for y of shape (n, m).

    With G_k = H S_k H^T + noise^2 I and the gain K_k = S_k H^T G_k^{-1}: means m_k + K_k (y - H m_k),
    covariances S_k - K_k H S_k, weights proportional to w_k N(y; H m_k, G_k).
    """
    noise = _validate.real(noise, "noise", low=0.0, open_low=True)
    H = _validate.points(matrix, "matrix").double()
    if H.shape[1] != prior.dim:
        raise ValueError(f"matrix must have the shape (m, {prior.dim}), got {tuple(H.shape)}")
    y = _validate.points(y, "y", len(H)).double()
    S, means = prior.covariances, prior.means
    root = torch.linalg.cholesky(H @ S @ H.T + noise**2 * torch.eye(len(H), dtype=torch.float64))
    left = y[:, None] - means @ H.T  # (n, K, m)
    gain = torch.cholesky_solve(H @ S, root).transpose(1, 2)  # (K, d, m)
    white = torch.linalg.solve_triangular(root, left.permute(1, 2, 0), upper=False)  # (K, m, n)
    log_evidence = -0.5 * white.square().sum(1).T - root.diagonal(dim1=1, dim2=2).log().sum(1)
    weights = (prior.weights.log() + log_evidence).softmax(1)
    covariances = S - gain @ H @ S
    covariances = (covariances + covariances.transpose(1, 2)) / 2
    return MixturePosterior(weights, means + torch.einsum("kdm,nkm->nkd", gain, left), covariances)


def heat_matrix(positions, x: Tensor, time: float) -> Tensor:
    """The matrix (m, n) from initial temperatures at cell centres x (n,) to those at m positions at `time`.

    The heat equation u_t = u_xx on [0, 1] with insulated ends, by its cosine modes: mode cos(k pi x) decays
    as exp(-k^2 pi^2 time). Every row sums to 1, as heat is neither made nor lost.
    """
    positions = torch.as_tensor(positions, dtype=torch.float64)
    if positions.ndim != 1 or not bool(((positions >= 0) & (positions <= 1)).all()):
        raise ValueError(f"positions must be a list of numbers in [0, 1], got {positions.tolist()}")
    time = _validate.real(time, "time", low=0.0)
    k = math.pi * torch.arange(len(x), dtype=torch.float64)
    weight = torch.where(k == 0, 1.0, 2.0) / len(x) * torch.exp(-k.square() * time)
    return torch.cos(positions[:, None] * k) @ (weight[:, None] * torch.cos(k[:, None] * x))


class HeatRod:
    """Initial temperatures x1 (n = 32 cells) of an insulated rod from a few noisy sensors read at `time`.

    Prior: a hot spot of height 2 left (at 0.25) or right (at 0.75), each with probability 1/2, plus smooth
    variation of standard deviation 0.25. `x` are the cells' centres, `matrix` the sensors' rows.
    """

    def __init__(self, sensors=(0.46, 0.5, 0.54), time: float = 0.02, noise: float = 0.1, n: int = 32):
        n = _validate.positive_int(n, "n")
        self.noise = _validate.real(noise, "noise", low=0.0, open_low=True)
        self.sensors, self.time = tuple(sensors), time
        self.x = (torch.arange(n, dtype=torch.float64) + 0.5) / n
        self.matrix = heat_matrix(self.sensors, self.x, time)
        smooth = 0.25**2 * torch.exp(-0.5 * ((self.x[:, None] - self.x) / 0.15) ** 2)
        smooth = smooth + 0.05**2 * torch.eye(n, dtype=torch.float64)
        spots = [torch.exp(-0.5 * ((self.x - centre) / 0.12) ** 2) for centre in (0.25, 0.75)]
        self.prior = GaussianMixture(
            [{"mean": 2 * s, "cov": smooth + 0.2**2 * torch.outer(s, s)} for s in spots]
        )

    def observe(self, x1: Tensor, generator: Generator | None = None) -> Tensor:
        """What the sensors read: y = H x1 + noise z, (n, m)."""
        z = torch.randn(len(x1), len(self.matrix), generator=generator, dtype=x1.dtype)
        return x1 @ self.matrix.T.to(x1) + self.noise * z

    def sample(self, n: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Simulate n pairs: x1 (n, 32) from the prior, y (n, m) from the sensors."""
        x1 = self.prior.sample(n, generator)
        return x1, self.observe(x1, generator)

    def posterior(self, y: Tensor) -> MixturePosterior:
        """The exact posterior for each row of y (n, m)."""
        return linear_posterior(self.prior, self.matrix, self.noise, y)

    def velocity_field(self, path):
        """The exact conditional velocity as a function (x, t, y), unchecked, for `integrate_flow`."""
        return lambda x, t, y: self.posterior(y).velocity(path, x, t)
