"""A fluid on a lattice: the lattice Boltzmann method with nine velocities and two relaxation times.

Each cell holds nine populations f_i, the mass that moves with the velocity c_i (at rest, to the four
neighbours, to the four diagonal ones). A step collides them in each cell, and moves each population to the
next cell. Density and momentum are sums, rho = sum f_i and rho u = sum c_i f_i, and obey the Navier-Stokes
equations at small speeds (Krueger et al. 2017, The Lattice Boltzmann Method).
"""

import torch
from torch import Tensor

# c_i = (x, y), the weights w_i of the equilibrium, and the number of -c_i
VELOCITIES = torch.tensor([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [1, 1], [-1, 1], [-1, -1], [1, -1]])
WEIGHTS = torch.tensor([16, 4, 4, 4, 4, 1, 1, 1, 1], dtype=torch.float64) / 36
OPPOSITE = torch.tensor([0, 3, 4, 1, 2, 7, 8, 5, 6])
MAGIC = 3 / 16  # (tau_even - 1/2) (tau_odd - 1/2): walls lie half-way between cells (Ginzburg et al. 2008)


def moments(f: Tensor) -> tuple[Tensor, Tensor]:
    """Density rho (n, H, W) and velocity u (n, 2, H, W) of populations f (n, 9, H, W)."""
    rho = f.sum(1)
    momentum = torch.einsum("nihw,id->ndhw", f, VELOCITIES.to(f))  # (n, 9, H, W), (9, 2) -> (n, 2, H, W)
    return rho, momentum / rho.unsqueeze(1)


def equilibrium(rho: Tensor, u: Tensor) -> Tensor:
    """f_i = w_i rho (1 + 3 c_i.u + 9/2 (c_i.u)^2 - 3/2 |u|^2), (n, 9, H, W): what collisions lead to."""
    along = torch.einsum("ndhw,id->nihw", u, VELOCITIES.to(u))  # c_i . u
    energy = u.square().sum(1, keepdim=True)
    shape = 1 + 3 * along + 4.5 * along.square() - 1.5 * energy
    return WEIGHTS.to(u)[:, None, None] * rho.unsqueeze(1) * shape


def relaxation_rates(viscosity: Tensor) -> tuple[Tensor, Tensor]:
    """The rates 1 / tau of the even and the odd part: viscosity = (tau_even - 1/2) / 3."""
    even = 3 * viscosity  # tau_even - 1/2
    return 1 / (even + 0.5), 1 / (MAGIC / even + 0.5)


def collide(f: Tensor, viscosity: Tensor) -> Tensor:
    """Populations after a collision, each part pulled to equilibrium at its own rate.

    viscosity (n,). The even part of f - f_eq under c -> -c decides the viscosity, the odd part where walls
    lie.
    """
    even_rate, odd_rate = (rate.view(-1, 1, 1, 1) for rate in relaxation_rates(viscosity))
    excess = f - equilibrium(*moments(f))
    mirrored = excess[:, OPPOSITE]
    return f - even_rate * (excess + mirrored) / 2 - odd_rate * (excess - mirrored) / 2


def stream(f: Tensor) -> Tensor:
    """Each population moves by its velocity to the next cell; over an edge it comes in on the other side."""
    moved = [f[:, i].roll((int(y), int(x)), dims=(1, 2)) for i, (x, y) in enumerate(VELOCITIES)]
    return torch.stack(moved, dim=1)
