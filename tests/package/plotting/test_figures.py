"""Figures with labels, which show what they say."""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from helpers import normal

from fmtutorial import StraightPath, exact, plotting, standard_mixture
from fmtutorial.training import TrainingHistory

MIXTURE = standard_mixture()
PATH = StraightPath(0.1)


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


def test_figures_of_directions_have_one_key():
    path, t = trajectory()
    for figure in (
        plotting.plot_trajectory_panels(path, t),
        plotting.plot_conditional_and_marginal(path, path),
    ):
        assert sum(len(ax.child_axes) for ax in figure.axes) == 1
        plt.close(figure)


def test_the_panels_contours_are_those_of_the_moment():
    path, t = trajectory()
    figure = plotting.plot_trajectory_panels(path, t, MIXTURE, PATH)
    for ax, k in zip(figure.axes, range(0, 11, 2), strict=True):
        # the contours, drawn first, are levels of the exact density at t = k / 10
        levels = ax.collections[0]
        for value, outline in zip(levels.levels, levels.get_paths(), strict=True):
            points = torch.from_numpy(outline.vertices[::7].copy())
            p = exact.marginal_log_prob(MIXTURE, PATH, points, k / 10).exp()
            torch.testing.assert_close(p, torch.full_like(p, value), rtol=0.1, atol=0.0)
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
