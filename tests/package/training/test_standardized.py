"""A flow for data of any scale: exactly the change of variables of the flow of (x - mean) / std."""

import math

import pytest
import torch
from helpers import FLOAT_POINTS, NETWORK, PATH, normal, seeded
from torch import nn

from fmtutorial import (
    ConditionalVelocityNet,
    StraightPath,
    VelocityNet,
    fit,
    integrate_flow,
    standard_mixture,
)
from fmtutorial.metrics import log_prob, sliced_wasserstein
from fmtutorial.paths import VarianceExplodingPath
from fmtutorial.training import StandardizedFlow, load_checkpoint, pair_loss, save_checkpoint
from fmtutorial.training.standardized import mean_and_std, standardized_flow

MEAN = torch.tensor([100.0, -3.0], dtype=torch.float64)
STD = torch.tensor([0.01, 7.0], dtype=torch.float64)
PATHS = [StraightPath(), VarianceExplodingPath(0.1, 3.0)]
QUICK = {"n_steps": 8, "method": "midpoint"}


def network(dim: int = 2, seed: int = 0) -> VelocityNet:
    torch.manual_seed(seed)
    return VelocityNet(dim, hidden_dim=16).double()


@pytest.mark.parametrize(
    "path", [StraightPath(), VarianceExplodingPath(0.1, 3.0)], ids=["straight", "exploding"]
)
def test_the_density_is_the_change_of_variables(path):
    net = network()
    flow = StandardizedFlow(net, path, MEAN, STD)
    z = normal(20, 2)
    expected = log_prob(net, z, path=path) - math.log(0.01) - math.log(7.0)
    torch.testing.assert_close(flow.log_prob(MEAN + STD * z), expected, rtol=0, atol=1e-8)


def test_the_density_is_the_change_of_variables_given_a_condition():
    torch.manual_seed(0)
    net = ConditionalVelocityNet(2, condition_dim=1, hidden_dim=8, n_blocks=1).double()
    y = normal(20, 1, seed=1)
    flow = StandardizedFlow(net, PATH, MEAN, STD, torch.tensor([5.0]).double(), torch.tensor([0.1]).double())
    z = normal(20, 2)
    expected = log_prob(lambda x, t: net(x, t, y), z) - STD.log().sum()
    found = flow.log_prob(MEAN + STD * z, condition=5 + 0.1 * y)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-8)


def test_the_density_integrates_to_one_on_a_line():
    flow = StandardizedFlow(network(1), PATH, torch.tensor([100.0]).double(), torch.tensor([0.02]).double())
    x = torch.linspace(99.7, 100.3, 2001, dtype=torch.float64)[:, None]
    mass = torch.trapezoid(flow.log_prob(x).exp(), x[:, 0])
    assert abs(float(mass) - 1) < 1e-5


def test_the_density_integrates_to_one_in_the_plane():
    flow = StandardizedFlow(network(), PATH, MEAN, STD)
    axes = [m + s * torch.linspace(-8, 8, 161, dtype=torch.float64) for m, s in zip(MEAN, STD, strict=True)]
    density = flow.log_prob(torch.cartesian_prod(*axes), n_steps=20).exp().reshape(161, 161)
    mass = torch.trapezoid(torch.trapezoid(density, axes[1]), axes[0])
    assert abs(float(mass) - 1) < 1e-4


@pytest.mark.parametrize(
    "path", [StraightPath(), VarianceExplodingPath(0.1, 3.0)], ids=["straight", "exploding"]
)
def test_samples_are_those_of_the_model_in_other_units(path):
    net = network()
    flow = StandardizedFlow(net, path, MEAN, STD)
    x0 = path.sigma(0.0) * torch.randn(50, 2, generator=seeded(), dtype=torch.float64)
    z = integrate_flow(net, x0, **QUICK)[0][-1]
    torch.testing.assert_close(flow.sample(50, seeded(), **QUICK), MEAN + STD * z)


@pytest.mark.parametrize("offset, scale", [(0.0, 1.0), (100.0, 0.01), (-3000.0, 500.0)])
def test_fit_is_the_same_at_every_scale(offset, scale):
    mixture = standard_mixture()
    x1 = offset + scale * mixture.sample(4000, seeded(), stratified=True, dtype=torch.float64)
    flow, _ = fit(x1, n_steps=400, generator=seeded(1), standardize=True, progress=False)
    samples = flow.sample(4000, seeded(2), **QUICK)
    # in units of the data: means within 4 standard errors and what training leaves, deviations within 10 %
    assert ((samples.mean(0) - x1.mean(0)).abs() < 0.15 * x1.std(0)).all()
    assert ((samples.std(0) / x1.std(0)).log().abs() < 0.1).all()
    assert sliced_wasserstein(samples, x1, generator=seeded()) < 0.15 * scale
    fresh = mixture.sample(1000, seeded(3), dtype=torch.float64)
    exact = mixture.log_prob(fresh).mean() - 2 * math.log(scale)
    assert abs(float(flow.log_prob(offset + scale * fresh, n_steps=20).mean() - exact)) < 0.15


def test_a_sampler_is_measured_by_one_draw():
    class Far:
        def sample(self, n, generator=None):
            return 100 + 0.01 * torch.randn(n, 2, generator=generator)

    flow, _ = fit(Far(), n_steps=2, generator=seeded(), standardize=True, progress=False)
    assert ((flow.mean - 100).abs() < 4 * 0.01 / 100).all()
    assert ((flow.std / 0.01 - 1).abs() < 4 / math.sqrt(2 * 10_000)).all()


def test_numbers_are_standardized_as_conditions_and_classes_are_not():
    x1 = normal(200, 2).float()
    flow, _ = fit(x1, condition=1000 + x1, n_steps=2, standardize=True, progress=False)
    torch.testing.assert_close(
        flow.standardized_condition(1000 + x1), flow.standardized(x1), rtol=0, atol=1e-3
    )
    assert flow.sample(3, seeded(), condition=1000 + x1[:3], **QUICK).shape == (3, 2)
    y = torch.arange(200) % 3
    flow, _ = fit(x1, condition=y, n_steps=2, standardize=True, progress=False)
    assert flow.standardized_condition(y) is y
    assert flow.log_prob(x1[:4], condition=y[:4], n_steps=2).shape == (4,)
    with pytest.raises(ValueError, match="classes from 0 to 2"):
        flow.log_prob(x1[:4], condition=y[:4] + 1)


def test_a_constant_column_stays_constant_and_has_no_density():
    x1 = torch.cat([normal(100, 1).float(), torch.full((100, 1), 5.1)], dim=1)
    flow, _ = fit(x1, n_steps=5, standardize=True, progress=False)
    assert (flow.sample(20, seeded(), **QUICK)[:, 1] == 5.1).all()
    with pytest.raises(ValueError, match=r"columns \[1\] of the data are constant"):
        flow.log_prob(x1)


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e6, 1e30])
def test_mean_and_std_of_every_scale(scale):
    x = (scale * normal(1000, 3)).float()
    mean, std = mean_and_std(x)
    torch.testing.assert_close(mean.double(), x.double().mean(0), rtol=1e-4, atol=1e-6 * scale)
    torch.testing.assert_close(std.double(), x.double().std(0, correction=0), rtol=1e-5, atol=0)


def test_a_checkpoint_brings_back_model_and_scale(tmp_path):
    flow, _ = fit(100 + normal(300, 2), n_steps=5, standardize=True, progress=False)
    file = save_checkpoint(tmp_path / "flow.pt", flow)
    other = standardized_flow(VelocityNet(2, 5, 64, depth=3).double(), StraightPath(), normal(5, 2))
    load_checkpoint(file, other)
    assert torch.equal(other.sample(9, seeded(), **QUICK), flow.sample(9, seeded(), **QUICK))
    elsewhere = standardized_flow(flow.model, StraightPath(0.1), normal(5, 2))
    with pytest.raises(ValueError, match=r"path must be that of the checkpoint.*0.0001.*sigma_min=0.1"):
        load_checkpoint(file, elsewhere)


def test_without_standardize_nothing_changes():
    runs = [fit(FLOAT_POINTS, n_steps=3, generator=seeded(), progress=False) for _ in range(2)]
    assert runs[0][1].losses == runs[1][1].losses and isinstance(runs[0][0], VelocityNet)


def test_it_is_ready_to_use_and_follows_its_model():
    flow, _ = fit(normal(50, 2), n_steps=1, standardize=True, progress=False)
    assert not flow.training and not flow.model.training
    assert flow.float().sample(3, seeded(), **QUICK).dtype == torch.float32


def test_a_network_that_takes_a_column_of_times_has_a_density():
    class Concatenates(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x, t):
            return self.linear(torch.cat([x, t], dim=1))

    flow, _ = fit(FLOAT_POINTS, model=Concatenates(), n_steps=2, standardize=True, progress=False)
    assert torch.isfinite(flow.log_prob(FLOAT_POINTS, n_steps=2)).all()


def test_it_is_not_taken_for_a_velocity():
    flow = standardized_flow(NETWORK, PATH, FLOAT_POINTS)
    with pytest.raises(TypeError, match=r"no velocity: use its \.sample"):
        integrate_flow(flow, FLOAT_POINTS)


def test_given_pairs_cannot_be_standardized():
    with pytest.raises(ValueError, match="standardize must be False with pair_loss"):
        fit((FLOAT_POINTS, FLOAT_POINTS), loss_fn=pair_loss, standardize=True)
