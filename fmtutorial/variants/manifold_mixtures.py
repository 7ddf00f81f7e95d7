"""Mixtures on the torus and on the sphere, whose densities and samples are known exactly."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial.distributions._parameters import read_numbers, read_weights, stratified_counts
from fmtutorial.variants.manifolds import Sphere, Torus, tangent_frame, wrap


class WrappedNormalMixture:
    """q(x) = sum_k w_k prod_j sum_m N(x_j + 2 pi m; mean_kj, std_kj^2): normals, wound around the torus.

    means (K, d) in radians; std a number, (K, 1), or (K, d); weights equal unless given.
    """

    def __init__(
        self,
        means: Sequence | Tensor,
        std: float | Sequence | Tensor,
        weights: Sequence[float] | Tensor | None = None,
    ):
        self.means = wrap(_matrix(means, "means"))
        std = _positive(std, "std")
        if std.shape not in ((), (len(self.means), 1), self.means.shape):
            raise ValueError(
                f"std must be a number, or have the shape {(len(self.means), 1)} or {tuple(self.means.shape)}"
                f", got {tuple(std.shape)}"
            )
        self.std = std.expand(self.means.shape)
        self.weights = read_weights(weights, len(self.means))
        self.manifold = Torus(self.means.shape[1])

    def __repr__(self) -> str:
        return f"WrappedNormalMixture({len(self.means)} components on {self.manifold})"

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), in nats, (n,), with respect to the area dx_1 ... dx_d."""
        x = self.manifold.check_points(x, "x")
        z = self.image_offsets(x) / self.std.to(x).unsqueeze(-1)  # (n, K, d, images)
        log_normal = -0.5 * z.square() - (self.std.to(x).unsqueeze(-1) * math.sqrt(2 * math.pi)).log()
        log_components = torch.logsumexp(log_normal, dim=-1).sum(-1)  # (n, K)
        return torch.logsumexp(self.weights.to(x).log() + log_components, dim=1)

    def sample(
        self,
        n: int,
        generator: Generator | None = None,
        *,
        stratified: bool = False,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """n points (n, d), on the generator's device: mean + std z, wrapped.

        `stratified=True` fixes the counts of the components, as in `GaussianMixture.sample`.
        """
        n = _validate.positive_int(n, "n")
        k = _components(self.weights, n, generator, stratified)
        device = _random.device_of(generator)
        z = torch.randn(n, self.manifold.dim, generator=generator, dtype=dtype, device=device)
        return wrap(self.means[k].to(z) + self.std[k].to(z) * z)

    def image_offsets(self, x: Tensor) -> Tensor:
        """mean + 2 pi m - x for enough whole numbers m on both sides, (n, K, d, images)."""
        n_images = math.ceil(9 * float(self.std.max()) / (2 * math.pi))  # others are beyond 9 std
        turns = 2 * math.pi * torch.arange(-n_images, n_images + 1, dtype=x.dtype, device=x.device)
        return wrap(self.means.to(x) - x[:, None]).unsqueeze(-1) + turns


class VonMisesFisherMixture:
    """q(x) = sum_k w_k C_k exp(kappa_k (mean_k . x - 1)) on the sphere (Fisher 1953).

    C = kappa / (2 pi (1 - exp(-2 kappa))). means (K, 3), brought to length 1; kappa, the concentration, a
    number or (K,): a large one is nearly a normal around its mean, of standard deviation 1/sqrt(kappa);
    weights equal unless given.
    """

    def __init__(
        self,
        means: Sequence | Tensor,
        kappa: float | Sequence[float] | Tensor,
        weights: Sequence[float] | Tensor | None = None,
    ):
        means = _matrix(means, "means")
        lengths = means.norm(dim=1, keepdim=True)
        if means.shape[1] != 3 or bool((lengths == 0).any()):
            raise ValueError(f"means must have the shape (K, 3) and no row of zeros, got {means.tolist()}")
        self.means = means / lengths
        kappa = _positive(kappa, "kappa")
        if kappa.shape not in ((), (len(means),)):
            raise ValueError(
                f"kappa must be a number or have the shape ({len(means)},), got {tuple(kappa.shape)}"
            )
        self.kappa = kappa.expand(len(means))
        self.weights = read_weights(weights, len(means))
        self.manifold = Sphere()

    def __repr__(self) -> str:
        return f"VonMisesFisherMixture({len(self.means)} components)"

    @property
    def log_constants(self) -> Tensor:
        """log C_k, (K,)."""
        return (self.kappa / (2 * math.pi)).log() - (-torch.expm1(-2 * self.kappa)).log()

    def log_prob(self, x: Tensor) -> Tensor:
        """log q(x), in nats, (n,), with respect to the area of the sphere, which is 4 pi in all."""
        x = self.manifold.check_points(x, "x")
        log_components = self.log_constants.to(x) + self.kappa.to(x) * (x @ self.means.to(x).T - 1)
        return torch.logsumexp(self.weights.to(x).log() + log_components, dim=1)

    def sample(
        self,
        n: int,
        generator: Generator | None = None,
        *,
        stratified: bool = False,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """n points (n, 3), on the generator's device.

        c = mean . x has a distribution function that can be inverted (Fisher, Lewis & Embleton 1987):
        c = 1 + log(1 - u (1 - exp(-2 kappa))) / kappa, u uniform. The direction around the mean is uniform.
        """
        n = _validate.positive_int(n, "n")
        k = _components(self.weights, n, generator, stratified)
        device = _random.device_of(generator)
        u = torch.rand(2, n, 1, generator=generator, dtype=dtype, device=device)
        kappa = self.kappa[k].to(u).unsqueeze(1)
        below_one = -torch.log1p(u[0] * torch.expm1(-2 * kappa)) / kappa  # 1 - c
        cosine = 1 - below_one
        sine = (below_one * (2 - below_one)).clamp(min=0).sqrt()
        around = 2 * math.pi * u[1]
        means = self.means[k].to(u)
        e1, e2 = tangent_frame(means)
        return cosine * means + sine * (around.cos() * e1 + around.sin() * e2)


ManifoldMixture = WrappedNormalMixture | VonMisesFisherMixture


def check_mixture(mixture: ManifoldMixture) -> None:
    """Raise TypeError unless it is one of these mixtures."""
    if not isinstance(mixture, ManifoldMixture):
        raise TypeError(
            f"mixture must be a WrappedNormalMixture or a VonMisesFisherMixture, got {type(mixture).__name__}"
        )


def _components(weights: Tensor, n: int, generator: Generator | None, stratified: bool) -> Tensor:
    """The component of each of n points, (n,), by chance or in fixed counts."""
    device = _random.device_of(generator)
    if stratified:
        return torch.arange(len(weights)).repeat_interleave(stratified_counts(weights, n))
    u = torch.rand(n, generator=generator, device=device).cpu().double()
    return torch.searchsorted(weights.cumsum(0), u).clamp(max=len(weights) - 1)


def _matrix(values: Sequence | Tensor, name: str) -> Tensor:
    """`values` as a tensor (K, d) in double precision."""
    values = read_numbers(values, name)
    if values.ndim != 2 or values.numel() == 0:
        raise ValueError(f"{name} must have the shape (K, d) with K, d >= 1, got {tuple(values.shape)}")
    return values


def _positive(values: float | Sequence | Tensor, name: str) -> Tensor:
    """`values` as a tensor of numbers above 0."""
    values = read_numbers(values, name)
    if bool((values <= 0).any()):
        raise ValueError(f"{name} must be greater than 0, got {values.tolist()}")
    return values
