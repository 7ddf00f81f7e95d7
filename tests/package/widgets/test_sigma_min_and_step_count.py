"""The interactive figures: the numbers that they show are right, and every control does something."""

import base64
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial import cKDTree

from fmtutorial import StraightPath, VelocityNet, exact, integrate_flow, metrics, standard_mixture
from fmtutorial.widgets import explorer as _explorer
from fmtutorial.widgets import sigma_min_explorer, step_count_explorer

MIXTURE = standard_mixture()


@pytest.fixture
def sigma_min():
    return sigma_min_explorer()


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return VelocityNet(hidden_dim=16)


@pytest.fixture
def steps(net):
    return step_count_explorer(net)


def image(explorer) -> bytes:
    return explorer._image.value


@pytest.mark.parametrize("value", [1e-4, 0.01, 0.1, 0.3])
def test_the_floor_shown_is_the_floor(sigma_min, value):
    sigma_min.sigma_min.value = value
    floor, error = exact.loss_floor(MIXTURE, StraightPath(value), 200_000, torch.Generator().manual_seed(7))
    assert abs(sigma_min.numbers["floor"] - floor) < 5 * math.hypot(error, sigma_min.numbers["floor_error"])
    assert f"{sigma_min.numbers['floor']:.3f}" in sigma_min._readout.value


@pytest.mark.parametrize("n", [8, 32, 128])
def test_the_nearest_distance_is_that_of_noise_around_the_data(sigma_min, n):
    sigma_min.data.value, sigma_min.sigma_min.value = n, 1e-4
    # far below the spacing of the points, an end point's distance is |sigma_min x0|: a Rayleigh variable
    assert sigma_min.numbers["nearest"] == pytest.approx(1e-4 * math.sqrt(math.pi / 2), rel=0.1)


def test_the_nearest_distance_agrees_with_a_kd_tree(sigma_min):
    sigma_min.data.value, sigma_min.sigma_min.value = 32, 0.3
    drawn = np.stack(sigma_min._points.get_data(), axis=1), np.stack(sigma_min._ends.get_data(), axis=1)
    expected = cKDTree(drawn[0]).query(drawn[1])[0].mean()
    assert sigma_min.numbers["nearest"] == pytest.approx(expected, rel=1e-4)


def test_wide_kernels_move_the_end_points_away_from_the_truth(sigma_min):
    distances = []
    for value in (0.01, 0.5):
        sigma_min.sigma_min.value = value
        distances.append(sigma_min.numbers["distance"])
    assert distances[0] < 1.5 * sigma_min.numbers["distance_floor"] < distances[1] * 1.5
    assert distances[1] > distances[0]


def test_end_points_spread_as_sigma_min_says(sigma_min):
    sigma_min.sigma_min.value = 0.5
    end = torch.tensor(np.stack(sigma_min._ends.get_data(), axis=1), dtype=torch.float64)
    due = float(MIXTURE.covariance.trace()) + 2 * 0.5**2
    assert float(end.T.cov().trace()) == pytest.approx(due, rel=0.12)


@pytest.mark.parametrize("name, value", [("sigma_min", 0.4), ("t", 0.2), ("data", 8)])
def test_every_control_of_sigma_min_redraws(sigma_min, name, value):
    before = image(sigma_min), repr(sigma_min)
    getattr(sigma_min, name).value = value
    assert image(sigma_min) != before[0]
    assert repr(sigma_min) != before[1]


@pytest.mark.parametrize("method, per_step", [("euler", 1), ("midpoint", 2), ("rk4", 4)])
def test_the_nfe_shown_is_steps_times_stages(steps, method, per_step):
    steps.method.value = method
    for n in (1, 5, 64):
        steps.n_steps.value = n
        assert steps.numbers["nfe"] == per_step * n
        assert f"{per_step * n} function evaluations" in steps._readout.value


def test_the_gap_shown_is_the_solver_error(steps):
    steps.n_steps.value, steps.t.value = 4, 1.0
    x0 = steps._x0.double()
    field = exact.velocity_field(MIXTURE, StraightPath())
    tight = integrate_flow(field, x0, n_steps=1, atol=1e-10, rtol=1e-10)[0][-1]
    h, x = 1 / 4, x0
    for k in range(4):
        x = x + h * exact.marginal_velocity(MIXTURE, StraightPath(), x, k * h)
    expected = float((x - tight).square().sum(1).mean().sqrt())
    assert steps.numbers["gap"] == pytest.approx(expected, rel=1e-3)


def test_the_error_shown_is_the_distance_to_the_truth(steps):
    steps.n_steps.value, steps.t.value = 2, 1.0
    end = torch.tensor(np.asarray(steps._all.get_offsets()), dtype=torch.float32)
    truth = MIXTURE.sample(20_000, torch.Generator().manual_seed(11), stratified=True)
    assert steps.numbers["error"] == pytest.approx(metrics.sliced_wasserstein(end, truth), rel=0.2)


def test_more_steps_shrink_gap_and_error(steps):
    gaps, errors = [], []
    for n in (2, 8, 32):
        steps.n_steps.value = n
        gaps.append(steps.numbers["gap"])
        errors.append(steps.numbers["error"])
    assert gaps[0] > 3 * gaps[1] > 9 * gaps[2]
    assert errors[0] > errors[2]
    assert errors[2] < 1.5 * steps.numbers["floor"]


def test_the_trained_velocity_is_the_model_that_was_given(steps, net):
    steps.velocity.value, steps.n_steps.value, steps.t.value = "trained", 3, 1.0
    expected = integrate_flow(net, steps._x0, n_steps=3, method="euler")[0][-1]
    torch.testing.assert_close(torch.tensor(np.asarray(steps._all.get_offsets())).float(), expected)


def test_half_way_through_a_step_is_half_way_along_its_line(steps):
    steps.n_steps.value, steps.t.value = 1, 0.5
    middle = torch.tensor(np.asarray(steps._all.get_offsets())).float()
    expected = steps._x0 + 0.5 * exact.marginal_velocity(MIXTURE, StraightPath(), steps._x0, 0.0)
    torch.testing.assert_close(middle, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "name, value", [("n_steps", 3), ("t", 0.4), ("method", "rk4"), ("velocity", "trained")]
)
def test_every_control_of_the_steps_redraws(steps, name, value):
    before = image(steps), repr(steps)
    getattr(steps, name).value = value
    assert image(steps) != before[0]
    assert repr(steps) != before[1]


def test_without_a_model_there_is_only_the_exact_velocity():
    assert step_count_explorer().velocity.options == ("exact",)


@pytest.mark.parametrize("make", [sigma_min_explorer, step_count_explorer])
def test_every_control_has_a_description(make):
    explorer = make()
    controls = explorer._box.children[0].children
    assert len(controls) >= 3
    assert all(control.description for control in controls)


@pytest.mark.parametrize("make", [sigma_min_explorer, step_count_explorer])
def test_a_front_end_without_widgets_gets_a_described_image(make):
    explorer = make()
    data, metadata = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == data["text/plain"] == repr(explorer)


def test_an_error_in_a_callback_is_raised_and_shown(steps, monkeypatch):
    def broken(*_):
        raise RuntimeError("a broken <velocity>")

    monkeypatch.setitem(steps._fields, "exact", broken)
    with pytest.raises(RuntimeError, match="broken"):
        steps.n_steps.value = 13
    assert "could not be redrawn" in steps._readout.value
    assert "a broken &lt;velocity&gt;" in steps._readout.value


def test_explorers_leave_the_global_random_state_alone():
    state = torch.get_rng_state()
    sigma_min_explorer().data.value = 8
    step_count_explorer().n_steps.value = 3
    assert torch.equal(torch.get_rng_state(), state)


def test_the_png_holds_every_pixel():
    rgba = np.random.default_rng(0).integers(0, 256, (7, 5, 4), dtype=np.uint8)
    read = Image.open(io.BytesIO(_explorer.encode_png(memoryview(rgba))))
    read.verify()
    pixels = np.asarray(Image.open(io.BytesIO(_explorer.encode_png(memoryview(rgba)))))
    assert (pixels == rgba[..., :3]).all()
