"""A projectile with drag: launch angle and speed from a measured landing distance, posterior on a grid."""

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Generator, Tensor

from fmtutorial import _random, _validate

GRAVITY = 9.81  # m/s^2


def flight(
    angle: float | np.ndarray, speed: float | np.ndarray, drag: float, n_times: int = 201
) -> tuple[np.ndarray, np.ndarray]:
    """Solve x'' = -drag |v| x', h'' = -g - drag |v| h' from the ground at angle (degrees) and speed (m/s).

    Returns the times (n_times,) and the states (n_times, 4, n): x, h, x', h'. The times reach as far as the
    longest flight without drag, so that every projectile has landed. Solved by scipy's `solve_ivp`.
    """
    radians = np.radians(angle)
    speed = np.asarray(speed, dtype=float)
    at_ground = 0 * speed
    start = np.stack([at_ground, at_ground, speed * np.cos(radians), speed * np.sin(radians)])
    longest = 2 * start[3].max() / GRAVITY  # seconds in the air without drag
    times = np.linspace(0, longest, n_times)

    def state_dot(_, state: np.ndarray) -> np.ndarray:
        """The time derivative of all states, flattened."""
        u, w = state.reshape(4, -1)[2:]
        drag_rate = drag * np.hypot(u, w)
        return np.concatenate([u, w, -drag_rate * u, -GRAVITY - drag_rate * w])

    solution = solve_ivp(state_dot, (0, longest), start.ravel(), t_eval=times, rtol=1e-6, atol=1e-6)
    return times, solution.y.T.reshape(n_times, 4, -1)


def landing(angle: float | np.ndarray, speed: float | np.ndarray, drag: float) -> np.ndarray:
    """Where each projectile comes down, in metres.

    From the last state above the ground the arc is taken for a parabola with that state's acceleration.
    """
    _, states = flight(angle, speed, drag)
    # the last state above the ground: the one before the first that is below
    below = states[1:, 1] <= 0
    last = below.argmax(0)
    x, h, u, w = np.take_along_axis(states, last[None, None], axis=0)[0]
    # its acceleration
    drag_rate = drag * np.hypot(u, w)
    x_accel = -drag_rate * u
    h_accel = -GRAVITY - drag_rate * w
    # the time until h + w time + h_accel time^2 / 2 = 0, and the way in it
    time = -(w + np.sqrt(np.maximum(w**2 - 2 * h_accel * h, 0))) / h_accel
    return x + u * time + x_accel * time**2 / 2


class Projectile:
    """x1 (2,) = standardised launch angle and speed, y (1,) = the landing distance, measured with noise.

    Prior: angle 45 + 12 x1[0] degrees, kept between 1 and 89, speed 30 + x1[1] m/s, at least 1, x1 ~ N(0, I).
    The condition y is the distance in units of 10 m after 60 m are taken away, of about unit size.
    """

    def __init__(self, drag: float = 0.01, noise: float = 1.0):
        self.drag = _validate.real(drag, "drag", low=0.0)
        self.noise = _validate.real(noise, "noise", low=0.0, open_low=True)
        self._tables = {}

    def launch(self, x1: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Angles in degrees and speeds in m/s, each (n,)."""
        x1 = _validate.points(x1, "x1", 2).cpu().double().numpy()
        angle = np.clip(45 + 12 * x1[:, 0], 1, 89)
        speed = np.maximum(30 + x1[:, 1], 1)
        return angle, speed

    def distance(self, x1: Tensor) -> Tensor:
        """The landing distance in metres without noise, (n,)."""
        chunks = [landing(*self.launch(part), self.drag) for part in x1.split(2000)]
        return torch.from_numpy(np.concatenate(chunks))

    def condition(self, metres: Tensor) -> Tensor:
        """Distances (n,) in metres as conditions (n, 1)."""
        return ((metres - 60) / 10).reshape(-1, 1)

    def sample(self, n: int, generator: Generator | None = None) -> tuple[Tensor, Tensor]:
        """Simulate n pairs: x1 (n, 2) and y (n, 1)."""
        n = _validate.positive_int(n, "n")
        x1 = _random.normal_like(torch.empty(n, 2), generator)
        noise = self.noise * _random.normal_like(torch.empty(n), generator)
        metres = self.distance(x1).float() + noise
        return x1, self.condition(metres)

    def posterior(self, metres: float, half_width: float = 5.0) -> "GridPosterior":
        """The posterior for one measured distance: prior times likelihood at 201 x 201 points, normalised.

        The grid reaches from -half_width to half_width in both directions. 5 prior stds hold the posterior of
        distances that the prior makes likely; beyond about 65 m it must be wider.
        """
        metres = _validate.real(metres, "metres")
        half_width = _validate.real(half_width, "half_width", low=0.0, open_low=True)
        points, distances = self._table(half_width)
        log_prior = -0.5 * points.square().sum(1)
        log_likelihood = -0.5 * ((metres - distances) / self.noise).square()
        return GridPosterior(points, (log_prior + log_likelihood).softmax(0))

    def _table(self, half_width: float) -> tuple[Tensor, Tensor]:
        """The grid's points and the distances from each of them, computed once for each width."""
        if half_width not in self._tables:
            axis = torch.linspace(-half_width, half_width, 201, dtype=torch.float64)
            points = torch.cartesian_prod(axis, axis)
            self._tables[half_width] = points, self.distance(points)
        return self._tables[half_width]


class GridPosterior:
    """A density on a square grid: points (m, 2) and their probabilities (m,)."""

    def __init__(self, points: Tensor, probabilities: Tensor):
        self.points = points
        self.probabilities = probabilities
        self.step = float((points[1] - points[0]).norm())

    @property
    def mean(self) -> Tensor:
        """The mean, (2,)."""
        return self.probabilities @ self.points

    @property
    def std(self) -> Tensor:
        """The standard deviations, (2,)."""
        return (self.probabilities @ (self.points - self.mean).square()).sqrt()

    def sample(self, n: int, generator: Generator | None = None) -> Tensor:
        """Draw n points (n, 2): a grid point by its probability, then evenly within its cell."""
        _random.device_of(generator)
        k = torch.multinomial(self.probabilities, n, replacement=True, generator=generator)
        jitter = torch.rand(n, 2, generator=generator, dtype=torch.float64) - 0.5
        return (self.points[k] + self.step * jitter).float()

    def density(self) -> tuple[Tensor, Tensor]:
        """The axis (201,) and the probabilities as a table (201, 201): first index x1[0]."""
        side = round(len(self.points) ** 0.5)
        return self.points[::side, 0], self.probabilities.reshape(side, side)
