"""Steering a trained flow without training it again: guidance by a condition, and pixels that are known."""

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._callables import as_velocity
from fmtutorial._types import ConditionalVelocity, Time, Velocity


def guided(model: ConditionalVelocity, y: Tensor, w: float) -> Velocity:
    """The velocity (1 + w) v(x, t, y) - w v(x, t), a function (x, t) for solvers (Ho & Salimans 2022).

    y: a condition for each row of x, classes (n,) or numbers (n, c). w = 0 is the conditional velocity,
    w = -1 the unconditional one; many programs call s = 1 + w the scale. The model is called twice each time.
    """
    if not callable(model):
        raise TypeError(f"model must be callable as model(x, t, y), got {type(model).__name__}")
    if not isinstance(y, Tensor) or y.ndim == 0:
        raise TypeError(f"y must be a torch.Tensor with one row for each x, got {y!r}")
    w = _validate.real(w, "w", low=-1.0, high=float("inf"), open_high=True)
    if hasattr(model, "check_condition"):
        model.check_condition(y, len(y))
        model.check_condition(None, len(y))  # it must be the unconditional velocity too

    conditional = as_velocity(model)
    unconditional = as_velocity(model)

    def guided_velocity(x: Tensor, t: Time) -> Tensor:
        """The conditional velocity, moved away from the unconditional one."""
        return (1 + w) * conditional(x, t, y) - w * unconditional(x, t)

    return guided_velocity


def clamped(velocity: Velocity, x0: Tensor, x1: Tensor, known: Tensor) -> Velocity:
    """The velocity x1 - x0 where `known` is true and velocity(x, t) elsewhere, a function (x, t) for solvers.

    Started at the noise x0 (n, d), the known elements arrive at those of x1 (n, d) on straight lines, and the
    others follow the flow that sees them on their way: inpainting by replacement, which is not exact
    conditioning. known: bool, (d,) or (n, d). For the straight path with sigma_min = 0.
    """
    _validate.points(x0, "x0")
    _validate.points(x1, "x1")
    _validate.same_shape(x0, "x0", x1, "x1")
    if not isinstance(known, Tensor) or known.dtype != torch.bool:
        kind = known.dtype if isinstance(known, Tensor) else type(known).__name__
        raise TypeError(f"known must be a torch.Tensor of dtype torch.bool, got {kind}")
    if known.shape not in (x0.shape, x0.shape[1:]):
        allowed = f"{tuple(x0.shape[1:])} or {tuple(x0.shape)}"
        raise ValueError(f"known must have the shape {allowed}, got {tuple(known.shape)}")
    straight = x1 - x0
    velocity = as_velocity(velocity, "velocity")

    def clamped_velocity(x: Tensor, t: Time) -> Tensor:
        """The velocity, with the known elements on their straight lines."""
        return torch.where(known, straight, velocity(x, t))

    return clamped_velocity
