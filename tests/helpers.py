"""What several tests share: seeds, random mixtures, and the strategies that draw them."""

import torch
from hypothesis import settings
from hypothesis import strategies as st

from fmtutorial import GaussianMixture

settings.register_profile("course", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("course")


def seeded(seed: int = 0) -> torch.Generator:
    """A fresh generator."""
    return torch.Generator().manual_seed(seed)


def random_mixture(seed: int, dim: int, n_components: int) -> GaussianMixture:
    """A mixture with full covariances and unequal weights."""
    generator = seeded(seed)
    weights = torch.rand(n_components, generator=generator, dtype=torch.float64) + 0.1
    parameters = []
    for _ in range(n_components):
        a = torch.randn(dim, dim, generator=generator, dtype=torch.float64)
        mean = 2 * torch.randn(dim, generator=generator, dtype=torch.float64)
        parameters.append({"mean": mean, "cov": a @ a.T / dim + 0.2 * torch.eye(dim, dtype=torch.float64)})
    return GaussianMixture(parameters, weights / weights.sum())


mixtures = st.builds(random_mixture, st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4))
times = st.floats(0.02, 0.98)
widths = st.sampled_from([0.0, 1e-4, 0.1, 0.5])


def normal(n: int, dim: int, seed: int = 0) -> torch.Tensor:
    """Standard normal points in double precision."""
    return torch.randn(n, dim, generator=seeded(seed), dtype=torch.float64)
