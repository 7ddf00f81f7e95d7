"""Velocity, score, noise, data, v: the conventions of what a network predicts, and on which path.

With x = alpha x1 + sigma x0, let noise = E[x0 | x_t = x] and data = E[x1 | x_t = x]. Then alpha data +
sigma noise = x and alpha' data + sigma' noise = u_t(x): two linear equations, so that each prediction gives
the others. With the same noise ratio sigma / alpha, two paths differ by the scale of x only.
"""

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._callables import as_velocity
from fmtutorial._types import Coefficient, Prediction, Time, Velocity
from fmtutorial.paths.affine import AffineGaussianPath, check_path

KINDS = ("velocity", "score", "noise", "data", "v")


def velocity_to_score(u: Tensor, x: Tensor, t: Time, path: AffineGaussianPath) -> Tensor:
    """score = (alpha u - alpha' x) / (sigma (alpha' sigma - alpha sigma')), of shape (n, d)."""
    return (path.alpha(t) * u - path.alpha_dot(t) * x) / _determinant(path, t)


def score_to_velocity(score: Tensor, x: Tensor, t: Time, path: AffineGaussianPath) -> Tensor:
    """u = (alpha' x + sigma (alpha' sigma - alpha sigma') score) / alpha, of shape (n, d)."""
    return (path.alpha_dot(t) * x + _determinant(path, t) * score) / path.alpha(t)


def noise_and_data(u: Tensor, x: Tensor, t: Time, path: AffineGaussianPath) -> tuple[Tensor, Tensor]:
    """The posterior means of noise and data, both (n, d), from a velocity u at x.

    Cramer's rule for the two linear equations gives noise = (alpha' x - alpha u) / W and
    data = (sigma u - sigma' x) / W with W = alpha' sigma - alpha sigma'. Because
    -sigma' / W = 1 / (alpha - alpha' sigma / sigma'), the second is also

        data = sigma u / W + x / (alpha - alpha' sigma / sigma'),

    and that is what is computed. It is finite where sigma' is infinite, as at t = 1 on a variance-preserving
    path: there data = x / alpha.
    """
    alpha, sigma = path.alpha(t), path.sigma(t)
    alpha_dot, sigma_dot = path.alpha_dot(t), path.sigma_dot(t)
    w = alpha_dot * sigma - alpha * sigma_dot
    noise = (alpha_dot * x - alpha * u) / w
    data = sigma * u / w + x / (alpha - alpha_dot * sigma / sigma_dot)
    return noise, data


def convert(value: Tensor, x: Tensor, t: Time, path: AffineGaussianPath, source: str, target: str) -> Tensor:
    """One prediction at x (n, d) and t from another: "velocity", "score", "noise", "data" or "v".

    v = alpha noise - sigma data (Salimans & Ho 2022). Where the source does not determine the target, as
    a score at alpha = 0 or noise at sigma = 0 do not, ValueError.
    """
    x = _validate.points(x, "x")
    _validate.same_shape(_validate.points(value, "value"), "value", x, "x")
    _check_conversion(path, source, target)
    t = _validate.path_time(t, x)
    result = convert_unchecked(value, x, t, path, source, target)
    if not bool(torch.isfinite(result).all()):
        raise ValueError(f"t must not reach a time where {source} does not determine {target} on {path}")
    return result


def convert_unchecked(
    value: Tensor, x: Tensor, t: Tensor, path: AffineGaussianPath, source: str, target: str
) -> Tensor:
    """`convert` without its checks, for solvers' steps: `t` is a scalar or a column (n, 1)."""
    if source == target:
        return value
    # directly between velocity and score: finite also where sigma' is not
    if source == "velocity" and target == "score":
        return velocity_to_score(value, x, t, path)
    if source == "score" and target == "velocity":
        return score_to_velocity(value, x, t, path)
    # all others by way of noise and data
    noise, data = _to_noise_and_data(value, x, t, path, source)
    return _from_noise_and_data(noise, data, t, path, target)


def converted_model(model: Prediction, path: AffineGaussianPath, source: str, target: str) -> Prediction:
    """A function (x, t) that makes the `target` out of a `model` (x, t) of the `source`, for solvers."""
    _check_conversion(path, source, target)
    model = as_velocity(model)

    def _converted(x: Tensor, t: Time) -> Tensor:
        t = _validate.time_column(t, x)
        return convert_unchecked(model(x, t), x, t, path, source, target)

    return _converted


def move_to_path(
    x: Tensor, t: Time, path: AffineGaussianPath, other: AffineGaussianPath
) -> tuple[Tensor, Tensor]:
    """The point of `other` with the same noise ratio: (x', t') with x' = x alpha_other(t') / alpha(t).

    Then x' has the marginal law of `other` at t' if x has that of `path` at t; trajectories go to
    trajectories, and the posterior means of noise and data stay what they are. Where alpha(t) = 0 the scale
    is that of sigma: it is sqrt(alpha^2 + sigma^2) of `other` over that of `path`, never 0 / 0.
    """
    t = _validate.time_column(t, x)
    t_other = other.time_of(path.noise_ratio(t))
    scale = _norm(other, t_other) / _norm(path, t)
    return scale * x, t_other


def velocity_on_path(velocity: Velocity, path: AffineGaussianPath, other: AffineGaussianPath) -> Velocity:
    """The velocity (x, t) on `other` of the model whose velocity on `path` is given: no training needed."""
    velocity = as_velocity(velocity, "velocity")

    def _velocity(x: Tensor, t: Time) -> Tensor:
        t = _validate.time_column(t, x)
        # ask the model at the point of its own path
        x_model, t_model = move_to_path(x, t, other, path)
        u = velocity(x_model, t_model)
        # noise and data are the same on both paths
        noise, data = noise_and_data(u, x_model, t_model, path)
        return _from_noise_and_data(noise, data, t, other, "velocity")

    return _velocity


def _determinant(path: AffineGaussianPath, t: Time) -> Coefficient:
    """sigma (alpha' sigma - alpha sigma'), written so that it is finite where sigma' is not."""
    return path.alpha_dot(t) * path.sigma(t) ** 2 - path.alpha(t) * path.sigma_sigma_dot(t)


def _norm(path: AffineGaussianPath, t: Tensor) -> Tensor:
    """sqrt(alpha^2 + sigma^2), in the dtype of t."""
    alpha = torch.as_tensor(path.alpha(t)).to(t)
    sigma = torch.as_tensor(path.sigma(t)).to(t)
    return torch.hypot(alpha, sigma)


def _to_noise_and_data(
    value: Tensor, x: Tensor, t: Tensor, path: AffineGaussianPath, source: str
) -> tuple[Tensor, Tensor]:
    """The posterior means of noise and data, both (n, d), from any prediction."""
    alpha, sigma = path.alpha(t), path.sigma(t)
    if source == "velocity":
        return noise_and_data(value, x, t, path)
    if source == "data":
        noise = (x - alpha * value) / sigma
        return noise, value
    if source == "noise":
        data = (x - sigma * value) / alpha
        return value, data
    if source == "score":
        noise = -sigma * value
        data = (x - sigma * noise) / alpha
        return noise, data
    # v = alpha noise - sigma data and x = alpha data + sigma noise
    squares = alpha**2 + sigma**2
    noise = (sigma * x + alpha * value) / squares
    data = (alpha * x - sigma * value) / squares
    return noise, data


def _from_noise_and_data(
    noise: Tensor, data: Tensor, t: Tensor, path: AffineGaussianPath, target: str
) -> Tensor:
    """Any prediction (n, d) from the posterior means of noise and data."""
    if target == "velocity":
        return path.alpha_dot(t) * data + path.sigma_dot(t) * noise
    if target == "score":
        return -noise / path.sigma(t)
    if target == "v":
        return path.alpha(t) * noise - path.sigma(t) * data
    if target == "noise":
        return noise
    return data


def _check_conversion(path: AffineGaussianPath, source: str, target: str) -> None:
    """A path and two of KINDS."""
    check_path(path)
    _validate.one_of(source, "source", KINDS)
    _validate.one_of(target, "target", KINDS)
