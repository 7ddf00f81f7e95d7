"""The explorer of the noise level: its numbers are right, and every control does something."""

import time

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
    return torch.tensor(np.asarray(explorer._all.get_offsets())).float()


@pytest.mark.parametrize(
    "name, value",
    [("noise_level", 3.0), ("n_steps", 20), ("velocity", "early error"), ("velocity", "trained")],
)
def test_every_control_redraws(explorer, name, value):
    before = explorer._image.value, repr(explorer)
    getattr(explorer, name).value = value
    assert explorer._image.value != before[0] and repr(explorer) != before[1]


def test_without_noise_it_shows_eulers_steps(explorer):
    explorer.n_steps.value = 8
    x = explorer._x0
    for k in range(8):
        x = x + exact.marginal_velocity(MIXTURE, StraightPath(0.0), x, k / 8) / 8
    torch.testing.assert_close(ends(explorer), x, rtol=1e-4, atol=1e-4)
    assert explorer.numbers["nfe"] == 8 and "8 steps" in repr(explorer)


def test_the_error_shown_is_the_distance_to_the_truth(explorer):
    explorer.velocity.value = "late error"
    truth = MIXTURE.sample(20_000, torch.Generator().manual_seed(11), stratified=True)
    due = metrics.sliced_wasserstein(ends(explorer), truth)
    assert explorer.numbers["error"] == pytest.approx(due, rel=0.2)


def test_noise_repairs_early_errors_and_feeds_late_ones(explorer):
    explorer.n_steps.value = 100
    errors = {}
    for velocity in ("early error", "late error"):
        for level in (0.0, 16.0):
            explorer.velocity.value, explorer.noise_level.value = velocity, level
            errors[velocity, level] = explorer.numbers["error"]
    assert errors["early error", 16.0] < errors["early error", 0.0] / 3
    assert errors["late error", 16.0] > 2 * errors["late error", 0.0]


def test_a_front_end_without_widgets_gets_a_described_image(explorer):
    data, metadata = explorer._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == data["text/plain"] == repr(explorer)
    assert all(control.description for control in explorer._box.children[0].children)


def test_a_redraw_is_quick(explorer):
    explorer.noise_level.value = 1.0
    start = time.process_time()
    for level in (2.0, 3.0, 4.0):
        explorer.noise_level.value = level
    assert (time.process_time() - start) / 3 < 0.2  # 0.03 s on an idle machine
