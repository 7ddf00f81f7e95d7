"""From noise to data: solve dx/dt = v(x, t).

Methods of equal steps are written out here. Adaptive ones are torchdiffeq's (Chen 2018), which is loaded when
one of them is asked for.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._callables import as_velocity, check_condition
from fmtutorial._devices import has_double
from fmtutorial._types import ConditionalVelocity, Time, Velocity
from fmtutorial.sampling.steps import STEPS

FIXED_STEP = tuple(STEPS)
ADAPTIVE = ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun")


def integrate_flow(
    model: Velocity | ConditionalVelocity,
    x0: Tensor,
    t_span: tuple[float, float] = (0.0, 1.0),
    n_steps: int = 100,
    method: str = "dopri5",
    atol: float = 1e-5,
    rtol: float = 1e-5,
    *,
    condition: Tensor | None = None,
    differentiable: bool = False,
    only_end: bool = False,
    max_num_steps: int = 100_000,
) -> tuple[Tensor, Tensor]:
    """Solve dx/dt = model(x, t) from x0 (n, d); return a trajectory (n_steps + 1, n, d) and t (n_steps + 1,).

    A fixed-step method ("euler", "midpoint", "heun2", "heun3", "rk4") takes exactly n_steps equal steps. An
    adaptive one ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun") chooses its own steps from atol
    and rtol, and only reports at the n_steps + 1 times. `t_span=(1.0, 0.0)` goes back in time.
    With a `condition` y the velocity is model(x, t, y), a row of y for each row of x0.
    The trajectory takes the memory of n_steps + 1 times x0, and trajectory[-1] keeps all of it alive.
    `only_end=True` keeps the last state alone: a trajectory (1, n, d) at t (1,).
    A network gets t as a column (n, 1), as in training; another function gets a tensor of no dimensions.
    No gradients are kept unless `differentiable=True`. FloatingPointError if a state is NaN or infinite, or
    if an adaptive method makes no progress within `max_num_steps` steps.
    """
    # which equation, and when to report
    x0 = _validate.points(x0, "x0")
    n_steps = _validate.positive_int(n_steps, "n_steps")
    _validate.one_of(method, "method", FIXED_STEP + ADAPTIVE)
    start, end = _checked_span(t_span)
    t = torch.linspace(start, end, n_steps + 1, dtype=x0.dtype, device=x0.device)
    if condition is not None:
        check_condition(model, condition, len(x0))
    model = as_velocity(model)

    def velocity(x: Tensor, t: Time) -> Tensor:
        """The model's velocity, with the condition if there is one, and never beyond the span."""
        t = t.clamp(min(start, end), max(start, end))  # t + h may be rounded up
        if condition is None:
            return model(x, t)
        return model(x, t, condition)

    # the solution
    with torch.set_grad_enabled(differentiable):
        if method in ADAPTIVE:
            max_num_steps = _validate.positive_int(max_num_steps, "max_num_steps")
            times = t[[0, -1]] if only_end else t
            trajectory = _solve_adaptively(velocity, x0, times, method, atol, rtol, max_num_steps)
        elif only_end:
            trajectory = _last_of_equal_steps(velocity, x0, t, method)
        else:
            trajectory = _solve_in_equal_steps(velocity, x0, t, method)
    _check_states(trajectory, t[-len(trajectory) :], method, n_steps)
    if only_end:
        return trajectory[-1:].clone(), t[-1:].clone()
    return trajectory, t


def _solve_in_equal_steps(velocity: Velocity, x0: Tensor, times: Tensor, method: str) -> Tensor:
    """The whole trajectory (n_steps + 1, n, d) of `_equal_steps`."""
    trajectory = x0.new_empty(len(times), *x0.shape)
    for k, x in enumerate(_equal_steps(velocity, x0, times, method)):
        trajectory[k] = x
    return trajectory


def _last_of_equal_steps(velocity: Velocity, x0: Tensor, times: Tensor, method: str) -> Tensor:
    """The last state of `_equal_steps` alone, (1, n, d), in the memory of a few states."""
    for x in _equal_steps(velocity, x0, times, method):
        last = x
    return last.unsqueeze(0)


def _equal_steps(velocity: Velocity, x0: Tensor, times: Tensor, method: str) -> Iterator[Tensor]:
    """One step of a fixed-step method between neighbouring times: the state (n, d) at each time."""
    step = STEPS[method]
    x = x0
    yield x
    for a, b in pairwise(times):
        x = step(velocity, x, a, b - a)
        yield x


def _check_states(trajectory: Tensor, times: Tensor, method: str, n_steps: int) -> None:
    """Raise FloatingPointError if the flow has left the numbers, with the time and what to try."""
    first = _validate.first_non_finite_time(trajectory, times)
    if first is None:
        return
    raise FloatingPointError(
        f"the flow is NaN or infinite at t = {first:.4g}, with method={method!r} and n_steps={n_steps}. "
        "Look at the model's output there. A velocity that has no value at t = 1 (a path with sigma(1) = 0) "
        "needs a method that does not evaluate it there, such as 'euler', 'midpoint' or 'heun3'; one that "
        "grows fast needs more steps"
    )


def _solve_adaptively(
    velocity: Velocity,
    x0: Tensor,
    times: Tensor,
    method: str,
    atol: float,
    rtol: float,
    max_num_steps: int,
) -> Tensor:
    """The trajectory (n_steps + 1, n, d) that a method of torchdiffeq reports at these times."""
    from torchdiffeq import odeint  # it brings scipy, which takes longer to load than most flows to solve

    _validate.real(atol, "atol", low=0.0, open_low=True)
    _validate.real(rtol, "rtol", low=0.0, open_low=True)

    def velocity_of_t_and_x(t: Tensor, x: Tensor) -> Tensor:
        """The velocity in torchdiffeq's order of arguments."""
        return velocity(x, t)

    if len(x0) == 0:  # no error to choose a step by
        return x0.new_empty(len(times), *x0.shape)

    # a step must end at the last time, not beyond it
    options = {"step_t": times[-1:], "max_num_steps": max_num_steps}
    if not has_double(x0.device):
        options["dtype"] = x0.dtype
    try:
        return odeint(velocity_of_t_and_x, x0, times, method=method, atol=atol, rtol=rtol, options=options)
    except AssertionError as error:  # torchdiffeq's way to give up
        raise FloatingPointError(
            f"method={method!r} gave up ({error}), with atol={atol:g}, rtol={rtol:g} and "
            f"max_num_steps={max_num_steps}. The model is not finite, or changes too fast for these "
            "tolerances: look at its output, take larger ones, double precision, or a fixed-step method "
            "such as 'midpoint'"
        ) from error


class CountEvaluations:
    """Wraps a velocity and counts its evaluations in `.nfe` (one for a whole batch)."""

    def __init__(self, model: Velocity):
        self.model = model
        self.nfe = 0

    def __call__(self, x: Tensor, t: Time, *condition: Tensor) -> Tensor:
        """The velocity itself."""
        self.nfe += 1
        return self.model(x, t, *condition)

    def __getattr__(self, name: str) -> object:
        """Everything else, such as `check_condition`, is the model's own."""
        if name == "model":
            raise AttributeError(name)
        return getattr(self.model, name)


def _checked_span(t_span: tuple[float, float]) -> tuple[float, float]:
    """The two ends of `t_span`, different and in [0, 1]."""
    if not isinstance(t_span, (tuple, list)) or len(t_span) != 2:
        raise TypeError(f"t_span must be a pair (start, end), got {t_span!r}")
    start = _validate.real(t_span[0], "t_span", low=0.0, high=1.0)
    end = _validate.real(t_span[1], "t_span", low=0.0, high=1.0)
    if start == end:
        raise ValueError(f"t_span must have two different ends, got {t_span!r}")
    return start, end
