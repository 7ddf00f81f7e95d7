"""The geodesic path's density and velocity: against their definition, the continuity equation, samples."""

import math

import numpy as np
import pytest
import torch
from helpers import seeded
from manifold_cases import ON_SPHERE, ON_TORUS, sphere_nodes, torus_nodes

from fmtutorial.variants import (
    VonMisesFisherMixture,
    WrappedNormalMixture,
    geodesic_density,
    geodesic_velocity,
    tangent_frame,
)

PI = math.pi
both_mixtures = pytest.mark.parametrize("mixture", [ON_TORUS, ON_SPHERE], ids=repr)
TIMES = [0.0, 0.2, 0.5, 0.8, 0.95]


def points(mixture, n=40, seed=0):
    return mixture.manifold.uniform(n, seeded(seed), dtype=torch.float64)


def tangent_nodes(mixture, x):
    """Nodes psi for log_x of a uniform point, (n, nodes, columns), and weights of sum 1."""
    n = 70
    nodes, weights = (torch.as_tensor(a) for a in np.polynomial.legendre.leggauss(n))
    if mixture is ON_TORUS:  # the box
        psi = PI * torch.cartesian_prod(nodes, nodes)
        return psi.expand(len(x), -1, -1), (weights[:, None] * weights / 4).flatten()
    length = (PI * (nodes + 1) / 2).repeat_interleave(n)
    angle = 2 * PI * torch.arange(n, dtype=torch.float64).repeat(n) / n
    e1, e2 = tangent_frame(x)
    psi = length[:, None] * (angle.cos()[:, None] * e1[:, None] + angle.sin()[:, None] * e2[:, None])
    return psi, PI / (4 * n) * weights.repeat_interleave(n) * length.sin()


@both_mixtures
@pytest.mark.parametrize("t", TIMES)
def test_both_are_means_over_a_uniform_point(mixture, t):
    """p_t = E[q(exp_x((1 - t) psi))] and p_t u_t = E[psi q(...)], by quadrature in two dimensions."""
    x = points(mixture, 20)
    psi, weights = tangent_nodes(mixture, x)
    starts = x[:, None].expand_as(psi).reshape(-1, x.shape[1])
    ahead = mixture.manifold.exp(starts, (1 - t) * psi.reshape(-1, x.shape[1]))
    q = mixture.log_prob(ahead).exp().reshape(psi.shape[:2])
    density = (q * weights).sum(1)
    velocity = ((q * weights).unsqueeze(2) * psi).sum(1) / density.unsqueeze(1)
    torch.testing.assert_close(geodesic_density(mixture, x, t), density, rtol=1e-7, atol=1e-12)
    torch.testing.assert_close(geodesic_velocity(mixture, x, t), velocity, rtol=1e-6, atol=1e-7)


@both_mixtures
@pytest.mark.parametrize("t", TIMES)
def test_the_density_integrates_to_1(mixture, t):
    x, weights = torus_nodes(96) if mixture is ON_TORUS else sphere_nodes(48)
    p = geodesic_density(mixture, x, t)
    assert (p > 0).all()
    assert abs(float((weights * p).sum()) - 1) < 1e-10


@both_mixtures
@pytest.mark.parametrize("t", [0.2, 0.5, 0.9])
def test_the_continuity_equation_holds(mixture, t):
    """dp/dt + div(p u) = 0; on the sphere div is that of the field, constant along each ray."""
    x, step = points(mixture), 1e-4

    def flux(y):
        if mixture is ON_SPHERE:
            y = y / y.norm(dim=1, keepdim=True)
        return geodesic_density(mixture, y, t)[:, None] * geodesic_velocity(mixture, y, t)

    rate = (geodesic_density(mixture, x, t + step) - geodesic_density(mixture, x, t - step)) / (2 * step)
    axes = torch.eye(x.shape[1], dtype=torch.float64)
    slopes = [(flux(x + step * e) - flux(x - step * e))[:, i] / (2 * step) for i, e in enumerate(axes)]
    assert (rate + sum(slopes)).abs().max() < 1e-5 * max(1, float(rate.abs().max()))


@both_mixtures
@pytest.mark.parametrize("t", [0.2, 0.5, 0.8])
def test_the_velocity_is_the_mean_of_the_targets_given_the_place(mixture, t):
    """E[(target - u_t(x_t)) h(x_t)] = 0 for every function h."""
    n, generator = 15_000, seeded(2)
    manifold = mixture.manifold
    x0 = manifold.uniform(n, generator, dtype=torch.float64)
    x1 = mixture.sample(n, generator, dtype=torch.float64)
    x_t = manifold.geodesic(x0, x1, t)
    residual = manifold.log(x_t, x1) / (1 - t) - geodesic_velocity(mixture, x_t, t)
    for h in (torch.ones_like(x_t), x_t.cos(), x_t.sin(), (2 * x_t).sin(), x_t.sin().roll(1, 1)):
        product = residual * h
        assert (product.mean(0).abs() < 4.5 * product.std(0) / math.sqrt(n)).all()


@both_mixtures
def test_the_ends(mixture):
    x = points(mixture)
    uniform = torch.full((40,), 1 / mixture.manifold.volume, dtype=torch.float64)
    torch.testing.assert_close(geodesic_density(mixture, x, 0.0), uniform)
    torch.testing.assert_close(
        geodesic_density(mixture, x, 1.0), mixture.log_prob(x).exp(), rtol=1e-4, atol=0
    )
    assert torch.equal(geodesic_velocity(mixture, x, 1.0), torch.zeros_like(x))


@both_mixtures
def test_near_the_end_the_velocity_is_a_multiple_of_the_score(mixture):
    """u_t = (1 - t) E[psi psi^T] grad log q + ..., and E[psi psi^T] = c I."""
    x = points(mixture).requires_grad_()
    (score,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    score = mixture.manifold.project(x.detach(), score)
    c = PI**2 / 3 if mixture is ON_TORUS else (PI**2 - 4) / 4
    for gap in (1e-3, 1e-4, 1e-5):
        u = geodesic_velocity(mixture, x.detach(), 1 - gap)
        torch.testing.assert_close(u / gap, c * score, rtol=1e-2, atol=1e-4)


@both_mixtures
def test_a_column_of_times_is_as_many_numbers(mixture):
    x, t = points(mixture, 6), torch.linspace(0, 1, 6, dtype=torch.float64)[:, None]
    for function in (geodesic_density, geodesic_velocity):
        alone = [function(mixture, x[i : i + 1], float(t[i])) for i in range(6)]
        torch.testing.assert_close(function(mixture, x, t), torch.cat(alone))
        torch.testing.assert_close(function(mixture, x, t.squeeze(1)), torch.cat(alone))


@both_mixtures
def test_single_precision_is_as_good_as_its_points(mixture):
    x = points(mixture).float()
    for t in (0.3, 0.99, 0.9999, torch.full((40, 1), 0.995)):
        for function in (geodesic_density, geodesic_velocity):
            value = function(mixture, x, t)
            assert value.dtype == torch.float32
            precise = function(mixture, x.double(), t.double() if isinstance(t, torch.Tensor) else t)
            torch.testing.assert_close(value, precise.float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("t", [0.0, 0.5, 0.99, 1.0])
def test_far_from_all_data_it_is_finite(t):
    narrow = WrappedNormalMixture([[0.0, 0.0], [1.0, 1.0]], 0.01)
    assert geodesic_velocity(narrow, points(narrow), t).isfinite().all()
    sharp = VonMisesFisherMixture([[0.0, 0.0, 1.0]], 3000.0)
    assert geodesic_velocity(sharp, points(sharp), t).isfinite().all()
    poles = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    torch.testing.assert_close(geodesic_velocity(sharp, poles, t), torch.zeros_like(poles))


@pytest.mark.parametrize("kappa", [0.01, 8.0, 40.0, 400.0])
def test_the_default_nodes_are_enough(kappa):
    mixture = VonMisesFisherMixture([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], kappa)
    x = points(mixture)
    for t in (0.0, 0.4):
        more = geodesic_velocity(mixture, x, t, n_nodes=300)
        torch.testing.assert_close(geodesic_velocity(mixture, x, t), more, rtol=0, atol=1e-11)


def test_the_quadrature_converges_fast():
    x = points(ON_SPHERE)
    exact = geodesic_velocity(ON_SPHERE, x, 0.3)
    errors = [float((geodesic_velocity(ON_SPHERE, x, 0.3, n) - exact).abs().max()) for n in (8, 16, 24, 32)]
    assert errors[0] > 1e-3 and errors[2] < 1e-7 and errors[3] < 1e-12


def test_an_image_beyond_the_seam_counts():
    """Near the seam a mode on its other side is as near as one on this side."""
    mixture = WrappedNormalMixture([[PI - 0.1]], 0.2)
    x = torch.tensor([[PI - 0.6], [-PI + 0.4]], dtype=torch.float64)
    u = geodesic_velocity(mixture, x, 0.8)
    torch.testing.assert_close(u[0], -u[1])
    assert u[0] > 0.1
