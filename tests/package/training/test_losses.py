"""The loss of a batch: its formula, with couplings and conditions, and its quieter form."""

import math
import pickle

import pytest
import torch
from helpers import normal, seeded
from torch.utils.data import DataLoader

from fmtutorial import (
    CosinePath,
    EmpiricalDistribution,
    FlowMatchingDataset,
    StraightPath,
    VelocityNet,
    cfm_loss,
    exact,
    stable_cfm_loss,
    standard_mixture,
)

MIXTURE = standard_mixture()
PATHS = [StraightPath(0.0), StraightPath(0.1), CosinePath()]


def drawn(x1, seed, path):
    """t, x_t and u_t as the losses draw them."""
    generator = seeded(seed)
    t = torch.rand(len(x1), 1, generator=generator, dtype=x1.dtype)
    x0 = torch.randn(x1.shape, generator=generator, dtype=x1.dtype)
    return t, path.sample(x0, x1, t), path.velocity(x0, x1, t)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_pair_is_the_sample_and_its_velocity(path):
    x0 = normal(20, 3)
    x1 = normal(20, 3, 1)
    t = torch.rand(20, 1, generator=seeded(), dtype=torch.float64)
    x_t, u_t = path.point_and_target(x0, x1, t)
    torch.testing.assert_close(x_t, path.sample(x0, x1, t))
    torch.testing.assert_close(u_t, path.velocity(x0, x1, t))


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_the_stable_target_is_the_exact_velocity_of_the_batch(path, dim):
    x1 = normal(40, dim)
    t, x_t, _ = drawn(x1, 3, path)
    u = exact.marginal_velocity(EmpiricalDistribution(x1), path, x_t, t)
    model = VelocityNet(dim, out_dim=dim, hidden_dim=8).double()
    expected = (model(x_t, t) - u).square().sum() / (40 * dim)
    torch.testing.assert_close(stable_cfm_loss(model, x1, path, seeded(3)), expected)


def test_the_stable_target_has_the_same_mean_given_the_point():
    """Its difference from u_t is uncorrelated with every function of x_t and t, even in batches of 4."""
    path = StraightPath(0.1)
    n = 20_000
    x1 = MIXTURE.sample(4 * n, seeded(), dtype=torch.float64).view(n, 4, 2)
    noise = seeded(1)
    t = torch.rand(n, 4, 1, generator=noise, dtype=torch.float64)
    x0 = torch.randn(n, 4, 2, generator=noise, dtype=torch.float64)
    x_t, u_t = path.point_and_target(x0, x1, t)
    alpha = path.alpha(t)
    sigma = path.sigma(t)
    squares = (x_t[:, :, None] - alpha[..., None] * x1[:, None]).square().sum(-1)
    w = torch.softmax(-squares / (2 * sigma**2), dim=2)  # (n, 4, 4)
    conditional = (x1[:, None] - 0.9 * x_t[:, :, None]) / sigma[..., None]  # u_t(x_i | x1_j), Lipman's eq. 21
    stable = torch.einsum("bij,bijd->bid", w, conditional)
    for feature in (torch.ones_like(t), t, x_t[..., :1], x_t.sin(), (x_t.sum(-1, keepdim=True) > 2).double()):
        gap = ((stable - u_t) * feature).mean(1)
        assert (gap.mean(0).abs() < 5 * gap.std(0) / math.sqrt(n)).all()
    assert stable.var() < 0.9 * u_t.var()  # and much of the noise is gone


def test_the_stable_loss_of_the_exact_velocity_is_lower_but_not_zero():
    path = StraightPath()
    x1 = MIXTURE.sample(2000, seeded())
    u = exact.velocity_field(MIXTURE, path)
    assert cfm_loss(u, x1, path, seeded(1)) > 1.8
    assert 0.001 < stable_cfm_loss(u, x1, path, seeded(1)) < 0.1


def test_a_coupling_permutes_the_data_and_their_labels_alike():
    x1 = normal(30, 2)
    y = torch.arange(30)
    path = StraightPath(0.1)
    seen = {}

    def model(x, t, y):
        seen.update(x=x, t=t, y=y)
        return torch.zeros_like(x)

    def backwards(x0, x1):
        return torch.arange(29, -1, -1)

    loss = cfm_loss(model, (x1, y), path, seeded(2), coupling=backwards)
    assert torch.equal(seen["y"], y.flip(0))
    _, x_t, u_t = drawn(x1.flip(0), 2, path)
    torch.testing.assert_close(seen["x"], x_t)
    torch.testing.assert_close(loss, u_t.square().mean())


def test_conditions_are_dropped_for_their_share():
    x1 = normal(4000, 2)
    y = torch.zeros(4000, dtype=torch.long)
    kept = []

    def model(x, t, y, keep=None):
        kept.append(keep)
        return torch.zeros_like(x)

    cfm_loss(model, (x1, y), StraightPath(), seeded(), condition_dropout=0.2)
    assert kept[0].shape == (4000, 1) and kept[0].dtype == torch.bool
    assert 1 - kept[0].double().mean() == pytest.approx(0.2, abs=0.03)
    cfm_loss(model, (x1, y), StraightPath(), seeded())
    assert kept[1] is None


def test_cfm_loss_is_the_formula():
    path = StraightPath(0.1)
    model = VelocityNet(hidden_dim=16)
    x1 = normal(64, 2).float()
    generator = seeded(3)
    t = torch.rand(64, 1, generator=generator)
    x0 = torch.randn(64, 2, generator=generator)
    x_t = t * x1 + (1 - 0.9 * t) * x0
    expected = (model(x_t, t) - (x1 - 0.9 * x0)).square().sum() / 128  # a mean over batch *and* elements
    torch.testing.assert_close(cfm_loss(model, x1, path, seeded(3)), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_items_have_the_target_that_belongs_to_their_point(workers):
    data = FlowMatchingDataset(MIXTURE, 64, sigma_min=0.3, generator=seeded())
    x_t, t, u_t = next(iter(DataLoader(data, batch_size=64, num_workers=workers)))
    assert (x_t.shape, t.shape, u_t.shape) == ((64, 2), (64, 1), (64, 2))
    x0 = (data.x1 - u_t) / 0.7  # solve the target for the noise, then the point must follow
    torch.testing.assert_close(x_t, t * data.x1 + (1 - 0.7 * t) * x0, atol=1e-5, rtol=1e-5)
    assert x0.std() == pytest.approx(1, abs=0.2)


def test_items_are_drawn_afresh_and_workers_differ():
    data = FlowMatchingDataset(MIXTURE, 64, generator=seeded())
    assert not torch.equal(data[0][0], data[0][0])
    t = torch.cat([batch[1] for batch in DataLoader(data, batch_size=16, num_workers=2)])
    assert len(t.unique()) == 64


def test_a_generator_makes_items_reproducible():
    first, second = (FlowMatchingDataset(MIXTURE, 8, generator=seeded(5)) for _ in range(2))
    for i in range(8):
        for a, b in zip(first[i], second[i], strict=True):
            assert torch.equal(a, b)


def test_a_pickled_data_set_goes_on_where_it_was():
    data = FlowMatchingDataset(MIXTURE, 50, generator=seeded())
    data[0]
    pickled = pickle.dumps(data)
    assert b"Generator" not in pickled  # its shared memory does not reach a spawned worker
    expected, found = data[1], pickle.loads(pickled)[1]
    assert all(map(torch.equal, expected, found))
    assert pickle.loads(pickle.dumps(FlowMatchingDataset(MIXTURE, 50))).generator is None


def test_the_loaders_generator_decides_what_started_workers_draw():
    times = []
    for start in ("fork", "spawn"):
        data = FlowMatchingDataset(MIXTURE, 40, generator=seeded())
        options = {
            "batch_size": 20,
            "num_workers": 1,
            "multiprocessing_context": start,
            "generator": seeded(5),
        }
        times.append(torch.cat([t for _, t, _ in DataLoader(data, **options)]))
    assert torch.equal(*times) and len(times[0].unique()) == 40
