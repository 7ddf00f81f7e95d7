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
from fmtutorial.paths.affine import AffineGaussianPath
from fmtutorial.paths.schedules import StraightPath, VarianceExplodingPath, VariancePreservingPath

KINDS = ("velocity", "score", "noise", "data", "v")


def velocity_to_score(u: Tensor, x: Tensor, t, path) -> Tensor:
    """score = (alpha u - alpha' x) / (sigma (alpha' sigma - alpha sigma')), of shape (n, d)."""
    return (path.alpha(t) * u - path.alpha_dot(t) * x) / _determinant(path, t)


def score_to_velocity(score: Tensor, x: Tensor, t, path) -> Tensor:
    """u = (alpha' x + sigma (alpha' sigma - alpha sigma') score) / alpha, of shape (n, d)."""
    return (path.alpha_dot(t) * x + _determinant(path, t) * score) / path.alpha(t)


def noise_and_data(u: Tensor, x: Tensor, t, path) -> tuple[Tensor, Tensor]:
    """The posterior means of noise and data, both (n, d), from a velocity, by Cramer's rule.

    noise = (alpha' x - alpha u) / W and data = (sigma u - sigma' x) / W with W = alpha' sigma - alpha sigma'.
    """
    alpha, sigma = path.alpha(t), path.sigma(t)
    alpha_dot, sigma_dot = path.alpha_dot(t), path.sigma_dot(t)
    w = alpha_dot * sigma - alpha * sigma_dot
    noise = (alpha_dot * x - alpha * u) / w
    data = sigma * u / w + x / (alpha - alpha_dot * sigma / sigma_dot)  # also where sigma' is infinite
    return noise, data


def convert(value: Tensor, x: Tensor, t, path: AffineGaussianPath, source: str, target: str) -> Tensor:
    """One prediction at x (n, d) and t from another: "velocity", "score", "noise", "data" or "v".

    v = alpha noise - sigma data (Salimans & Ho 2022). Where the source does not determine the target, as
    a score at alpha = 0 or noise at sigma = 0 do not, ValueError.
    """
    x = _validate.points(x, "x")
    _validate.same_shape(_validate.points(value, "value"), "value", x, "x")
    _check(path, source, target)
    result = _convert(value, x, _validate.path_time(t, x), path, source, target)
    if not bool(torch.isfinite(result).all()):
        raise ValueError(f"t must not reach a time where {source} does not determine {target} on {path}")
    return result


def converted(model: Callable, path: AffineGaussianPath, source: str, target: str) -> Callable:
    """A function (x, t) that makes the `target` out of a `model` (x, t) of the `source`, for solvers."""
    _check(path, source, target)

    def _field(x: Tensor, t) -> Tensor:
        t = _validate.time_column(t, x)
        return _convert(model(x, t), x, t, path, source, target)

    return _field


def change_path(x: Tensor, t, path: AffineGaussianPath, other: AffineGaussianPath) -> tuple[Tensor, Tensor]:
    """The point of `other` with the same noise ratio: (x', t') with x' = x alpha_other(t') / alpha(t).

    Then x' has the marginal law of `other` at t' if x has that of `path` at t; trajectories go to
    trajectories, and the posterior means of noise and data stay what they are.
    """
    t = _validate.time_column(t, x)
    s = other.time_of(path.noise_ratio(t))
    scale = _size(other, s) / _size(path, t)  # alpha'/alpha = sigma'/sigma, but never 0 / 0
    return scale * x, s


def on_path(velocity: Callable, path: AffineGaussianPath, other: AffineGaussianPath) -> Callable:
    """The velocity (x, t) on `other` of the model whose velocity on `path` is given: no training needed."""

    def _field(x: Tensor, t) -> Tensor:
        t = _validate.time_column(t, x)
        y, s = change_path(x, t, other, path)
        noise, data = noise_and_data(velocity(y, s), y, s, path)
        return other.alpha_dot(t) * data + other.sigma_dot(t) * noise

    return _field


@dataclass(frozen=True)
class Convention:
    """How a library writes down what we call (x_t, t) and u_t.

    path: the path its network lives on, in our time (0 noise, 1 data). label and unlabel: our t to what the
    network is shown, and back. output: which of KINDS the network returns, times `sign`.
    """

    path: AffineGaussianPath
    label: Callable
    unlabel: Callable
    output: str
    sign: float = 1.0


_VP, _VE = VariancePreservingPath(), VarianceExplodingPath()
CONVENTIONS = {
    "flow_matching": Convention(StraightPath(0.0), lambda t: t, lambda t: t, "velocity"),
    "torchcfm": Convention(StraightPath(0.0), lambda t: t, lambda t: t, "velocity"),
    "diffusers_flow": Convention(
        StraightPath(0.0), lambda t: 1000 * (1 - t), lambda k: 1 - k / 1000, "velocity", sign=-1.0
    ),
    # k = 999 is the noisiest step: alphas_cumprod[k] is alpha^2 at s = (k + 1) / 1000, up to 1/1000
    "diffusers_ddpm": Convention(_VP, lambda t: 1000 * (1 - t) - 1, lambda k: 1 - (k + 1) / 1000, "noise"),
    "edm": Convention(_VE, _VE.sigma, _VE.time_of, "data"),
    # what its get_score_fn returns; the raw VP network returns the noise, with the label 999 t
    "score_sde": Convention(_VP, lambda t: 1 - t, lambda s: 1 - s, "score"),
}


def from_library(network: Callable, library: str, path: AffineGaussianPath) -> Callable:
    """Our velocity (x, t) on `path` from a library's network, called as network(its x, its time label)."""
    theirs = CONVENTIONS[_validate.one_of(library, "library", CONVENTIONS)]
    velocity = converted(
        lambda x, t: theirs.sign * network(x, theirs.label(t)), theirs.path, theirs.output, "velocity"
    )
    return velocity if path == theirs.path else on_path(velocity, theirs.path, path)


def to_library(velocity: Callable, library: str, path: AffineGaussianPath) -> Callable:
    """The network (its x, its time label) that a library's samplers expect, from our velocity on `path`."""
    theirs = CONVENTIONS[_validate.one_of(library, "library", CONVENTIONS)]
    ours = velocity if path == theirs.path else on_path(velocity, path, theirs.path)
    field = converted(ours, theirs.path, "velocity", theirs.output)
    return lambda x, label: theirs.sign * field(x, theirs.unlabel(label))


def _determinant(path, t):
    """sigma (alpha' sigma - alpha sigma'), written so that it is finite where sigma' is not."""
    return path.alpha_dot(t) * path.sigma(t) ** 2 - path.alpha(t) * path.sigma_sigma_dot(t)


def _size(path, t):
    return torch.hypot(torch.as_tensor(path.alpha(t)).to(t), torch.as_tensor(path.sigma(t)).to(t))


def _convert(value, x, t, path, source, target):
    if source == target:
        return value
    if (source, target) == ("velocity", "score"):
        return velocity_to_score(value, x, t, path)
    if (source, target) == ("score", "velocity"):
        return score_to_velocity(value, x, t, path)
    return _from_pair(*_to_pair(value, x, t, path, source), t, path, target)


def _to_pair(value, x, t, path, source):
    """(noise, data) from any prediction."""
    alpha, sigma = path.alpha(t), path.sigma(t)
    if source == "velocity":
        return noise_and_data(value, x, t, path)
    if source == "data":
        return (x - alpha * value) / sigma, value
    if source == "v":
        size = alpha**2 + sigma**2
        return (sigma * x + alpha * value) / size, (alpha * x - sigma * value) / size
    noise = value if source == "noise" else -sigma * value
    return noise, (x - sigma * noise) / alpha


def _from_pair(noise, data, t, path, target):
    """Any prediction from (noise, data)."""
    alpha, sigma = path.alpha(t), path.sigma(t)
    if target == "velocity":
        return path.alpha_dot(t) * data + path.sigma_dot(t) * noise
    if target == "v":
        return alpha * noise - sigma * data
    return {"noise": noise, "data": data, "score": -noise / sigma}[target]


def _check(path, source, target) -> None:
    if not isinstance(path, AffineGaussianPath):
        raise TypeError(f"path must be an AffineGaussianPath such as StraightPath, got {type(path).__name__}")
    _validate.one_of(source, "source", KINDS)
    _validate.one_of(target, "target", KINDS)
