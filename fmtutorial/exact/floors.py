"""The least loss that any network can reach: what is left when the network is perfect."""

import math

from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._devices import double
from fmtutorial._types import Time
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture
from fmtutorial.exact._kinds import formulas_for
from fmtutorial.exact.marginal import marginal_velocity
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path


def loss_floor(
    mixture: GaussianMixture | EmpiricalDistribution,
    path: AffineGaussianPath,
    n_samples: int = 100_000,
    generator: Generator | None = None,
    t: Time | None = None,
) -> tuple[float, float]:
    """The least CFM loss that any network can reach, E[Var(u_t | x_t)], as (mean, standard error).

    A mean over samples and elements, like the loss itself. Averaged over t ~ U[0, 1], or at one fixed `t`.
    """
    formulas_for(mixture)  # TypeError for other kinds of data
    check_path(path)
    n_samples = _validate.positive_int(n_samples, "n_samples")
    # draw points on the path, with their targets
    x1 = double(mixture.sample(n_samples, generator))
    x0 = _random.normal_like(x1, generator)
    if t is None:
        t = _random.uniform_time(x1, generator)
    t = _validate.path_time(t, x1)
    x_t = path.sample(x0, x1, t)
    u_t = path.velocity(x0, x1, t)
    # what the best prediction leaves
    residual = u_t - marginal_velocity(mixture, path, x_t, t)
    return _mean_and_standard_error(residual.square().mean(1))


def dsm_floor(
    mixture: GaussianMixture, sigma: float, n_samples: int = 100_000, generator: Generator | None = None
) -> tuple[float, float]:
    """The least value of `training.dsm_loss`, E[Var(z / sigma | x)], as (mean, standard error).

    By the law of total variance it is 1 / sigma^2 - E |grad log p_sigma(x)|^2 / d.
    """
    sigma = _validate.real(sigma, "sigma", low=0.0, open_low=True)
    n_samples = _validate.positive_int(n_samples, "n_samples")
    smoothed = mixture.smoothed(sigma)
    x = double(smoothed.sample(n_samples, generator))
    explained, standard_error = _mean_and_standard_error(smoothed.score(x).square().mean(1))
    return 1 / sigma**2 - explained, standard_error


def _mean_and_standard_error(values: Tensor) -> tuple[float, float]:
    """The mean of independent values (n,), and its standard error."""
    return float(values.mean()), float(values.std() / math.sqrt(len(values)))
