"""The explorer of flow maps: the exact map has no gap, and the numbers are those of the points shown."""

import numpy as np
import pytest
import torch

from fmtutorial.distributions import standard_mixture
from fmtutorial.exact import velocity_field
from fmtutorial.paths import StraightPath
from fmtutorial.sampling import integrate_flow
from fmtutorial.variants import AverageVelocityNet
from fmtutorial.widgets import flow_map_explorer
from fmtutorial.widgets.flow_map_jumps import exact_jumps

MIXTURE = standard_mixture()
V = velocity_field(MIXTURE, StraightPath(0.0))


def euler(x, s, t):
    """What a network knows that has learnt the velocity alone: jumps with it are Euler steps."""
    return V(x, s)


@pytest.fixture(scope="module")
def explorer():
    net = AverageVelocityNet(generator=torch.Generator().manual_seed(0))
    return flow_map_explorer({"exact": exact_jumps(MIXTURE), "Euler": euler, "untrained": net}, n_samples=60)


@pytest.mark.parametrize("departure", [0.0, 0.35, 0.9])
@pytest.mark.parametrize("n_jumps", [1, 3, 8])
def test_jumps_of_the_exact_map_land_where_they_should(explorer, departure, n_jumps):
    explorer.recipe.value, explorer.departure.value, explorer.n_jumps.value = "exact", departure, n_jumps
    assert explorer.numbers["gap"] < 1e-4
    assert explorer.numbers["error"] == pytest.approx(explorer.numbers["floor"], abs=1e-4)


@pytest.mark.parametrize("n_jumps", [1, 5])
def test_jumps_with_the_velocity_are_the_solvers_euler_steps(explorer, n_jumps):
    explorer.recipe.value, explorer.departure.value, explorer.n_jumps.value = "Euler", 0.0, n_jumps
    x0 = explorer.yardstick.x0
    ends = integrate_flow(V, x0, n_steps=n_jumps, method="euler")[0][-1]
    shown = torch.tensor(np.asarray(explorer.landing_points.get_offsets())).float()
    torch.testing.assert_close(shown, ends, rtol=0, atol=1e-4)
    gap = (ends - explorer.exact_ends).square().sum(1).mean().sqrt()
    assert explorer.numbers["gap"] == pytest.approx(float(gap), rel=1e-4)
    assert explorer.star.get_data()[1][0] == explorer.numbers["gap"]
    assert explorer.curve.get_data()[1][n_jumps - 1] == explorer.numbers["gap"]


def test_the_departure_starts_where_the_exact_flow_is(explorer):
    half = explorer.place_at(0.5)
    solved = integrate_flow(V, explorer.yardstick.x0.double(), (0.0, 0.5), 1, atol=1e-9, rtol=1e-9)[0][-1]
    torch.testing.assert_close(half.double(), solved, rtol=0, atol=1e-4)


def test_without_networks_the_exact_map_is_shown():
    alone = flow_map_explorer(n_samples=40)
    assert list(alone.recipe.options) == ["exact"]
    assert alone.numbers["gap"] < 1e-4
    assert f"{alone.numbers['floor']:.3f}" in alone.readout.value


@pytest.mark.parametrize("name, value", [("n_jumps", 2), ("departure", 0.5), ("recipe", "untrained")])
def test_every_control_redraws(explorer, name, value):
    explorer.recipe.value, explorer.departure.value, explorer.n_jumps.value = "Euler", 0.0, 1
    before = explorer.image.value, repr(explorer)
    getattr(explorer, name).value = value
    assert explorer.image.value != before[0]
    assert repr(explorer) != before[1]
