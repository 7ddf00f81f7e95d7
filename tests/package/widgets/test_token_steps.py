"""The explorer of token steps: its numbers are those of the law, and every control does something."""

import pytest
import torch

from fmtutorial.variants import MaskPath, UniformPath, checkerboard_table, posterior_field, sampler_law
from fmtutorial.widgets import token_steps_explorer

Q = checkerboard_table(8)


def blurred(path):
    """A posterior that is a little wrong."""
    return posterior_field(0.9 * Q + 0.1 / 64, path)


@pytest.fixture(scope="module")
def explorer():
    return token_steps_explorer({"mask": blurred(MaskPath(8)), "uniform": blurred(UniformPath(8))}, Q)


@pytest.mark.parametrize("n", [1, 3, 64])
def test_the_exact_mask_path_follows_the_formula(explorer, n):
    explorer.path.value, explorer.posterior.value, explorer.noise_level.value = "mask", "exact", 0.0
    explorer.n_steps.value = n
    assert explorer.numbers["tv"] == pytest.approx(explorer.numbers["formula"], rel=1e-9)
    assert f"{explorer.numbers['tv']:.4f}" in explorer.readout.value


@pytest.mark.parametrize("name, path", [("mask", MaskPath(8)), ("uniform", UniformPath(8))])
def test_the_picture_is_the_law(explorer, name, path):
    explorer.path.value, explorer.posterior.value = name, "learnt"
    explorer.noise_level.value, explorer.n_steps.value = 1.5, 7
    law = sampler_law(blurred(path), path, 2, 7, 1.5)
    torch.testing.assert_close(torch.as_tensor(explorer.picture.get_array().data), law)
    assert explorer.numbers["outside"] == pytest.approx(float(law[Q == 0].sum()))
    assert explorer.numbers["tv"] == pytest.approx(float((law - Q).abs().sum() / 2))
    assert explorer.star.get_data()[1][0] == explorer.numbers["tv"]


def test_without_networks_there_is_nothing_learnt_to_choose():
    assert list(token_steps_explorer().posterior.options) == ["exact"]


@pytest.mark.parametrize(
    "name, value", [("n_steps", 20), ("noise_level", 3.0), ("path", "uniform"), ("posterior", "learnt")]
)
def test_every_control_redraws(explorer, name, value):
    explorer.path.value, explorer.posterior.value = "mask", "exact"
    explorer.noise_level.value, explorer.n_steps.value = 0.0, 4
    before = explorer.image.value, repr(explorer)
    getattr(explorer, name).value = value
    assert explorer.image.value != before[0]
    assert repr(explorer) != before[1]
