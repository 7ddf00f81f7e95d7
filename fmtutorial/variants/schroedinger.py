"""The Schroedinger bridge between two Gaussians, in closed form, and the iteration that leads to it.

Of all processes that start at N(0, cov0) and end at N(0, cov1) it is the one nearest, in relative entropy, to
Brownian motion of the noise s. All of it hangs on one matrix, the cross-covariance C = Cov(x0, x1) of its
ends: between them it is the Brownian bridge of `Bridge(s)`. Means move along a straight line, and are left
out.
"""

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._devices import double
from fmtutorial._matrices import power
from fmtutorial.sampling import rk4_step


def gaussian_bridge(cov0: Tensor, cov1: Tensor, s: float) -> Tensor:
    """Cov(x0, x1), (d, d), of the ends of the Schroedinger bridge with the noise s > 0.

    C = (R (4 R cov1 R + s^4 I)^(1/2) R^-1 - s^2 I) / 2 with R = cov0^(1/2) (Janati, Muzellec, Peyre & Cuturi
    2020, with their regularisation epsilon = 2 s^2; Bunne et al. 2023). s -> 0 is optimal transport, s ->
    infinity independence.
    """
    cov0, cov1, s = _checked(cov0, cov1, s)
    identity = torch.eye(len(cov0), dtype=cov0.dtype, device=cov0.device)
    root = power(cov0, 0.5, "cov0")
    inverse = power(cov0, -0.5, "cov0")
    middle = power(4 * root @ cov1 @ root + s**4 * identity, 0.5, "cov1")
    return (root @ middle @ inverse - s**2 * identity) / 2


def bridge_moments(cov0: Tensor, cov1: Tensor, cross: Tensor, s: float, t: float) -> tuple[Tensor, Tensor]:
    """The covariance S_t of x_t, and the matrix F of the process's drift F x, each (d, d), at 0 <= t < 1.

    x_t = (1 - t) x0 + t x1 + gamma z with Cov(x0, x1) = cross. The SDE dx = F x dt + s dW has the same S_t:
    F = (Cov(dx_t/dt, x_t) - s^2/2 I) S_t^-1, which is velocity plus s^2/2 times score.
    """
    cov0, cov1, s = _checked(cov0, cov1, s)
    cross = _checked_cross(cross, cov0)
    t = _validate.real(t, "t", low=0.0, high=1.0)
    return _moments(cov0, cov1, cross, s, t)


def markovian_projection(cov0: Tensor, cov1: Tensor, cross: Tensor, s: float, n_steps: int = 400) -> Tensor:
    """Cov(x0, x1), (d, d), of the Markov process that has the marginals of the bridges with `cross`.

    That process, dx = F x dt + s dW, forgets which x1 belonged to x0, and couples its own ends anew.
    Repeated from any `cross` it leads to the Schroedinger bridge, which it leaves as it is (Shi et al. 2023).
    d Cov(x_t, x0)/dt = F Cov(x_t, x0), by n_steps Runge-Kutta steps of order 4.
    """
    cov0, cov1, s = _checked(cov0, cov1, s)
    cross = _checked_cross(cross, cov0)
    n_steps = _validate.positive_int(n_steps, "n_steps")

    def rate(covariance: Tensor, t: float) -> Tensor:
        """F(t) Cov(x_t, x0)."""
        return _moments(cov0, cov1, cross, s, t)[1] @ covariance

    h = 1 / n_steps
    covariance = cov0
    for k in range(n_steps):
        covariance = rk4_step(rate, covariance, k * h, h)
    return covariance.T


def _moments(cov0: Tensor, cov1: Tensor, cross: Tensor, s: float, t: float) -> tuple[Tensor, Tensor]:
    """`bridge_moments`, unchecked."""
    identity = torch.eye(len(cov0), dtype=cov0.dtype, device=cov0.device)
    noise = s**2 * t * (1 - t) * identity
    covariance = (1 - t) ** 2 * cov0 + t**2 * cov1 + t * (1 - t) * (cross + cross.T) + noise
    with_rate = (1 - t) * cross.T - (1 - t) * cov0 + t * cov1 - t * cross + s**2 * (1 - 2 * t) / 2 * identity
    drift = torch.linalg.solve(covariance, (with_rate - s**2 / 2 * identity).T).T  # A S^-1, S symmetric
    return covariance, drift


def _checked(cov0: Tensor, cov1: Tensor, s: float) -> tuple[Tensor, Tensor, float]:
    """Two positive definite matrices of one size, in double precision, and a noise above 0."""
    checked = []
    for matrix, name in ((cov0, "cov0"), (cov1, "cov1")):
        if not isinstance(matrix, Tensor) or matrix.ndim != 2:
            came = tuple(matrix.shape) if isinstance(matrix, Tensor) else type(matrix).__name__
            raise TypeError(f"{name} must be a torch.Tensor of shape (d, d), got {came}")
        _validate.finite(matrix, name)
        checked.append(_validate.positive_definite(double(matrix), name, len(matrix)))
    _validate.same_shape(cov0, "cov0", cov1, "cov1")
    return *checked, _validate.real(s, "s", low=0.0, open_low=True)


def _checked_cross(cross: Tensor, cov0: Tensor) -> Tensor:
    """The cross-covariance in double precision, if it has the shape of cov0."""
    if not isinstance(cross, Tensor):
        raise TypeError(f"cross must be a torch.Tensor of shape (d, d), got {type(cross).__name__}")
    _validate.same_shape(cross, "cross", cov0, "cov0")
    return double(_validate.finite(cross, "cross"))
