"""Posterior samples without training for them: the prior's own flow, steered by the score of the likelihood.

Observed is y = H x1 + noise z. Bayes' rule at time t, log p_t(x | y) = log p_t(x) + log p_t(y | x) + const,
becomes for velocities

    u_t(x | y) = u_t(x) + b(t) grad_x log p_t(y | x),    b = sigma (alpha' sigma / alpha - sigma').

The unknown is p_t(y | x) = E[N(y; H x1, noise^2 I) | x_t = x]. It is known exactly for a Gaussian mixture
(`likelihood_score_field`). Diffusion posterior sampling puts E[x1 | x_t = x] in the place of x1
(`plug_in_score_field`), which forgets how uncertain x1 still is; `matched_score_field` adds its variance.
"""

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._callables import as_velocity
from fmtutorial._types import Score, Time, Velocity
from fmtutorial.distributions import GaussianMixture
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path
from fmtutorial.problems import linear_posterior


def guidance_factor(path: AffineGaussianPath, t: Time) -> Tensor:
    """b(t) = sigma (alpha' sigma / alpha - sigma'), infinite where alpha = 0.

    The velocity is (sigma'/sigma) x + (alpha' - alpha sigma'/sigma) E[x1 | x_t = x], and by Tweedie's formula
    a term g in the score moves that mean by (sigma^2 / alpha) g. On the straight path with sigma_min = 0
    it is (1 - t) / t.
    """
    alpha, sigma = torch.as_tensor(path.alpha(t)), torch.as_tensor(path.sigma(t))
    return path.alpha_dot(t) * sigma.square() / alpha - path.sigma_sigma_dot(t)


def predicted_data(velocity: Velocity, path: AffineGaussianPath, x: Tensor, t: Time) -> Tensor:
    """E[x1 | x_t = x] = (sigma u_t(x) - sigma' x) / (alpha' sigma - alpha sigma'), of shape (n, d).

    From x = alpha x1_hat + sigma x0_hat and u = alpha' x1_hat + sigma' x0_hat, for the marginal velocity u.
    """
    alpha, sigma = path.alpha(t), path.sigma(t)
    alpha_dot, sigma_dot = path.alpha_dot(t), path.sigma_dot(t)
    velocity = as_velocity(velocity, "velocity")
    return (sigma * velocity(x, t) - sigma_dot * x) / (alpha_dot * sigma - alpha * sigma_dot)


def posterior_guided(
    velocity: Velocity, path: AffineGaussianPath, likelihood_score: Score, first_time: float = 1e-3
) -> Velocity:
    """The velocity u_t(x) + b(t) grad_x log p_t(y | x), a function (x, t) for solvers.

    velocity: the marginal velocity of the prior, exact or learned. likelihood_score: a function (x, t), such
    as one of the `..._score_field` below. At t = 0 b is infinite and the gradient 0: before first_time both
    are taken at first_time.
    """
    velocity = as_velocity(velocity, "velocity")
    likelihood_score = as_velocity(likelihood_score, "likelihood_score")
    check_path(path)
    first_time = _validate.real(first_time, "first_time", low=0.0, high=1.0, open_low=True, open_high=True)

    def guided_velocity(x: Tensor, t: Time) -> Tensor:
        """The guided velocity, (n, d)."""
        t = torch.as_tensor(t, dtype=x.dtype, device=x.device)
        later = t.clamp(min=first_time)
        return velocity(x, t) + guidance_factor(path, later) * likelihood_score(x, later)

    return guided_velocity


def likelihood_score_field(
    prior: GaussianMixture, path: AffineGaussianPath, matrix: Tensor, noise: float, y: Tensor
) -> Score:
    """The exact grad_x log p_t(y | x) for a mixture prior, a function (x, t) with one time t for all rows.

    x_t = alpha x1 + sigma x0 measures x1, so that x1 given x_t = x is a mixture (r_k, m_k, C_k) too, and
    p_t(y | x) = sum_k r_k N(y; H m_k, H C_k H^T + noise^2 I). matrix H (m, d), y (m,) or (n, m).
    ValueError at a time where sigma = 0: there x1 is known.
    """
    if not isinstance(prior, GaussianMixture):
        raise TypeError(f"prior must be a GaussianMixture, got {type(prior).__name__}")
    H, noise, y = _observation(path, matrix, noise, y, prior.dim)
    with torch.inference_mode(False):  # autograd takes copies of what was made in inference mode
        H, y = H.cpu().double().clone(), y.cpu().double().clone()
    identity_x, identity_y = (torch.eye(n, dtype=torch.float64) for n in (prior.dim, len(H)))

    def log_likelihood(x: Tensor, t: Time) -> Tensor:
        """log p_t(y | x), (n,)."""
        given_x = linear_posterior(prior, path.alpha(t) * identity_x, float(path.sigma(t)), x)
        covariances = H @ given_x.covariances @ H.T + noise**2 * identity_y  # (K, m, m)
        predicted = torch.distributions.MultivariateNormal(given_x.means @ H.T, covariances)  # (n, K)
        return torch.logsumexp(given_x.weights.log() + predicted.log_prob(y[..., None, :]), dim=1)

    def score(x: Tensor, t: Time) -> Tensor:
        """The gradient, (n, d)."""
        if float(path.sigma(t)) == 0:
            raise ValueError(f"t must not reach a time where sigma(t) = 0, got {float(t)} on {path}")
        if isinstance(t, Tensor):
            t = t.cpu()
        with torch.inference_mode(False), torch.enable_grad():
            point = x.detach().cpu().double().clone().requires_grad_()
            (gradient,) = torch.autograd.grad(log_likelihood(point, t).sum(), point)
        return gradient.to(x)

    return score


def plug_in_score_field(
    velocity: Velocity, path: AffineGaussianPath, matrix: Tensor, noise: float, y: Tensor
) -> Score:
    """The gradient of log N(y; H E[x1 | x_t = x], noise^2 I), a function (x, t): the plug-in of DPS.

    Right only where x1 is known already (t = 1): elsewhere it forgets the variance of x1 given x_t, and so
    trusts its guess too much. One gradient through `velocity` each time. matrix H (m, d), y (m,) or (n, m).
    Chung et al. 2023 (Diffusion Posterior Sampling), theorem 1, without their tuned step size.
    """
    velocity = as_velocity(velocity, "velocity")
    H, noise, y = _observation(path, matrix, noise, y)

    def score(x: Tensor, t: Time) -> Tensor:
        """The gradient, (n, d)."""
        with torch.inference_mode(False), torch.enable_grad():
            point = x.detach().clone().requires_grad_()
            readings = predicted_data(velocity, path, point, _copy(t)) @ H.T.to(x, copy=True)
            log_likelihood = -0.5 * ((y.to(x) - readings) / noise).square().sum()
            (gradient,) = torch.autograd.grad(log_likelihood, point)
        return gradient

    return score


def matched_score_field(
    velocity: Velocity, path: AffineGaussianPath, matrix: Tensor, noise: float, y: Tensor
) -> Score:
    """The plug-in with the variance that it forgets: N(y; H x1_hat, H C H^T + noise^2 I), a function (x, t).

    x1_hat = E[x1 | x_t = x] has the Jacobian J, and C = Cov[x1 | x_t = x] = (sigma^2 / alpha) J (Tweedie's
    formula once more). C counts as constant: J^T H^T (H C H^T + noise^2 I)^{-1} (y - H x1_hat). Exact for a
    Gaussian prior. m gradients through `velocity` each time.
    Boys et al. 2024 (Tweedie Moment Projected Diffusions).
    """
    velocity = as_velocity(velocity, "velocity")
    H, noise, y = _observation(path, matrix, noise, y)

    def score(x: Tensor, t: Time) -> Tensor:
        """The gradient, (n, d)."""
        with torch.inference_mode(False), torch.enable_grad():
            point = x.detach().clone().requires_grad_()
            matrix = H.to(x, copy=True)
            readings = predicted_data(velocity, path, point, _copy(t)) @ matrix.T  # (n, m)
            rows = [torch.autograd.grad(r.sum(), point, retain_graph=True)[0] for r in readings.unbind(1)]
        rows = torch.stack(rows, dim=1)  # H J, of shape (n, m, d)
        spread = torch.as_tensor(path.sigma(t)) ** 2 / path.alpha(t) * rows @ matrix.T  # H C H^T, (n, m, m)
        spread = spread + noise**2 * torch.eye(len(matrix)).to(x)
        weights = torch.linalg.solve(spread, y.to(x) - readings.detach())  # (n, m)
        return torch.einsum("nm,nmd->nd", weights, rows)

    return score


def _observation(path, matrix, noise, y, dim: int | None = None) -> tuple[Tensor, float, Tensor]:
    """The path, the matrix (m, d), the noise and y (m,) or (n, m), checked."""
    check_path(path)
    matrix = _validate.points(matrix, "matrix", dim)
    noise = _validate.real(noise, "noise", low=0.0, open_low=True)
    if not isinstance(y, Tensor) or y.ndim not in (1, 2) or y.shape[-1] != len(matrix):
        came = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        raise ValueError(f"y must have the shape ({len(matrix)},) or (n, {len(matrix)}), got {came}")
    return matrix, noise, y


def _copy(t: Time) -> Time:
    """A copy of a time that is a tensor: autograd takes none that was made in inference mode."""
    return t.clone() if isinstance(t, Tensor) else t
