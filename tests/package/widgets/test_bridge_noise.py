"""The explorer of bridges: points of the sampler over exact densities, which its noise keeps."""

import numpy as np
import pytest
import torch

from fmtutorial.distributions import GaussianMixture
from fmtutorial.variants import Bridge, bridge_fields, bridge_log_prob, sample_bridge
from fmtutorial.widgets import bridge_noise_explorer
from fmtutorial.widgets.bridge_noise import N_STEPS, N_TRAJECTORIES


@pytest.fixture(scope="module")
def explorer():
    return bridge_noise_explorer(n_samples=300)


def set_controls(explorer, s, noise_level, time):
    explorer.s.value, explorer.noise_level.value, explorer.time.value = s, noise_level, time


def test_the_points_are_those_of_the_sampler(explorer):
    set_controls(explorer, 1.5, 0.75, 0.6)
    fields = bridge_fields(explorer.mixture0, explorer.mixture1, Bridge(1.5))
    trajectory, times = sample_bridge(*fields, explorer.x0, N_STEPS, 0.75, torch.Generator().manual_seed(2))
    i = int((times - 0.6).abs().argmin())
    shown = torch.tensor(np.stack(explorer.points.get_data(), axis=1))
    torch.testing.assert_close(shown, trajectory[i])
    lines = explorer.trajectory_lines.get_segments()
    assert len(lines) == N_TRAJECTORIES
    np.testing.assert_allclose(lines[3], trajectory[: i + 1, 3], rtol=1e-6)


@pytest.mark.parametrize("noise_level", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("time", [0.5, 1.0])
def test_noise_of_the_sampler_keeps_the_density(explorer, noise_level, time):
    set_controls(explorer, 1.0, noise_level, time)
    assert explorer.numbers["error"] < 2.5 * explorer.numbers["floor"]


def test_the_image_is_the_density_and_the_spread_is_its_variance(explorer):
    set_controls(explorer, 2.0, 0.5, 0.5)
    image = torch.tensor(np.asarray(explorer.density.get_array()))
    side = torch.linspace(-4.5, 4.5, len(image))
    y, x = torch.meshgrid(side, side, indexing="ij")
    points = torch.stack([x, y], dim=-1).reshape(-1, 2)
    log_p = bridge_log_prob(explorer.mixture0, explorer.mixture1, Bridge(2.0), points, 0.5)
    torch.testing.assert_close(image, log_p.exp().reshape(image.shape).to(image), rtol=1e-4, atol=1e-7)
    # the moments of the picture, as sums over its cells
    p = image.double() / image.sum()
    mean = torch.stack([(p * x).sum(), (p * y).sum()])
    variance = (p * (x - mean[0]) ** 2).sum() + (p * (y - mean[1]) ** 2).sum()
    assert explorer.numbers["spread"] == pytest.approx(float(variance), rel=0.03)


def test_other_ends_and_the_sentence():
    one = GaussianMixture([{"mean": [0.0, 0.0], "std": 1.0}])
    explorer = bridge_noise_explorer(one, one, n_samples=50)
    set_controls(explorer, 0.0, 0.0, 0.0)
    assert explorer.numbers["spread"] == pytest.approx(2.0)
    assert f"{explorer.numbers['floor']:.3f}" in explorer.readout.value


@pytest.mark.parametrize("name, value", [("s", 0.25), ("noise_level", 2.0), ("time", 0.3)])
def test_every_control_redraws(explorer, name, value):
    set_controls(explorer, 1.0, 0.5, 0.8)
    before = explorer.image.value, repr(explorer)
    getattr(explorer, name).value = value
    assert explorer.image.value != before[0]
    assert repr(explorer) != before[1]
