"""The explorer of guidance's strength: it shows what it was given, and every control does something."""

import numpy as np
import pytest
import torch
from helpers import seeded

from fmtutorial.plotting import mosaic
from fmtutorial.widgets import guidance_explorer


@pytest.fixture
def explorer():
    strengths = torch.linspace(0, 2, 5)
    views = {"samples": torch.randn(5, 4, 9, generator=seeded()), "other": torch.zeros(5, 4, 9)}
    return guidance_explorer(
        strengths, views, {"a": strengths.square(), "b": 1 - strengths}, columns=2
    ), views


def test_the_explorer_shows_the_images_and_numbers_of_its_strength(explorer):
    explorer, views = explorer
    assert explorer.numbers == {"strength": 0.0, "a": 0.0, "b": 1.0}
    before = explorer.image.value
    explorer.w.value = 1.5
    assert explorer.numbers == {"strength": 1.5, "a": 2.25, "b": -0.5}
    assert (np.asarray(explorer.picture.get_array()) == mosaic(views["samples"][3], 2)).all()
    assert explorer.image.value != before
    assert "w = 1.50, shown: samples. a 2.250, b -0.500" in explorer.readout.value
    explorer.view.value = "other"
    assert (np.asarray(explorer.picture.get_array()) == mosaic(views["other"][3], 2)).all()
    assert [float(dot.get_ydata()[0]) for dot in explorer.dots] == [2.25, -0.5]


def test_every_control_has_a_description_and_its_image_a_text(explorer):
    controls = explorer[0].controls.values()
    assert [control.description for control in controls] == ["strength w", "show"]
    data, metadata = explorer[0]._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == data["text/plain"] == repr(explorer[0])
