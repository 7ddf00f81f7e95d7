"""The explorer of step counts: the numbers that it shows are right, and every control does something."""

import numpy as np
import pytest
import torch

from fmtutorial import StraightPath, VelocityNet, exact, integrate_flow, metrics, standard_mixture
from fmtutorial.widgets import step_count_explorer
from fmtutorial.widgets.step_count import interpolate

MIXTURE = standard_mixture()


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return VelocityNet(hidden_dim=16)


@pytest.fixture
def explorer(net):
    return step_count_explorer(net)


def drawn(explorer) -> torch.Tensor:
    """The points (n, 2) in the right panel."""
    return torch.tensor(np.asarray(explorer.points.get_offsets())).float()


@pytest.mark.parametrize("method, per_step", [("euler", 1), ("midpoint", 2), ("rk4", 4)])
def test_the_nfe_shown_is_steps_times_stages(explorer, method, per_step):
    explorer.method.value = method
    for n in (1, 5, 64):
        explorer.n_steps.value = n
        assert explorer.numbers["nfe"] == per_step * n
        assert f"{per_step * n} function evaluations" in explorer.readout.value


def test_the_gap_shown_is_the_solver_error(explorer):
    explorer.n_steps.value = 4
    explorer.t.value = 1.0
    x0 = explorer.yardstick.x0.double()
    field = exact.velocity_field(MIXTURE, StraightPath())
    tight = integrate_flow(field, x0, n_steps=1, atol=1e-10, rtol=1e-10)[0][-1]
    h = 1 / 4
    x = x0
    for k in range(4):
        x = x + h * exact.marginal_velocity(MIXTURE, StraightPath(), x, k * h)
    expected = float((x - tight).square().sum(1).mean().sqrt())
    assert explorer.numbers["gap"] == pytest.approx(expected, rel=1e-3)


def test_the_error_shown_is_the_distance_to_the_truth(explorer):
    explorer.n_steps.value = 2
    explorer.t.value = 1.0
    end = drawn(explorer)
    truth = MIXTURE.sample(20_000, torch.Generator().manual_seed(11), stratified=True)
    assert explorer.numbers["error"] == pytest.approx(metrics.sliced_wasserstein(end, truth), rel=0.2)


def test_more_steps_shrink_gap_and_error(explorer):
    gaps = []
    errors = []
    for n in (2, 8, 32):
        explorer.n_steps.value = n
        gaps.append(explorer.numbers["gap"])
        errors.append(explorer.numbers["error"])
    assert gaps[0] > 3 * gaps[1] > 9 * gaps[2]
    assert errors[0] > errors[2]
    assert errors[2] < 1.5 * explorer.numbers["floor"]


def test_the_trained_velocity_is_the_model_that_was_given(explorer, net):
    explorer.velocity.value = "trained"
    explorer.n_steps.value = 3
    explorer.t.value = 1.0
    expected = integrate_flow(net, explorer.yardstick.x0, n_steps=3, method="euler")[0][-1]
    torch.testing.assert_close(drawn(explorer), expected)


def test_half_way_through_a_step_is_half_way_along_its_line(explorer):
    explorer.n_steps.value = 1
    explorer.t.value = 0.5
    middle = drawn(explorer)
    x0 = explorer.yardstick.x0
    expected = x0 + 0.5 * exact.marginal_velocity(MIXTURE, StraightPath(), x0, 0.0)
    torch.testing.assert_close(middle, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "name, value", [("n_steps", 3), ("t", 0.4), ("method", "rk4"), ("velocity", "trained")]
)
def test_every_control_redraws(explorer, name, value):
    image = explorer.image.value
    sentence = repr(explorer)
    explorer.controls[name].value = value
    assert explorer.image.value != image
    assert repr(explorer) != sentence


def test_without_a_model_there_is_only_the_exact_velocity():
    assert step_count_explorer().velocity.options == ("exact",)


def test_interpolation_passes_through_the_states_and_half_way_between():
    trajectory = torch.tensor([0.0, 1.0, 4.0, 9.0]).reshape(4, 1, 1)
    for t, expected in [(0.0, 0.0), (1 / 3, 1.0), (0.5, 2.5), (5 / 6, 6.5), (1.0, 9.0)]:
        assert float(interpolate(trajectory, t)) == pytest.approx(expected, abs=1e-5)
