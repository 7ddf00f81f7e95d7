"""What all interactive figures share: the image and its words, errors, the cache, and the yardstick."""

import base64
import io

import ipywidgets
import numpy as np
import pytest
import torch
from helpers import normal, seeded
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial import cKDTree

from fmtutorial import standard_mixture
from fmtutorial.metrics import sliced_wasserstein
from fmtutorial.widgets import Explorer, coupling_explorer, sigma_min_explorer, step_count_explorer
from fmtutorial.widgets.explorer import Yardstick, encode_png, nearest_distance, rms_gap

MIXTURE = standard_mixture()


class Counter(Explorer):
    """A figure with one point at x = n, which counts how often it has computed."""

    def __init__(self):
        self.computed = []
        figure = Figure(figsize=(2, 2))
        ax = figure.subplots()
        ax.set(xlim=(0, 10), ylim=(-1, 1))
        (self.point,) = ax.plot([], [], "o", ms=10)
        super().__init__(figure, [self.point], {"n": ipywidgets.IntSlider(1, min=0, max=10)})

    def run(self, n: int) -> tuple[int]:
        self.computed.append(n)
        if n == 7:
            raise RuntimeError("a broken <velocity>")
        return (n,)

    def update(self) -> None:
        (x,) = self.run_for(self.n.value)
        self.point.set_data([x], [0])
        self.numbers = {"x": x}

    def describe(self) -> str:
        return f"x = {self.numbers['x']} < 11"


@pytest.fixture
def counter():
    return Counter()


def pixels(explorer) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(explorer.image.value)).convert("RGB")).astype(int)


def test_one_setting_is_computed_once(counter):
    for n in (2, 3, 2, 3, 1):
        counter.n.value = n
        assert counter.numbers == {"x": n}
    assert counter.computed == [1, 2, 3]


def test_a_redraw_leaves_nothing_of_the_one_before(counter):
    first = pixels(counter)
    counter.n.value = 5
    assert (pixels(counter) != first).any()
    counter.n.value = 1
    assert (pixels(counter) == first).all()


def test_the_image_is_what_matplotlib_draws_without_a_background(counter):
    counter.n.value = 4
    counter.point.set_animated(False)
    file = io.BytesIO()
    counter.point.figure.savefig(file, format="png", dpi="figure")
    expected = np.asarray(Image.open(file).convert("RGB")).astype(int)
    assert np.abs(pixels(counter) - expected).max() <= 1


def test_the_sentence_is_escaped_and_announced(counter):
    assert 'role="status"' in counter.readout.value and "x = 1 &lt; 11" in counter.readout.value


def test_an_error_in_a_callback_is_raised_and_shown(counter):
    with pytest.raises(RuntimeError, match="broken"):
        counter.n.value = 7
    assert "could not be redrawn" in counter.readout.value
    assert "a broken &lt;velocity&gt;" in counter.readout.value
    counter.n.value = 2
    assert "could not be redrawn" not in counter.readout.value


@pytest.mark.parametrize("make", [sigma_min_explorer, step_count_explorer])
def test_a_front_end_without_widgets_gets_a_described_image(make):
    explorer = make()
    data, metadata = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == data["text/plain"] == repr(explorer)


@pytest.mark.parametrize("make", [sigma_min_explorer, step_count_explorer, coupling_explorer])
def test_every_control_has_a_description_and_is_in_the_box(make):
    explorer = make(n_samples=100)
    assert len(explorer.controls) >= 2
    assert all(control.description for control in explorer.controls.values())
    assert explorer.box.children[0].children == tuple(explorer.controls.values())
    assert explorer.box.children[1:] == (explorer.image, explorer.readout)


def test_explorers_leave_the_global_random_state_alone():
    state = torch.get_rng_state()
    sigma_min_explorer().data.value = 8
    step_count_explorer().n_steps.value = 3
    assert torch.equal(torch.get_rng_state(), state)


def test_the_png_holds_every_pixel():
    rgba = np.random.default_rng(0).integers(0, 256, (7, 5, 4), dtype=np.uint8)
    png = encode_png(memoryview(rgba))
    Image.open(io.BytesIO(png)).verify()
    assert (np.asarray(Image.open(io.BytesIO(png))) == rgba[..., :3]).all()


def test_the_yardsticks_floor_is_what_exact_samples_measure():
    yardstick = Yardstick(MIXTURE, 400)
    assert yardstick.x0.shape == yardstick.truth.shape == (400, 2)
    errors = [yardstick.error(MIXTURE.sample(400, seeded(s), stratified=True)) for s in range(50, 60)]
    assert yardstick.floor == pytest.approx(np.mean(errors), rel=0.2)
    assert yardstick.error(yardstick.truth) == 0
    moved = yardstick.truth + torch.tensor([3.0, 0.0])
    assert yardstick.error(moved) == pytest.approx(sliced_wasserstein(moved, yardstick.truth), rel=0.1)
    assert yardstick.error(moved) == pytest.approx(3 / 2**0.5, rel=0.1)  # the mean of cos^2 is one half


def test_the_yardstick_is_the_same_every_time():
    torch.manual_seed(3)
    first = Yardstick(MIXTURE, 50)
    torch.manual_seed(4)
    second = Yardstick(MIXTURE, 50)
    assert torch.equal(first.x0, second.x0) and torch.equal(first.truth, second.truth)
    assert first.floor == second.floor


def test_the_rms_gap_of_a_shift_is_its_length():
    a = normal(30, 2)
    assert rms_gap(a, a + torch.tensor([3.0, 4.0])) == pytest.approx(5.0)
    assert rms_gap(a, a) == 0


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_nearest_distances_agree_with_a_kd_tree_however_small(scale):
    b = normal(32, 2).float()
    a = b.repeat(10, 1) + scale * normal(320, 2, 1).float()
    expected = cKDTree(b.numpy()).query(a.numpy())[0].mean()
    assert nearest_distance(a, b) == pytest.approx(expected, rel=1e-3)
