"""The fourth sensor's explorer: its numbers are right, and every control does something."""

import math

import pytest
import torch

from fmtutorial.problems import HeatRod
from fmtutorial.widgets import expected_uncertainty, fourth_sensor_explorer


@pytest.fixture(scope="module")
def explorer():
    return fourth_sensor_explorer({"side": ([0.25, 0.5], [0.1, 1.15])})


def test_a_sensor_never_hurts_and_the_middle_says_nothing_about_the_side():
    entropy, variance = expected_uncertainty(None)
    for place in (0.0, 0.3, 0.5, 0.8):
        assert expected_uncertainty(place)[0] < 1.05 * entropy  # the same noise, but chance is left
        assert expected_uncertainty(place)[1] < 1.02 * variance
    assert expected_uncertainty(0.5)[0] > 0.9 * entropy
    assert expected_uncertainty(0.25)[0] < 0.2 * entropy


def test_expected_uncertainty_agrees_with_a_plain_average():
    rod = HeatRod((0.46, 0.5, 0.54, 0.4))
    x1, y = rod.sample(20_000, torch.Generator().manual_seed(5))
    posterior = rod.posterior(y)
    p = posterior.weights[:, 0].clamp(1e-12, 1 - 1e-12)
    bits = -(p * p.log2() + (1 - p) * (1 - p).log2()).mean().item()
    entropy, variance = expected_uncertainty(0.4)
    assert entropy == pytest.approx(bits, abs=0.02)
    # the expected squared error of the posterior mean is the expected variance
    error = (posterior.mean - x1).square().sum(1).mean().item()
    assert variance == pytest.approx(error, rel=0.06)


def test_the_numbers_are_those_of_the_exact_posterior(explorer):
    explorer.goal.value = "field"
    explorer.truth.value = "right"
    explorer.position.value = 0.25
    expected = expected_uncertainty(0.25)[1] / expected_uncertainty(None)[1]
    assert explorer.numbers["left"] == pytest.approx(expected)
    assert explorer.numbers["p_right"] > 0.95
    assert f"{explorer.numbers['left']:.3f}" in explorer.describe()
    explorer.truth.value = "left"
    assert explorer.numbers["p_right"] < 0.05


def test_every_control_changes_the_image_and_the_description(explorer):
    for name, values in {
        "position": (0.0, 0.5, 1.0),
        "truth": ("right", "left"),
        "goal": ("side", "field"),
    }.items():
        seen = set()
        for value in values:
            getattr(explorer, name).value = value
            seen.add((bytes(explorer.image.value), explorer.describe()))
        assert len(seen) == len(values), name
    assert all(math.isfinite(v) for v in explorer.numbers.values())


def test_the_learned_values_are_drawn(explorer):
    explorer.goal.value = "side"
    assert list(explorer.rings.get_data()[0]) == [0.25, 0.5]
    assert explorer.rings.axes.get_ylim()[1] > 1.15  # a network's value above three sensors' is inside
    explorer.goal.value = "field"
    assert len(explorer.rings.get_data()[0]) == 0
