"""The lattice: symmetries of its velocities, what collisions and streaming keep, and their viscosity."""

import math

import pytest
import torch
from helpers import seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial.problems.lattice import (
    MAGIC,
    OPPOSITE,
    VELOCITIES,
    WEIGHTS,
    collide,
    equilibrium,
    moments,
    relaxation_rates,
    stream,
)


def populations(n=2, height=6, width=7, seed=0):
    """Near an equilibrium, but not at one."""
    noise = torch.rand(n, 9, height, width, generator=seeded(seed), dtype=torch.float64)
    return WEIGHTS[:, None, None] * (1 + 0.1 * noise)


def test_velocities_weights_and_opposites():
    c = VELOCITIES.double()
    assert torch.equal(VELOCITIES[OPPOSITE], -VELOCITIES)
    assert torch.equal(WEIGHTS[OPPOSITE], WEIGHTS)
    assert len(VELOCITIES.unique(dim=0)) == 9
    # moments of the weights up to order 4 are those of a Gaussian of variance 1/3
    assert float(WEIGHTS.sum()) == pytest.approx(1, abs=1e-15)
    second = torch.einsum("i,ia,ib->ab", WEIGHTS, c, c)
    torch.testing.assert_close(second, torch.eye(2).double() / 3)
    fourth = torch.einsum("i,ia,ib,ic,id->abcd", WEIGHTS, c, c, c, c)
    d = torch.eye(2).double()
    pairs = (
        torch.einsum("ab,cd->abcd", d, d)
        + torch.einsum("ac,bd->abcd", d, d)
        + torch.einsum("ad,bc->abcd", d, d)
    )
    torch.testing.assert_close(fourth, pairs / 9)


@given(seed=st.integers(0, 1000), viscosity=st.floats(0.001, 2))
def test_collisions_keep_mass_and_momentum_and_leave_equilibrium_alone(seed, viscosity):
    f = populations(seed=seed)
    viscosity = torch.tensor([viscosity, 2 * viscosity], dtype=torch.float64)
    after = collide(f, viscosity)
    for a, b in zip(moments(f), moments(after), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-13)
    at_rest = equilibrium(*moments(f))
    torch.testing.assert_close(collide(at_rest, viscosity), at_rest, rtol=0, atol=1e-13)
    torch.testing.assert_close(moments(at_rest), moments(f), rtol=0, atol=1e-13)


def test_the_pressure_tensor_of_an_equilibrium():
    """sum c c f_eq = rho / 3 I + rho u u: the Euler equations."""
    rho = 1 + 0.1 * torch.rand(3, 4, 5, generator=seeded(), dtype=torch.float64)
    u = 0.1 * torch.randn(3, 2, 4, 5, generator=seeded(1), dtype=torch.float64)
    c = VELOCITIES.double()
    flux = torch.einsum("nihw,ia,ib->nabhw", equilibrium(rho, u), c, c)
    identity = torch.eye(2).double()[None, :, :, None, None]
    expected = rho[:, None, None] * (identity / 3 + u[:, :, None] * u[:, None])
    torch.testing.assert_close(flux, expected, rtol=1e-12, atol=1e-12)


def test_both_rates_by_their_definition():
    even, odd = relaxation_rates(torch.tensor(0.02, dtype=torch.float64))
    assert float((1 / even - 0.5) / 3) == pytest.approx(0.02)
    assert float((1 / even - 0.5) * (1 / odd - 0.5)) == pytest.approx(MAGIC)
    same, other = relaxation_rates(torch.tensor(math.sqrt(MAGIC) / 3, dtype=torch.float64))
    assert float(same) == pytest.approx(float(other))  # then it is one relaxation time


def test_streaming_moves_each_population_to_the_next_cell():
    f = torch.zeros(1, 9, 5, 5, dtype=torch.float64)
    f[0, :, 2, 2] = torch.arange(1.0, 10.0).double()
    moved = stream(f)
    for i, (x, y) in enumerate(VELOCITIES.tolist()):
        assert float(moved[0, i, 2 + y, 2 + x]) == i + 1
    assert float(moved.sum()) == float(f.sum())


@pytest.mark.parametrize("viscosity", [0.02, 0.1])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_shear_wave_decays_by_the_viscosity(viscosity, axis):
    """u = sin(k y) across, on a periodic lattice: it decays as exp(-nu k^2 t)."""
    n, steps = 32, 200
    k = 2 * math.pi / n
    wave = 0.01 * torch.sin(k * torch.arange(n).double())
    u = torch.zeros(1, 2, n, n, dtype=torch.float64)
    if axis == 0:
        u[0, 0] = wave[:, None]  # along x, varying in y
    else:
        u[0, 1] = wave[None, :]
    f = equilibrium(torch.ones(1, n, n, dtype=torch.float64), u)
    amplitudes = []
    for _ in range(2 * steps):
        f = stream(collide(f, torch.tensor([viscosity], dtype=torch.float64)))
        amplitudes.append(float((moments(f)[1] * u).sum() / (u * u).sum()))
    decay = math.log(amplitudes[steps - 1] / amplitudes[-1])  # behind the first steps, which build up stress
    assert decay / (k**2 * steps) == pytest.approx(viscosity, rel=0.005)
