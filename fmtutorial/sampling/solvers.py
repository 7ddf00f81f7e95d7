"""From noise to data: solve dx/dt = v(x, t)."""

from collections.abc import Callable

import torch
from torch import Tensor
from torchdiffeq import odeint

from fmtutorial import _validate

FIXED_STEP = ("euler", "midpoint", "heun2", "heun3", "rk4")
ADAPTIVE = ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun")


def euler_step(v: Callable, x: Tensor, t, h) -> Tensor:
    """x(t + h) = x + h v(x, t), with an error of order h^2 a step."""
    return x + h * v(x, t)


def midpoint_step(v: Callable, x: Tensor, t, h) -> Tensor:
    """x(t + h) = x + h v(x + h/2 v(x, t), t + h/2), with an error of order h^3 a step."""
    x_mid = x + h / 2 * v(x, t)
    return x + h * v(x_mid, t + h / 2)


def rk4_step(v: Callable, x: Tensor, t, h) -> Tensor:
    """Runge and Kutta's fourth-order step, the 3/8 rule that torchdiffeq calls "rk4" (Kutta 1901)."""
    k1 = v(x, t)
    k2 = v(x + h * k1 / 3, t + h / 3)
    k3 = v(x + h * (k2 - k1 / 3), t + 2 * h / 3)
    k4 = v(x + h * (k1 - k2 + k3), t + h)
    return x + h / 8 * (k1 + 3 * k2 + 3 * k3 + k4)


def integrate_flow(
    model: Callable[[Tensor, Tensor], Tensor],
    x0: Tensor,
    t_span: tuple[float, float] = (0.0, 1.0),
    n_steps: int = 100,
    method: str = "dopri5",
    atol: float = 1e-5,
    rtol: float = 1e-5,
    *,
    condition: Tensor | None = None,
    differentiable: bool = False,
) -> tuple[Tensor, Tensor]:
    """Solve dx/dt = model(x, t) from x0 (n, d); return a trajectory (n_steps + 1, n, d) and t (n_steps + 1,).

    A fixed-step method ("euler", "midpoint", "heun2", "heun3", "rk4") takes exactly n_steps equal steps. An
    adaptive one ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun") chooses its own steps from atol
    and rtol, and only reports at the n_steps + 1 times. `t_span=(1.0, 0.0)` goes back in time.
    With a `condition` y the velocity is model(x, t, y), a row of y for each row of x0.
    No gradients are kept unless `differentiable=True`. Solved by torchdiffeq (Chen 2018).
    """
    x0 = _validate.points(x0, "x0")
    n_steps = _validate.positive_int(n_steps, "n_steps")
    _validate.one_of(method, "method", FIXED_STEP + ADAPTIVE)
    start, end = _check_span(t_span)
    t = torch.linspace(start, end, n_steps + 1, dtype=x0.dtype, device=x0.device)
    options = {}
    if method in ADAPTIVE:
        _validate.real(atol, "atol", low=0.0, open_low=True)
        _validate.real(rtol, "rtol", low=0.0, open_low=True)
        options = {"options": {"step_t": t[-1:]}}  # end on the end: never ask for a velocity beyond it
    y = () if condition is None else (_checked_condition(model, condition, len(x0)),)
    with torch.set_grad_enabled(differentiable):
        trajectory = odeint(
            lambda t, x: model(x, t, *y), x0, t, method=method, atol=atol, rtol=rtol, **options
        )
    return trajectory, t


class CountEvaluations:
    """Wraps a velocity and counts its evaluations in `.nfe` (one for a whole batch)."""

    def __init__(self, model: Callable[[Tensor, Tensor], Tensor]):
        self.model, self.nfe = model, 0

    def __call__(self, x: Tensor, t) -> Tensor:
        """The velocity itself."""
        self.nfe += 1
        return self.model(x, t)


def _checked_condition(model, condition, n: int) -> Tensor:
    """`condition` if it is a tensor with n rows that the model, where it can tell, accepts."""
    if not isinstance(condition, Tensor) or condition.ndim == 0:
        raise TypeError(f"condition must be a torch.Tensor with {n} rows, got {condition!r}")
    if len(condition) != n:
        raise ValueError(f"condition must have a row for each of the {n} rows of x0, got {len(condition)}")
    if hasattr(model, "check_condition"):
        model.check_condition(condition, n)
    return condition


def _check_span(t_span) -> tuple[float, float]:
    """The two ends of `t_span`, different and in [0, 1]."""
    if not isinstance(t_span, (tuple, list)) or len(t_span) != 2:
        raise TypeError(f"t_span must be a pair (start, end), got {t_span!r}")
    start, end = (_validate.real(t, "t_span", low=0.0, high=1.0) for t in t_span)
    if start == end:
        raise ValueError(f"t_span must have two different ends, got {t_span!r}")
    return start, end
