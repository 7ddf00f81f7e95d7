"""The explorer of the noise level: its numbers are right, and every control does something."""

import numpy as np
import pytest
import torch

from fmtutorial import StraightPath, VelocityNet, exact, metrics, standard_mixture
from fmtutorial.widgets import noise_level_explorer

MIXTURE = standard_mixture()


@pytest.fixture
def explorer():
    torch.manual_seed(0)
    return noise_level_explorer(VelocityNet(hidden_dim=16))


def ends(explorer):
    return torch.tensor(np.asarray(explorer.end_points.get_offsets())).float()


@pytest.mark.parametrize(
    "name, value",
    [("noise_level", 3.0), ("n_steps", 20), ("velocity", "early error"), ("velocity", "trained")],
)
def test_every_control_redraws(explorer, name, value):
    image, sentence = explorer.image.value, repr(explorer)
    explorer.controls[name].value = value
    assert explorer.image.value != image and repr(explorer) != sentence


def test_without_noise_it_shows_eulers_steps(explorer):
    explorer.n_steps.value = 8
    x = explorer.x0
    for k in range(8):
        x = x + exact.marginal_velocity(MIXTURE, StraightPath(0.0), x, k / 8) / 8
    torch.testing.assert_close(ends(explorer), x, rtol=1e-4, atol=1e-4)
    assert explorer.numbers["nfe"] == 8 and "8 steps" in repr(explorer)


def test_the_error_shown_is_the_distance_to_the_truth(explorer):
    explorer.velocity.value = "late error"
    truth = MIXTURE.sample(20_000, torch.Generator().manual_seed(11), stratified=True)
    expected = metrics.sliced_wasserstein(ends(explorer), truth)
    assert explorer.numbers["error"] == pytest.approx(expected, rel=0.2)


def test_noise_repairs_early_errors_and_feeds_late_ones(explorer):
    explorer.n_steps.value = 100
    errors = {}
    for velocity in ("early error", "late error"):
        for level in (0.0, 16.0):
            explorer.velocity.value = velocity
            explorer.noise_level.value = level
            errors[velocity, level] = explorer.numbers["error"]
    assert errors["early error", 16.0] < errors["early error", 0.0] / 3
    assert errors["late error", 16.0] > 2 * errors["late error", 0.0]


def test_a_front_end_without_widgets_gets_a_described_image(explorer):
    data, metadata = explorer._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == data["text/plain"] == repr(explorer)
    assert all(control.description for control in explorer.controls.values())
