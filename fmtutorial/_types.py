"""The words of the signatures: what a velocity, a score, a coupling and a source of data are."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from torch import Generator, Tensor

# A time: a number or tensor of no dimensions for all points, or a column (n, 1) with one for each point.
Time: TypeAlias = float | Tensor

# A coefficient of a path, such as alpha(t): a number, or a tensor that broadcasts against the points.
Coefficient: TypeAlias = float | Tensor

# A velocity v(x, t): points x (n, d) and a time -> velocities (n, d). A trained network is one.
Velocity: TypeAlias = Callable[[Tensor, Time], Tensor]

# A velocity v(x, t, y) that also takes a condition y, with one row for each point.
ConditionalVelocity: TypeAlias = Callable[[Tensor, Time, Tensor], Tensor]

# An average velocity u(x, s, t) from a departure s to an arrival t: points x (n, d), two times -> (n, d).
AverageVelocity: TypeAlias = Callable[[Tensor, Time, Time], Tensor]

# A score s(x, t) = grad log p_t(x): points x (n, d) and a time -> (n, d).
Score: TypeAlias = Callable[[Tensor, Time], Tensor]

# What a network predicts at (x, t): a velocity, score, noise, data or v. Points (n, d) and a time -> (n, d).
Prediction: TypeAlias = Callable[[Tensor, Time], Tensor]

# A log density: points x (n, d) -> nats (n,).
LogDensity: TypeAlias = Callable[[Tensor], Tensor]

# A coupling of a batch: noise x0 (n, d) and data x1 (n, d) -> the row of x1 that goes with each x0, (n,).
Coupling: TypeAlias = Callable[[Tensor, Tensor], Tensor]


class DataSource(Protocol):
    """Whatever draws data: `.sample(n, generator)` gives points (n, d), or a tuple (points, conditions)."""

    def sample(self, n: int, generator: Generator | None = None) -> Tensor | tuple[Tensor, ...]:
        """Draw n examples."""
        ...
