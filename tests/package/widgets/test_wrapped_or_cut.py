"""The explorer of wrapped and cut angles: its numbers are those of the densities, and every control acts."""

import math

import pytest
import torch

from fmtutorial.variants import WrappedNormalMixture, cut_density, geodesic_density, seam_mass
from fmtutorial.widgets import wrapped_or_cut_explorer
from fmtutorial.widgets.wrapped_or_cut import SIDE, STD

DENSITIES = {"wrapped": geodesic_density, "cut": cut_density}


@pytest.fixture(scope="module")
def explorer():
    return wrapped_or_cut_explorer()


def set_controls(explorer, angle1, angle2, t, path):
    explorer.angle1.value, explorer.angle2.value = angle1, angle2
    explorer.t.value, explorer.path.value = t, path


@pytest.mark.parametrize("path", ["wrapped", "cut"])
@pytest.mark.parametrize("t", [0.0, 0.4, 1.0])
def test_numbers_and_picture_are_those_of_the_density(explorer, path, t):
    set_controls(explorer, 2.0, -1.0, t, path)
    mixture = WrappedNormalMixture([[2.0, -1.0]], STD)
    assert explorer.numbers["mass"] == pytest.approx(seam_mass(DENSITIES[path], mixture, t))
    assert explorer.star.get_data()[1][0] == explorer.numbers["mass"]
    middles = math.pi * ((2 * torch.arange(SIDE, dtype=torch.float64) + 1) / SIDE - 1)
    row, column = 5, 40  # angle 2 upwards, angle 1 to the right
    x = torch.stack([middles[column], middles[row]]).unsqueeze(0)
    shown = float(explorer.picture.get_array().data[row, column])
    assert shown == pytest.approx(float(DENSITIES[path](mixture, x, t)))
    assert f"{explorer.numbers['mass']:.4f}" in explorer.readout.value


def test_both_paths_agree_at_both_ends_and_not_between(explorer):
    for t in (0.0, 1.0):
        set_controls(explorer, 3.1, 0.0, t, "wrapped")
        assert explorer.numbers["mass"] == pytest.approx(explorer.numbers["other_mass"], rel=0.01)
    set_controls(explorer, 3.1, 0.0, 0.5, "cut")
    assert explorer.numbers["mass"] < explorer.numbers["other_mass"] / 5


def test_the_uniform_start_has_the_mass_that_is_said(explorer):
    set_controls(explorer, 1.0, 1.0, 0.0, "wrapped")
    assert explorer.numbers["mass"] == pytest.approx(explorer.numbers["uniform_mass"])


@pytest.mark.parametrize("name, value", [("angle1", 0.0), ("angle2", 2.0), ("t", 0.2), ("path", "cut")])
def test_every_control_redraws(explorer, name, value):
    set_controls(explorer, 3.1, 0.0, 0.7, "wrapped")
    before = explorer.image.value, repr(explorer)
    getattr(explorer, name).value = value
    assert explorer.image.value != before[0]
    assert repr(explorer) != before[1]
