"""The step of `Wake`, cell by cell and compiled by numba (`pip install numba`): for long runs.

`Wake.step` is the same in whole tensors, and a test holds the two equal.
"""

import numpy as np
import torch
from torch import Tensor

try:
    import numba
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("compiled=True needs numba: pip install 'fmtutorial[wake]'") from error

from fmtutorial.problems.lattice import OPPOSITE, VELOCITIES, WEIGHTS, relaxation_rates

CX, CY = (column.astype(np.int64) for column in VELOCITIES.numpy().T)
BACK = OPPOSITE.numpy()
W = WEIGHTS.numpy()


@numba.njit(cache=False)
def collide_cells(f, collided, solid, even_rate, odd_rate):
    """Populations f (H, W, 9) after a collision, written to `collided`; those in the body turn back."""
    height, width, _ = f.shape
    for y in range(height):
        for x in range(width):
            if solid[y, x]:
                for i in range(9):
                    collided[y, x, i] = f[y, x, BACK[i]]
                continue
            rho, u, v = 0.0, 0.0, 0.0
            for i in range(9):
                rho += f[y, x, i]
                u += CX[i] * f[y, x, i]
                v += CY[i] * f[y, x, i]
            u /= rho
            v /= rho
            energy = 1.5 * (u * u + v * v)
            for i in range(9):
                along = CX[i] * u + CY[i] * v
                excess = f[y, x, i] - W[i] * rho * (1 + 3 * along + 4.5 * along * along - energy)
                # the same for -c_i, whose weight is equal
                mirrored = f[y, x, BACK[i]] - W[i] * rho * (1 - 3 * along + 4.5 * along * along - energy)
                even = even_rate * (excess + mirrored) / 2
                odd = odd_rate * (excess - mirrored) / 2
                collided[y, x, i] = f[y, x, i] - even - odd


@numba.njit(cache=False)
def stream_cells(collided, f, free):
    """Each population comes from the cell behind it; outflow on the right, free stream on the other edges."""
    height, width, _ = f.shape
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            for i in range(9):
                f[y, x, i] = collided[y - CY[i], x - CX[i], i]
        for i in range(9):
            f[y, width - 1, i] = f[y, width - 2, i]
            f[y, 0, i] = free[i]
    for x in range(width):
        for i in range(9):
            f[0, x, i] = free[i]
            f[height - 1, x, i] = free[i]


@numba.njit(cache=False)
def many_steps(f, collided, solid, free, even_rate, odd_rate, n_steps):
    """n_steps steps, in place."""
    for _ in range(n_steps):
        collide_cells(f, collided, solid, even_rate, odd_rate)
        stream_cells(collided, f, free)


def advance(f: Tensor, solid: Tensor, free: Tensor, viscosity: float, n_steps: int) -> Tensor:
    """Populations (1, 9, H, W) after n_steps steps; `free` are the populations (9,) of the free stream."""
    even_rate, odd_rate = relaxation_rates(viscosity)
    cells = np.ascontiguousarray(f[0].permute(1, 2, 0).double().numpy())  # (H, W, 9)
    spare = np.empty_like(cells)
    many_steps(cells, spare, solid.numpy(), free.double().numpy(), even_rate, odd_rate, n_steps)
    return torch.from_numpy(cells).permute(2, 0, 1).unsqueeze(0).clone()
