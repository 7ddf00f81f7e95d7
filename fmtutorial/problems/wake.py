"""The wake of an airfoil: a steady flow that turns into an oscillating one as the Reynolds number rises.

Beyond the onset the answer to "what does the flow look like?" is a distribution of fields: one cycle, whose
phase nobody knows. Long runs of the simulator are the truth to judge a generative model by.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from fmtutorial import _validate
from fmtutorial.problems.lattice import OPPOSITE, collide, equilibrium, moments, stream


def airfoil(height: int, width: int, chord: float, angle: float, nose: tuple[float, float]) -> Tensor:
    """The cells (height, width) inside a NACA 0012 airfoil, True or False.

    Its nose lies at (x, y), its chord is so many cells long and falls by `angle` degrees behind the nose.
    Half of the thickness at the share s of the chord is 0.6 (0.2969 sqrt(s) - 0.126 s - 0.3516 s^2
    + 0.2843 s^3 - 0.1015 s^4) chords (Jacobs et al. 1933); 0.6 cells are added, so that the tail is closed.
    """
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    radians = math.radians(angle)
    right, down = x - nose[0], y - nose[1]
    along = (right * math.cos(radians) - down * math.sin(radians)) / chord  # share of the chord
    across = (right * math.sin(radians) + down * math.cos(radians)) / chord
    s = along.clamp(0, 1)
    polynomial = 0.2969 * s.sqrt() - 0.126 * s - 0.3516 * s**2 + 0.2843 * s**3 - 0.1015 * s**4
    return (along >= 0) & (along <= 1) & (across.abs() <= 0.6 * polynomial + 0.6 / chord)


@dataclass(frozen=True)
class Wake:
    """A channel of cells with an airfoil in a stream of speed `inflow` (cells a step) from the left.

    Top and bottom are free stream, the right edge lets out what comes (its column copies the one before).
    The Reynolds number is inflow * chord / viscosity. `angle` in degrees; row 0 is the bottom.
    """

    height: int = 80
    width: int = 160
    chord: float = 32.0
    angle: float = 20.0
    inflow: float = 0.1

    def __post_init__(self):
        _validate.positive_int(self.height, "height")
        _validate.positive_int(self.width, "width")
        _validate.real(self.chord, "chord", low=0.0, open_low=True)
        _validate.real(self.angle, "angle", low=-90.0, high=90.0)
        _validate.real(self.inflow, "inflow", low=0.0, high=0.3, open_low=True)

    @cached_property
    def solid(self) -> Tensor:
        """The cells (height, width) inside the airfoil, whose nose lies in the left quarter."""
        nose = (0.225 * self.width, 0.5 * self.height)
        return airfoil(self.height, self.width, self.chord, self.angle, nose)

    def free_stream(self, n: int, dtype: torch.dtype = torch.float64) -> Tensor:
        """Populations (n, 9, height, width) of the undisturbed stream."""
        u = torch.zeros(n, 2, self.height, self.width, dtype=dtype)
        u[:, 0] = self.inflow
        return equilibrium(torch.ones(n, self.height, self.width, dtype=dtype), u)

    def start(self, n: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
        """The free stream with a disturbance of a thousandth, from which an oscillation can grow."""
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(9, self.height, self.width, generator=generator, dtype=torch.float64)
        return self.with_edges(self.free_stream(n, dtype) * (1 + 0.001 * noise.to(dtype)))

    def step(self, f: Tensor, reynolds: Tensor) -> Tensor:
        """Populations (n, 9, height, width) one step later, each at its Reynolds number (n,)."""
        viscosity = self.inflow * self.chord / reynolds
        collided = collide(f, viscosity.to(f))
        # inside the body populations turn back: the wall lies half-way to the next cell
        collided = torch.where(self.solid, f[:, OPPOSITE], collided)
        return self.with_edges(stream(collided))

    def with_edges(self, f: Tensor) -> Tensor:
        """Outflow on the right, then the free stream on the other three edges."""
        f = f.clone()
        f[..., -1] = f[..., -2]
        stream_cell = self.free_stream(1, f.dtype)[:, :, 0, 0]
        f[..., 0] = stream_cell[:, :, None]
        f[:, :, 0] = stream_cell[:, :, None]
        f[:, :, -1] = stream_cell[:, :, None]
        return f

    def fields(self, f: Tensor) -> Tensor:
        """u, v and the pressure p = (rho - 1) / (3 inflow^2), in units of the stream: (n, 3, height, width).

        0 inside the body, where populations mean nothing.
        """
        rho, u = moments(f)
        pressure = (rho - 1) / (3 * self.inflow**2)
        fields = torch.cat([u / self.inflow, pressure.unsqueeze(1)], dim=1)
        return torch.where(self.solid, torch.zeros((), dtype=f.dtype), fields)

    def simulate(
        self,
        reynolds: Sequence[float] | Tensor,
        n_steps: int,
        n_snapshots: int = 1,
        every: int = 37,
        seed: int = 0,
        compiled: bool = False,
    ) -> Tensor:
        """Snapshots (n, n_snapshots, 3, height, width) of n runs, the last of them after n_steps steps.

        One run for each Reynolds number; snapshots are `every` steps apart. compiled=True needs numba, and
        serves for long runs.
        """
        reynolds = _checked_reynolds(reynolds)
        n_steps = _validate.positive_int(n_steps, "n_steps")
        n_snapshots = _validate.positive_int(n_snapshots, "n_snapshots")
        every = _validate.positive_int(every, "every")
        first = n_steps - (n_snapshots - 1) * every
        if first < 1:
            least = n_steps - first + 1
            raise ValueError(
                f"n_steps must be at least (n_snapshots - 1) * every + 1 = {least}, got {n_steps}"
            )
        advance = self._advance_compiled if compiled else self._advance
        f = advance(self.start(len(reynolds), seed), reynolds, first)
        snapshots = [self.fields(f)]
        for _ in range(n_snapshots - 1):
            f = advance(f, reynolds, every)
            snapshots.append(self.fields(f))
        result = torch.stack(snapshots, dim=1)
        if not torch.isfinite(result).all():
            raise FloatingPointError(
                f"the flow left the numbers: take lower Reynolds numbers than {reynolds.max():g}"
            )
        return result

    def _advance(self, f: Tensor, reynolds: Tensor, n_steps: int) -> Tensor:
        """n_steps steps of the whole batch."""
        for _ in range(n_steps):
            f = self.step(f, reynolds)
        return f

    def _advance_compiled(self, f: Tensor, reynolds: Tensor, n_steps: int) -> Tensor:
        """The same, run by run and compiled."""
        from fmtutorial.problems import compiled_wake  # needs numba, which nothing else does

        free = self.free_stream(1)[0, :, 0, 0]
        solid = self.solid
        runs = []
        for one, number in zip(f.split(1), reynolds.tolist(), strict=True):
            viscosity = self.inflow * self.chord / number
            runs.append(compiled_wake.advance(one, solid, free, viscosity, n_steps))
        return torch.cat(runs)


def _checked_reynolds(reynolds: Sequence[float] | Tensor) -> Tensor:
    """Positive numbers (n,) in double precision."""
    reynolds = torch.as_tensor(reynolds, dtype=torch.float64)
    if reynolds.ndim != 1 or len(reynolds) == 0 or not bool((reynolds > 0).all()):
        raise ValueError(f"reynolds must be a list of positive numbers, got {reynolds.tolist()}")
    return _validate.finite(reynolds, "reynolds")
