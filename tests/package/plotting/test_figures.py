"""Colours that everybody can tell apart, and figures with labels."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from helpers import normal

from fmtutorial import StraightPath, exact, get_angle_colors, plotting, standard_mixture
from fmtutorial.training import TrainingHistory

MIXTURE, PATH = standard_mixture(), StraightPath(0.1)

# Simulation of complete colour blindness in linear RGB (Machado, Oliveira, Fernandes 2009, severity 1.0).
SEEN_AS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "full colour vision": np.eye(3).tolist(),
}


def lab(linear_rgb):
    """CIE Lab from linear RGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear_rgb.clip(0, 1) @ to_xyz.T / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("vision", SEEN_AS)
def test_quarter_turns_look_different_to_everybody(vision):
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rgb = get_angle_colors(np.stack([np.cos(angle), np.sin(angle)], axis=1))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = lab(linear @ np.array(SEEN_AS[vision]).T)
    for turn in (4, 5, 6, 7, 8):
        difference = np.linalg.norm(seen - np.roll(seen, turn, axis=0), axis=1)
        assert difference.min() > 15, f"{turn}/16 of a turn apart: {difference.min():.1f}"


def test_colours_are_cyclic_and_change_smoothly():
    angle = np.linspace(0, 2 * np.pi, 721)
    colors = get_angle_colors(np.stack([np.cos(angle), np.sin(angle)], axis=1))
    np.testing.assert_allclose(colors[0], colors[-1], atol=0.02)
    assert np.abs(np.diff(colors, axis=0)).max() < 0.03


def test_colours_depend_on_the_angle_alone():
    x = normal(50, 2)
    np.testing.assert_array_equal(get_angle_colors(x), get_angle_colors(3 * x))
    np.testing.assert_array_equal(get_angle_colors(x), get_angle_colors(x.numpy()))
    assert get_angle_colors(x).shape == (50, 4)


def trajectory():
    t = torch.linspace(0, 1, 11)
    return (1 - t[:, None, None]) * normal(20, 2).float() + t[:, None, None], t


def figures():
    path, t = trajectory()
    yield plotting.plot_trajectory_panels(path, t, MIXTURE, PATH)
    yield plotting.plot_conditional_and_marginal(path, path)
    yield plotting.plot_loss(TrainingHistory(losses=[3.0, 2.5, 2.2]), 2.0).figure
    yield plotting.plot_error_vs_nfe({"euler": ([1, 2], [0.5, 0.2])}, 0.1).figure
    yield plotting.plot_density(MIXTURE.log_prob).figure
    yield plotting.plot_vector_field(exact.velocity_field(MIXTURE, PATH), 0.5).figure
    yield plotting.plot_samples(normal(5, 2)).figure
    yield plotting.plot_trajectories(path).figure


def test_every_figure_has_labels():
    for figure in figures():
        outer = [ax for ax in figure.axes if ax.get_subplotspec().is_last_row()]
        assert outer and all(ax.get_xlabel() for ax in outer)
        assert figure.axes[0].get_ylabel()
        plt.close(figure)


def test_the_panels_show_the_moments_that_they_name():
    path, t = trajectory()
    figure = plotting.plot_trajectory_panels(path, t)
    assert [ax.get_title() for ax in figure.axes] == [f"t = {k / 5:.1f}" for k in range(6)]
    for ax, k in zip(figure.axes, range(0, 11, 2), strict=True):
        np.testing.assert_allclose(ax.collections[0].get_offsets(), path[k].numpy())
    plt.close(figure)


def test_the_floor_is_drawn_where_it_is():
    ax = plotting.plot_loss(TrainingHistory(losses=[3.0, 2.5, 2.2]), 2.0)
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in dashed] == [2.0]
    plt.close(ax.figure)


def test_show_describes_and_closes(monkeypatch):
    shown = []
    monkeypatch.setattr("fmtutorial.plotting.figures.display", lambda fig, metadata: shown.append(metadata))
    figure = plt.figure()
    plotting.show(figure, "what there is to see")
    assert shown == [{"image/png": {"alt": "what there is to see"}}]
    assert not plt.fignum_exists(figure.number)
