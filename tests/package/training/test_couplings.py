"""Couplings against brute force, closed forms, and the theorems that they must obey."""

import itertools
import math

import pytest
import torch
from helpers import normal, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial import (
    GaussianMixture,
    StraightPath,
    VelocityNet,
    cfm_loss,
    exact,
    fit,
    integrate_flow,
    pair_loss,
    standard_mixture,
    train,
)
from fmtutorial.training import (
    entropic_indices,
    gaussian_ot,
    minibatch_ot,
    ot_permutation,
    reflow_pairs,
    sinkhorn_plan,
)

MIXTURE = standard_mixture()
STRAIGHT = StraightPath(0.0)
seeds = st.integers(0, 10**6)


def covariance(seed: int, dim: int) -> torch.Tensor:
    a = normal(dim, dim, seed)
    return a @ a.T / dim + 0.3 * torch.eye(dim, dtype=torch.float64)


def cost(x0, x1) -> float:
    return float((x1 - x0).square().sum(1).mean())


# minibatch optimal transport


@given(seeds, st.integers(1, 6), st.integers(1, 4))
def test_no_other_permutation_is_cheaper(seed, n, dim):
    x0 = normal(n, dim, seed)
    x1 = 3 * normal(n, dim, seed + 1) + 1
    least = min(cost(x0, x1[list(p)]) for p in itertools.permutations(range(n)))
    assert cost(x0, x1[ot_permutation(x0, x1)]) == pytest.approx(least)


@given(seeds, st.integers(2, 40))
def test_it_is_a_permutation_and_labels_follow(seed, n):
    x0 = normal(n, 2, seed)
    x1 = normal(n, 2, seed + 1)
    y = torch.arange(n)
    same, paired, p = minibatch_ot(x0, x1, return_permutation=True)
    assert same is x0 and p.dtype == torch.long
    assert sorted(p.tolist()) == list(range(n))
    for row, label in zip(paired, y[p], strict=True):
        torch.testing.assert_close(row, x1[label])
    assert torch.equal(minibatch_ot(x0, x1)[1], paired) and len(minibatch_ot(x0, x1)) == 2


@given(seeds)
def test_optimal_paths_never_meet(seed):
    x0, x1 = minibatch_ot(normal(30, 2, seed), normal(30, 2, seed + 1) * 2)
    inner = ((x0[:, None] - x0) * (x1[:, None] - x1)).sum(-1)
    assert float(inner.min()) > -1e-9  # else exchanging two partners would be cheaper


def test_in_one_dimension_it_sorts():
    x0, x1 = normal(50, 1, 1), normal(50, 1, 2)
    x0, x1 = minibatch_ot(x0, x1)
    order = x0.squeeze(1).argsort()
    assert (x1[order].diff(dim=0) > 0).all()


@given(seeds, st.floats(-50, 50))
def test_a_shift_or_a_growth_of_one_batch_does_not_change_the_permutation(seed, shift):
    x0, x1 = normal(20, 3, seed), normal(20, 3, seed + 1)
    p = ot_permutation(x0, x1)
    assert torch.equal(p, ot_permutation(x0 + shift, x1)) and torch.equal(p, ot_permutation(x0, 4 * x1))
    assert cost(x0, x0[ot_permutation(x0, x0)]) == 0


def test_single_precision_far_from_the_origin_is_exact_enough():
    x0 = normal(64, 2, 1).float()
    x1 = (normal(64, 2, 2) + 1000).float()
    assert torch.equal(ot_permutation(x0, x1), ot_permutation(x0.double(), x1.double() - 1000))


def test_the_cost_of_a_batch_is_above_the_truth_and_falls_with_its_size():
    mean = torch.zeros(2)
    cov = torch.eye(2) / 4
    _, distance = gaussian_ot(torch.zeros(2), torch.eye(2), mean, cov)
    costs = []
    for m in (4, 32, 256):
        pairs = [minibatch_ot(normal(m, 2, k), normal(m, 2, 500 + k) / 2) for k in range(512 // m)]
        costs.append(sum(cost(*pair) for pair in pairs) / len(pairs))
    assert costs[0] > 1.3 * costs[1] > 1.3 * 1.05 * costs[2] and costs[2] > distance**2


def test_coupled_training_reaches_its_own_lower_floor_and_straight_lines():
    net, history = fit(
        MIXTURE, STRAIGHT, 400, seeded(), batch_size=64, ema=0.99, loss_fn=coupled, progress=False
    )
    assert history.smoothed(100)[-1] < 0.4 < exact.loss_floor(MIXTURE, STRAIGHT, 5000, seeded())[0]
    x0 = normal(500, 2).float()
    one, many = (integrate_flow(net, x0, n_steps=n, method="euler")[0][-1] for n in (1, 50))
    assert cost(one, many) < 0.1


def coupled(model, batch, path, generator):
    return cfm_loss(model, batch, path, generator, coupling=ot_permutation)


# entropic


@given(seeds, st.floats(0.3, 50))
def test_the_plan_has_both_marginals_and_the_form_of_the_minimiser(seed, epsilon):
    x0, x1 = normal(12, 2, seed), normal(12, 2, seed + 1)
    plan = sinkhorn_plan(x0, x1, epsilon, tolerance=1e-8, max_iterations=100_000)
    for axis in (0, 1):
        torch.testing.assert_close(plan.sum(axis), torch.full((12,), 1 / 12, dtype=torch.float64))
    square = (x0[:, None] - x1).square().sum(-1)
    rest = plan.log() + square / epsilon  # f_i + g_j: its mixed differences vanish
    mixed = rest[1:, 1:] - rest[:-1, 1:] - rest[1:, :-1] + rest[:-1, :-1]
    torch.testing.assert_close(mixed, torch.zeros_like(mixed), rtol=0, atol=1e-6)


@pytest.mark.parametrize("epsilon", [1.0, 4.0, 20.0])
def test_large_batches_have_the_correlation_of_the_gaussian_plan(epsilon):
    x0, x1 = normal(1500, 1, 1), normal(1500, 1, 2)
    x0, x1 = ((x - x.mean()) / x.std() for x in (x0, x1))
    plan = sinkhorn_plan(x0, x1, epsilon)
    rho = (math.sqrt(epsilon**2 + 16) - epsilon) / 4
    assert float((plan * (x0 @ x1.T)).sum()) == pytest.approx(rho, abs=0.03)


def test_the_limits_of_epsilon_are_optimal_and_independent():
    x0, x1 = normal(8, 2, 1), normal(8, 2, 2)
    p = ot_permutation(x0, x1)
    options = {"max_iterations": 200_000}
    assert torch.equal(sinkhorn_plan(x0, x1, 0.01, **options).argmax(1), p)
    assert torch.equal(entropic_indices(x0, x1, 0.01, seeded(), **options), p)
    even = torch.full((8, 8), 1 / 64, dtype=torch.float64)
    torch.testing.assert_close(sinkhorn_plan(x0, x1, 1e6), even, rtol=1e-3, atol=0)


def test_partners_are_drawn_from_the_rows_of_the_plan():
    x0, x1 = normal(5, 2, 1), normal(5, 2, 2)
    plan = sinkhorn_plan(x0, x1, 2.0)
    generator = seeded()
    drawn = torch.stack([entropic_indices(x0, x1, 2.0, generator) for _ in range(800)])
    shares = torch.stack([(drawn == j).double().mean(0) for j in range(5)], dim=1)
    torch.testing.assert_close(shares, 5 * plan, rtol=0, atol=0.07)


def test_a_plan_that_does_not_converge_is_an_error_not_a_bad_plan():
    with pytest.raises(RuntimeError, match="larger epsilon"):
        sinkhorn_plan(normal(30, 2, 1), normal(30, 2, 2), 1e-3, max_iterations=20)


# Gaussians


@given(seeds, st.integers(1, 4))
def test_the_map_carries_one_gaussian_to_the_other_by_a_convex_potential(seed, dim):
    c0, c1 = covariance(seed, dim), covariance(seed + 1, dim)
    m0, m1 = normal(2, dim, seed)
    a, distance = gaussian_ot(m0, c0, m1, c1)
    torch.testing.assert_close(a @ c0 @ a.T, c1)
    torch.testing.assert_close(a, a.T)
    assert torch.linalg.eigvalsh(a).min() > 0  # Brenier: the gradient of a convex function
    eye = torch.eye(dim, dtype=torch.float64)
    way = (m1 - m0).square().sum() + ((a - eye) @ c0 @ (a - eye).T).trace()
    assert distance**2 == pytest.approx(float(way))
    assert gaussian_ot(m1, c1, m0, c0)[1] == pytest.approx(distance)


@given(seeds)
def test_commuting_covariances_have_the_distance_of_their_standard_deviations(seed):
    s0, s1 = normal(2, 3, seed).abs() + 0.1
    zero = torch.zeros(3)
    a, distance = gaussian_ot(zero, torch.diag(s0**2), zero, torch.diag(s1**2))
    torch.testing.assert_close(a, torch.diag(s1 / s0))
    assert distance == pytest.approx(float((s0 - s1).norm()))
    assert gaussian_ot(zero, torch.diag(s0**2), zero, torch.diag(s0**2))[1] == pytest.approx(0, abs=1e-7)


def test_samples_moved_by_the_map_are_optimally_paired():
    c0, c1 = covariance(1, 2), covariance(5, 2)
    a, _ = gaussian_ot(torch.zeros(2), c0, torch.ones(2), c1)
    x0 = normal(200, 2) @ torch.linalg.cholesky(c0).T
    assert torch.equal(ot_permutation(x0, x0 @ a.T + 1), torch.arange(200))


def test_from_round_noise_to_one_gaussian_the_flow_is_the_optimal_map():
    mean = torch.tensor([2.0, 1.0]).double()
    cov = covariance(3, 2)
    field = exact.velocity_field(GaussianMixture([{"mean": mean, "cov": cov}]), STRAIGHT)
    x0 = normal(100, 2)
    a, _ = gaussian_ot(torch.zeros(2), torch.eye(2), mean, cov)
    end = integrate_flow(field, x0, n_steps=100, method="rk4")[0][-1]
    torch.testing.assert_close(end, mean + x0 @ a.T, rtol=1e-5, atol=1e-6)


# pairs of a flow


@given(seeds, st.integers(1, 3))
def test_reflow_pairs_are_noise_and_where_the_flow_carries_it(seed, dim):
    def velocity(x, t):
        return x * (1 + t)

    x0, x1 = reflow_pairs(velocity, 60, dim, n_steps=20, method="rk4", generator=seeded(seed), batch_size=25)
    torch.testing.assert_close(x1, x0 * math.exp(1.5), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(x0, torch.randn(60, dim, generator=seeded(seed)))
    assert reflow_pairs(velocity, 3, dim, generator=seeded(seed))[0].shape == (3, dim)


def test_reflow_costs_no_more_than_the_coupling_and_what_is_left_is_bending_and_crossing():
    field = exact.velocity_field(MIXTURE, STRAIGHT)
    x0, x1 = reflow_pairs(field, 4000, 2, n_steps=40, generator=seeded())
    independent = float(MIXTURE.covariance.trace() + MIXTURE.mean.square().sum() + 2)
    crossing = 2 * exact.loss_floor(MIXTURE, STRAIGHT, 100_000, seeded())[0]
    assert cost(x0, x1) < independent - crossing  # the rest is the straightness, not negative


def test_pair_loss_is_the_mean_square_of_its_definition():
    x0 = normal(40, 2, 1)
    x1 = normal(40, 2, 2)
    path = StraightPath(0.2)
    t = torch.rand(40, 1, generator=seeded(3), dtype=torch.float64)
    v = path.sample(x0, x1, t) * t
    expected = (v - (x1 - 0.8 * x0)).square().sum() / 80
    torch.testing.assert_close(pair_loss(lambda x, t: x * t, (x0, x1), path, seeded(3)), expected)


def test_pair_loss_of_independent_pairs_is_the_cfm_loss():
    torch.manual_seed(0)
    net = VelocityNet(hidden_dim=8)
    x1 = MIXTURE.sample(200_000, seeded())
    with torch.no_grad():
        drawn = pair_loss(net, (torch.randn(200_000, 2, generator=seeded(1)), x1), STRAIGHT, seeded(2))
        torch.testing.assert_close(drawn, cfm_loss(net, x1, STRAIGHT, seeded(3)), rtol=0.02, atol=0)


def test_pair_loss_hands_conditions_on_and_refuses_a_wrong_shape():
    x = normal(6, 2)
    y = torch.arange(6)
    seen = []
    pair_loss(lambda x, t, y: seen.append(y) or x, (x, x, y), STRAIGHT, seeded())
    assert torch.equal(seen[0], y)
    with pytest.raises(ValueError, match="model must return"):
        pair_loss(lambda x, t: x[:, :1], (x, x), STRAIGHT, seeded())


def test_one_step_after_reflow_is_the_teachers_end_point():
    def teacher(x, t):
        return torch.ones_like(x) * torch.tensor([2.0, -1.0])

    pairs = reflow_pairs(teacher, 500, 2, generator=seeded())
    torch.manual_seed(0)
    net = VelocityNet(hidden_dim=16)
    train(net, pairs, STRAIGHT, 300, lr=1e-2, loss_fn=pair_loss, generator=seeded(), progress=False)
    x0 = normal(200, 2).float()
    one = integrate_flow(net, x0, n_steps=1, method="euler")[0][-1]
    assert cost(one, x0 + torch.tensor([2.0, -1.0])) < 0.05
