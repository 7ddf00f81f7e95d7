"""Velocity, score, noise, data: what a network predicts on an affine path, and how libraries write it.

With x = alpha x1 + sigma x0, let noise = E[x0 | x_t = x] and data = E[x1 | x_t = x]. Then alpha data +
sigma noise = x and alpha' data + sigma' noise = u_t(x): two linear equations, so that each prediction gives
the others. With the same noise ratio sigma / alpha, two paths differ by the scale of x only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._types import Coefficient, Prediction, Time, Velocity
from fmtutorial.paths.affine import AffineGaussianPath, check_path
from fmtutorial.paths.schedules import StraightPath, VarianceExplodingPath, VariancePreservingPath

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

    def _velocity(x: Tensor, t: Time) -> Tensor:
        t = _validate.time_column(t, x)
        # ask the model at the point of its own path
        x_model, t_model = move_to_path(x, t, other, path)
        u = velocity(x_model, t_model)
        # noise and data are the same on both paths
        noise, data = noise_and_data(u, x_model, t_model, path)
        return _from_noise_and_data(noise, data, t, other, "velocity")

    return _velocity


@dataclass(frozen=True)
class Convention:
    """How a library writes down what we call (x_t, t) and u_t.

    path: the path its network lives on, in our time (0 noise, 1 data). to_label and to_time: from our t to
    what the network is shown, and back. output: which of KINDS the network returns, times `sign`.
    """

    path: AffineGaussianPath
    to_label: Callable[[Time], Time]
    to_time: Callable[[Time], Time]
    output: str
    sign: float = 1.0


def _unchanged(t: Time) -> Time:
    """flow_matching and torchcfm show their networks our t."""
    return t


def _reversed(t: Time) -> Time:
    """s = 1 - t and t = 1 - s: the time of diffusion, 0 at the data."""
    return 1 - t


def _thousandths_of_noise(t: Time) -> Time:
    """diffusers shows a flow's network 1000 (1 - t)."""
    return 1000 * (1 - t)


def _time_of_thousandths(label: Time) -> Time:
    """The inverse of `_thousandths_of_noise`."""
    return 1 - label / 1000


def _ddpm_step(t: Time) -> Time:
    """Step 999 is the noisiest: alphas_cumprod[step] is alpha^2 at s = (step + 1) / 1000, up to 1/1000."""
    return 1000 * (1 - t) - 1


def _time_of_ddpm_step(step: Time) -> Time:
    """The inverse of `_ddpm_step`."""
    return 1 - (step + 1) / 1000


_STRAIGHT, _VP, _VE = StraightPath(0.0), VariancePreservingPath(), VarianceExplodingPath()
CONVENTIONS = {
    "flow_matching": Convention(_STRAIGHT, _unchanged, _unchanged, "velocity"),
    "torchcfm": Convention(_STRAIGHT, _unchanged, _unchanged, "velocity"),
    "diffusers_flow": Convention(
        _STRAIGHT, _thousandths_of_noise, _time_of_thousandths, "velocity", sign=-1.0
    ),
    "diffusers_ddpm": Convention(_VP, _ddpm_step, _time_of_ddpm_step, "noise"),
    "edm": Convention(_VE, _VE.sigma, _VE.time_of, "data"),
    # what its get_score_fn returns; the raw VP network returns the noise, with the label 999 t
    "score_sde": Convention(_VP, _reversed, _reversed, "score"),
}


def from_library(network: Prediction, library: str, path: AffineGaussianPath) -> Velocity:
    """Our velocity (x, t) on `path` from a library's network, called as network(its x, its time label)."""
    theirs = CONVENTIONS[_validate.one_of(library, "library", CONVENTIONS)]

    def _prediction(x: Tensor, t: Time) -> Tensor:
        return theirs.sign * network(x, theirs.to_label(t))

    velocity = converted_model(_prediction, theirs.path, theirs.output, "velocity")
    if path == theirs.path:
        return velocity
    return velocity_on_path(velocity, theirs.path, path)


def to_library(velocity: Velocity, library: str, path: AffineGaussianPath) -> Prediction:
    """The network (its x, its time label) that a library's samplers expect, from our velocity on `path`."""
    theirs = CONVENTIONS[_validate.one_of(library, "library", CONVENTIONS)]
    if path != theirs.path:
        velocity = velocity_on_path(velocity, path, theirs.path)
    prediction = converted_model(velocity, theirs.path, "velocity", theirs.output)

    def _network(x: Tensor, label: Time) -> Tensor:
        return theirs.sign * prediction(x, theirs.to_time(label))

    return _network


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
