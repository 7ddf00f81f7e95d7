"""The coupling explorer: its numbers are those of Euler's method, and every control does something."""

import numpy as np
import pytest
import torch

from fmtutorial import StraightPath, exact, integrate_flow, standard_mixture
from fmtutorial.metrics import straightness
from fmtutorial.widgets import coupling_explorer
from fmtutorial.widgets.coupling import MOST_STEPS

MIXTURE = standard_mixture()
FIELD = exact.velocity_field(MIXTURE, StraightPath(0.0))


def drift(x, t):
    """A field with straight trajectories."""
    return torch.ones_like(x) * torch.tensor([1.5, 1.0])


@pytest.fixture(scope="module")
def explorer():
    return coupling_explorer({"independent": FIELD, "drift": drift}, n_samples=300)


@pytest.mark.parametrize("n", [1, 3, MOST_STEPS])
def test_the_numbers_are_those_of_euler_steps(explorer, n):
    explorer.coupling.value = "independent"
    explorer.n_steps.value = n
    x0 = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    end = integrate_flow(FIELD, x0, n_steps=n, method="euler")[0][-1]
    tight, t = integrate_flow(FIELD, x0, n_steps=200, method="midpoint")
    gap = float((end - tight[-1]).square().sum(1).mean().sqrt())
    assert explorer.numbers["gap"] == pytest.approx(gap, rel=0.02)
    assert explorer.numbers["straightness"] == pytest.approx(straightness(tight, t), rel=0.02)
    torch.testing.assert_close(
        torch.from_numpy(np.array(explorer.end_points.get_offsets())), end.double(), rtol=1e-5, atol=1e-5
    )
    assert list(explorer.ring.get_data()) == [[n], [explorer.numbers["error"]]]


def test_one_step_of_independent_pairs_ends_on_the_mean(explorer):
    explorer.coupling.value = "independent"
    explorer.n_steps.value = 1
    ends = torch.from_numpy(np.array(explorer.end_points.get_offsets()))
    assert (ends - MIXTURE.mean).abs().max() < 1e-4
    assert explorer.numbers["error"] > 5 * explorer.numbers["floor"]


def test_straight_trajectories_need_one_step(explorer):
    explorer.coupling.value = "drift"
    explorer.n_steps.value = 1
    assert explorer.numbers["gap"] < 1e-5 and explorer.numbers["straightness"] < 1e-8


def test_every_control_changes_the_image_and_the_words(explorer):
    explorer.coupling.value = "independent"
    explorer.n_steps.value = 2
    first = bytes(explorer.image.value)
    said = explorer.describe()
    explorer.n_steps.value = 4
    second = bytes(explorer.image.value)
    explorer.coupling.value = "drift"
    assert len({first, second, bytes(explorer.image.value)}) == 3
    assert said != explorer.describe() and "drift" in explorer.readout.value
    assert bytes(explorer.image.value).startswith(b"\x89PNG")


def test_alone_it_shows_the_exact_velocity():
    explorer = coupling_explorer(n_samples=100)
    assert explorer.coupling.options == ("independent",)
    assert "1 Euler step." in explorer.describe()
