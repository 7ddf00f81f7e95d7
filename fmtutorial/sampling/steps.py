"""One step of each fixed-step method for dx/dt = v(x, t): x(t) -> x(t + h)."""

from torch import Tensor

from fmtutorial._types import Time, Velocity

# Thirds as factors: torchdiffeq multiplies by them too, and so both give the same numbers to the last bit.
THIRD = 1 / 3
TWO_THIRDS = 2 / 3


def euler_step(v: Velocity, x: Tensor, t: Time, h: Time) -> Tensor:
    """x(t + h) = x + h v(x, t), with an error of order h^2 a step."""
    return x + h * v(x, t)


def midpoint_step(v: Velocity, x: Tensor, t: Time, h: Time) -> Tensor:
    """x(t + h) = x + h v(x + h/2 v(x, t), t + h/2), with an error of order h^3 a step."""
    x_mid = x + h / 2 * v(x, t)
    return x + h * v(x_mid, t + h / 2)


def rk4_step(v: Velocity, x: Tensor, t: Time, h: Time) -> Tensor:
    """Runge and Kutta's fourth-order step, the 3/8 rule that torchdiffeq calls "rk4" (Kutta 1901)."""
    k1 = v(x, t)
    k2 = v(x + h * k1 * THIRD, t + h * THIRD)
    k3 = v(x + h * (k2 - k1 * THIRD), t + h * TWO_THIRDS)
    k4 = v(x + h * (k1 - k2 + k3), t + h)
    return x + (k1 + 3 * (k2 + k3) + k4) * h / 8


def _heun2_step(v: Velocity, x: Tensor, t: Time, h: Time) -> Tensor:
    """Heun's step of order 2, the trapezoidal rule: the mean of the slopes at both ends."""
    k1 = v(x, t)
    k2 = v(x + h * k1, t + h)
    return x + h * (k1 / 2 + k2 / 2)


def _heun3_step(v: Velocity, x: Tensor, t: Time, h: Time) -> Tensor:
    """Heun's step of order 3 (Heun 1900)."""
    k1 = v(x, t)
    k2 = v(x + h * k1 * THIRD, t + h * THIRD)
    k3 = v(x + h * (k2 * TWO_THIRDS), t + h * TWO_THIRDS)
    return x + h * (k1 / 4 + 3 / 4 * k3)


STEPS = {
    "euler": euler_step,
    "midpoint": midpoint_step,
    "heun2": _heun2_step,
    "heun3": _heun3_step,
    "rk4": rk4_step,
}
