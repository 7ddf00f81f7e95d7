"""Chapter 06 beside the big libraries: the same numbers on the same inputs."""

import numpy as np
import pytest
import torch

from fmtutorial import StraightPath, pair_loss
from fmtutorial.training import gaussian_ot, minibatch_ot, ot_permutation, sinkhorn_plan

pytestmark = pytest.mark.peers


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(0)
    x0, x1 = (torch.randn(64, 3, generator=g, dtype=torch.float64) for _ in range(2))
    return x0, 2 * x1 + 1, torch.rand(64, generator=g, dtype=torch.float64)


def test_torchcfm_finds_the_same_plan(batch):
    transport = pytest.importorskip("torchcfm.optimal_transport")
    x0, x1, _ = batch
    plan = torch.from_numpy(transport.OTPlanSampler(method="exact").get_map(x0, x1))
    ours = torch.zeros(64, 64, dtype=torch.float64)
    ours[torch.arange(64), ot_permutation(x0, x1)] = 1 / 64
    torch.testing.assert_close(plan, ours)


def test_torchcfm_without_replacement_draws_our_pairs_in_another_order(batch):
    transport = pytest.importorskip("torchcfm.optimal_transport")
    x0, x1, _ = batch
    y = torch.arange(64)
    np.random.seed(0)
    sampler = transport.OTPlanSampler(method="exact")
    a, b, _, labels = sampler.sample_plan_with_labels(x0, x1, y1=y, replace=False)
    ours = torch.cat(minibatch_ot(x0, x1), dim=1)
    theirs = torch.cat([a, b], dim=1)
    torch.testing.assert_close(theirs[theirs[:, 0].argsort()], ours[ours[:, 0].argsort()])
    torch.testing.assert_close(x1[labels], b)


def test_torchcfm_with_replacement_leaves_points_out(batch):
    transport = pytest.importorskip("torchcfm.optimal_transport")
    x0, x1, _ = batch
    np.random.seed(0)
    a, _ = transport.OTPlanSampler(method="exact").sample_plan(x0, x1)  # its default
    assert len(a.unique(dim=0)) < 50


def test_torchcfm_has_our_path_and_target(batch):
    matching = pytest.importorskip("torchcfm.conditional_flow_matching")
    x0, x1, t = batch
    plain = matching.ConditionalFlowMatcher(sigma=0.0)
    _, x_t, u_t = plain.sample_location_and_conditional_flow(x0, x1, t)
    path = StraightPath(0.0)
    torch.testing.assert_close(x_t, path.sample(x0, x1, t))
    torch.testing.assert_close(u_t, path.velocity(x0, x1, t))


def test_torchcfm_target_matcher_has_sigma_min_as_we_have(batch):
    matching = pytest.importorskip("torchcfm.conditional_flow_matching")
    x0, x1, t = batch
    target, path = matching.TargetConditionalFlowMatcher(sigma=0.1), StraightPath(0.1)
    x_t = target.sample_xt(x0, x1, t, x0)  # their epsilon is our noise
    torch.testing.assert_close(x_t, path.sample(x0, x1, t))
    torch.testing.assert_close(
        target.compute_conditional_flow(x0, x1, t, x_t), path.velocity(x0, x1, t), rtol=1e-6, atol=1e-8
    )


def test_torchcfm_optimal_transport_target_has_our_loss(batch):
    matching = pytest.importorskip("torchcfm.conditional_flow_matching")
    x0, x1, t = batch
    np.random.seed(0)
    matcher = matching.ExactOptimalTransportConditionalFlowMatcher(sigma=0.0)
    matcher.ot_sampler.sample_plan = lambda a, b: minibatch_ot(a, b)  # their default repeats points
    _, x_t, u_t = matcher.sample_location_and_conditional_flow(x0, x1, t)
    path, pairs = StraightPath(0.0), minibatch_ot(x0, x1)
    torch.testing.assert_close(x_t, path.sample(*pairs, t))
    seeded = torch.Generator().manual_seed(1)
    ours = pair_loss(lambda x, t: torch.sin(x) * t, pairs, path, seeded)
    s = torch.rand(64, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    theirs = (torch.sin(path.sample(*pairs, s)) * s - u_t).square().mean()
    torch.testing.assert_close(ours, theirs)


def test_flow_matching_has_our_path_and_target(batch):
    paths = pytest.importorskip("flow_matching.path")
    x0, x1, t = batch
    theirs, ours = paths.CondOTProbPath().sample(x_0=x0, x_1=x1, t=t), StraightPath(0.0)
    torch.testing.assert_close(theirs.x_t, ours.sample(x0, x1, t))
    torch.testing.assert_close(theirs.dx_t, ours.velocity(x0, x1, t))


@pytest.mark.parametrize("epsilon", [0.5, 2.0, 20.0])
def test_pot_has_our_entropic_plan(batch, epsilon):
    ot = pytest.importorskip("ot")
    x0, x1, _ = batch
    weights, cost = np.full(64, 1 / 64), (torch.cdist(x0, x1) ** 2).numpy()
    theirs = ot.sinkhorn(weights, weights, cost, reg=epsilon, stopThr=1e-12, numItermax=100_000)
    ours = sinkhorn_plan(x0, x1, epsilon, tolerance=1e-9, max_iterations=100_000)
    torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-4, atol=1e-10)


def test_pot_has_our_gaussian_distance_and_map():
    ot = pytest.importorskip("ot")
    m0, m1 = np.array([0.0, 1.0]), np.array([2.0, -1.0])
    c0, c1 = np.array([[4.0, 0.5], [0.5, 0.25]]), np.array([[2.0, 1.8], [1.8, 2.0]])
    a, distance = gaussian_ot(*(torch.from_numpy(v) for v in (m0, c0, m1, c1)))
    assert distance == pytest.approx(float(ot.gaussian.bures_wasserstein_distance(m0, m1, c0, c1)))
    matrix, shift = ot.gaussian.bures_wasserstein_mapping(m0, m1, c0, c1)
    x = np.array([[0.3, -0.7]])
    ours = m1 + (x - m0) @ a.numpy().T
    np.testing.assert_allclose(ours, x @ matrix + shift, rtol=1e-9)
