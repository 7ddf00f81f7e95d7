"""What is generated: distributions whose samples, density and score are known exactly."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "mixtures": ["GaussianMixture", "standard_mixture", "eight_gaussians"],
        "empirical": ["EmpiricalDistribution"],
        "toy": ["Moons", "Checkerboard", "Spiral"],
    },
)
