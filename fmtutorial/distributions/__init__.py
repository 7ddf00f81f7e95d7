"""What is generated: distributions whose samples, density and score are known exactly."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "mixtures": ["GaussianMixture", "standard_mixture", "eight_gaussians"],
        "empirical": ["EmpiricalDistribution"],
        "toy": ["Moons", "Checkerboard", "Spiral"],
    },
)
