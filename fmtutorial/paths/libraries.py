"""How other libraries write down a network: their path, their time, and what their network returns."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from fmtutorial import _validate
from fmtutorial._callables import check_callable
from fmtutorial._types import Prediction, Time, Velocity
from fmtutorial.paths.affine import AffineGaussianPath
from fmtutorial.paths.conventions import converted_model, velocity_on_path
from fmtutorial.paths.schedules import StraightPath, VarianceExplodingPath, VariancePreservingPath


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

    check_callable(network, "network", "x, label")

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
