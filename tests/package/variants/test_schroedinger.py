"""The Schroedinger bridge between Gaussians: a fixed point, a minimum, its limits, and what leads to it."""

import pytest
import torch
from helpers import normal, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial.training import entropic_indices, gaussian_ot
from fmtutorial.variants import bridge_moments, gaussian_bridge, markovian_projection

COV0 = torch.tensor([[1.0, 0.3], [0.3, 0.5]], dtype=torch.float64)
COV1 = torch.tensor([[0.6, -0.5], [-0.5, 1.4]], dtype=torch.float64)
NOISES = [0.3, 1.0, 3.0]


def covariance(seed: int, dim: int = 2) -> torch.Tensor:
    a = normal(dim, dim, seed=seed)
    return a @ a.T / dim + 0.2 * torch.eye(dim, dtype=torch.float64)


def entropic_cost(cross: torch.Tensor, s: float) -> float:
    """E|x1 - x0|^2 / (2 s^2) + KL(coupling | independent), without what the means add."""
    rest = torch.eye(2) - torch.linalg.inv(COV0) @ cross @ torch.linalg.inv(COV1) @ cross.T
    return float((COV0 + COV1 - 2 * cross).trace() / (2 * s**2) - 0.5 * torch.logdet(rest))


@given(seed=st.integers(0, 1000), dim=st.integers(1, 3), s=st.floats(0.3, 3.0))
def test_its_own_process_couples_its_ends_as_it_does(seed, dim, s):
    cov0, cov1 = covariance(seed, dim), covariance(seed + 1, dim)
    cross = gaussian_bridge(cov0, cov1, s)
    torch.testing.assert_close(markovian_projection(cov0, cov1, cross, s), cross, rtol=1e-5, atol=1e-7)


def test_one_dimension_by_hand():
    # c = (sqrt(4 v0 v1 + s^4) - s^2) / 2
    cross = gaussian_bridge(torch.tensor([[2.0]]), torch.tensor([[3.0]]), 2.0)
    assert float(cross) == pytest.approx((40**0.5 - 4) / 2)


@pytest.mark.parametrize("s", NOISES)
def test_no_coupling_nearby_costs_less(s):
    cross = gaussian_bridge(COV0, COV1, s)
    best = entropic_cost(cross, s)
    generator = seeded()
    for _ in range(50):
        change = 1e-3 * torch.randn(2, 2, generator=generator, dtype=torch.float64)
        assert entropic_cost(cross + change, s) > best


def test_its_limits_are_optimal_transport_and_independence():
    a, _ = gaussian_ot(torch.zeros(2), COV0, torch.zeros(2), COV1)
    torch.testing.assert_close(gaussian_bridge(COV0, COV1, 1e-3), COV0 @ a.T, rtol=0, atol=1e-5)
    assert gaussian_bridge(COV0, COV1, 1e3).abs().max() < 1e-5


@pytest.mark.parametrize("s", NOISES)
def test_swapping_the_ends_transposes_it(s):
    torch.testing.assert_close(gaussian_bridge(COV1, COV0, s), gaussian_bridge(COV0, COV1, s).T)


def test_repeated_projections_lead_to_it():
    target = gaussian_bridge(COV0, COV1, 1.0)
    cross = torch.zeros(2, 2, dtype=torch.float64)
    errors = []
    for _ in range(4):
        cross = markovian_projection(COV0, COV1, cross, 1.0)
        errors.append(float((cross - target).norm() / target.norm()))
    assert errors == sorted(errors, reverse=True) and errors[0] < 0.2 and errors[2] < 0.01


@pytest.mark.parametrize(
    "cross", [torch.zeros(2, 2).double(), gaussian_bridge(COV0, COV1, 1.0)], ids=["0", "bridge"]
)
def test_the_process_has_the_covariances_of_the_bridges(cross):
    # dS/dt = F S + S F^T + s^2 I
    s, step = 1.0, 1e-5
    for t in (0.1, 0.5, 0.9):
        covariance_t, drift = bridge_moments(COV0, COV1, cross, s, t)
        later, earlier = (bridge_moments(COV0, COV1, cross, s, u)[0] for u in (t + step, t - step))
        expected = drift @ covariance_t + covariance_t @ drift.T + s**2 * torch.eye(2)
        torch.testing.assert_close((later - earlier) / (2 * step), expected, rtol=0, atol=1e-8)
    torch.testing.assert_close(bridge_moments(COV0, COV1, cross, s, 0.0)[0], COV0)
    torch.testing.assert_close(bridge_moments(COV0, COV1, cross, s, 1.0)[0], COV1)


def test_minibatches_of_sinkhorn_approach_it_with_epsilon_twice_the_variance():
    target, generator = gaussian_bridge(COV0, COV1, 1.0), seeded()
    root0, root1 = torch.linalg.cholesky(COV0), torch.linalg.cholesky(COV1)
    errors = []
    for n, repetitions in ((8, 500), (256, 15)):
        total = torch.zeros(2, 2, dtype=torch.float64)
        for _ in range(repetitions):
            x0 = torch.randn(n, 2, generator=generator, dtype=torch.float64) @ root0.T
            x1 = torch.randn(n, 2, generator=generator, dtype=torch.float64) @ root1.T
            total += x0.T @ x1[entropic_indices(x0, x1, 2.0, generator)] / n
        errors.append(float((total / repetitions - target).norm() / target.norm()))
    assert errors[1] < 0.12 < errors[0]
