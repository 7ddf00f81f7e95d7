"""Chapter 13 beside torchcfm: the same points, velocities and weights on the same inputs."""

from functools import partial

import pytest
import torch

from fmtutorial.training import entropic_indices, sinkhorn_plan
from fmtutorial.variants import Bridge, bridge_score_loss, bridge_velocity_loss, score_from_noise

pytestmark = pytest.mark.peers
S = 0.7


@pytest.fixture
def matcher():
    matching = pytest.importorskip("torchcfm.conditional_flow_matching")
    return matching.SchrodingerBridgeConditionalFlowMatcher(sigma=S, ot_method="sinkhorn")


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(0)
    x0, x1 = (torch.randn(64, 3, generator=g, dtype=torch.float64) for _ in range(2))
    t = 0.05 + 0.9 * torch.rand(64, generator=g, dtype=torch.float64)
    return x0, 2 * x1 + 1, t


def generator():
    return torch.Generator().manual_seed(1)


def test_torchcfm_has_our_point_and_velocity(matcher, batch):
    x0, x1, t = batch
    x_t, z = Bridge(S).point_and_noise(x0, x1, t, generator())
    torch.testing.assert_close(matcher.sample_xt(x0, x1, t, z), x_t)
    # they add 1e-8 to 2 t (1 - t)
    theirs = matcher.compute_conditional_flow(x0, x1, t, x_t)
    torch.testing.assert_close(theirs, Bridge(S).velocity(x0, x1, z, t), rtol=1e-6, atol=1e-6)


def test_torchcfm_has_our_bridges_in_its_plan(matcher, batch):
    x0, x1, _ = batch
    plan = torch.from_numpy(matcher.ot_sampler.get_map(x0, x1))
    ours = sinkhorn_plan(x0, x1, 2 * S**2, tolerance=1e-9, max_iterations=50_000)
    torch.testing.assert_close(plan, ours, rtol=1e-3, atol=1e-7)


def test_torchcfm_weights_the_score_as_we_do(matcher, batch):
    """They regress m = s^2/2 score by |lambda m + z|^2, lambda = 2 gamma / s^2: our -z_theta is lambda m."""
    x0, x1, _ = batch

    def noise(x, t):
        return torch.sin(x) * t

    g = generator()
    t = torch.rand(64, 1, generator=g, dtype=torch.float64)
    x_t, z = Bridge(S).point_and_noise(x0, x1, t, g)
    m = S**2 / 2 * score_from_noise(noise, Bridge(S), margin=1e-9)(x_t, t)
    weight = matcher.compute_lambda(t)
    theirs = (weight * m + z).square().mean()
    torch.testing.assert_close(
        bridge_score_loss(noise, (x0, x1), Bridge(S), generator()), theirs, rtol=1e-6, atol=0
    )


def test_our_loss_with_partners_of_sinkhorn_is_theirs_at_our_times(matcher, batch):
    x0, x1, _ = batch
    coupling = partial(entropic_indices, epsilon=2 * S**2, generator=generator())
    ours = bridge_velocity_loss(torch.mul, (x0, x1), Bridge(S), generator(), coupling=coupling)
    # their matcher on our pairs, times and noise
    partners = x1[entropic_indices(x0, x1, 2 * S**2, generator())]
    g = generator()
    draws = [torch.rand(64, 1, generator=g, dtype=torch.float64) for _ in range(3)]
    t = torch.cat(draws, 1).median(1, keepdim=True).values
    x_t, _ = Bridge(S).point_and_noise(x0, partners, t, g)
    u_t = matcher.compute_conditional_flow(x0, partners, t.squeeze(1), x_t)
    torch.testing.assert_close(ours, (x_t * t - u_t).square().mean(), rtol=1e-5, atol=0)
