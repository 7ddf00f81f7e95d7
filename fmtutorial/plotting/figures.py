"""Figures of the course: functions take and return axes or figures; `show` displays one with its alt text."""

from functools import partial
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from torch import Tensor

from fmtutorial import _validate
from fmtutorial._types import LogDensity, Velocity
from fmtutorial.distributions import GaussianMixture
from fmtutorial.exact import marginal_log_prob
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.plotting.colors import DATA, EXACT, LEARNED, NOISE, angle_key, get_angle_colors

if TYPE_CHECKING:
    from fmtutorial.training import TrainingHistory

LIMITS = (-3.5, 5.0, -3.5, 4.5)  # a window that holds the noise and the standard mixture


def set_theme() -> None:
    """The course's look: seaborn's "ticks" style in a colour-blind-safe palette, on a white page."""
    settings = {
        "figure.dpi": 96,
        "figure.constrained_layout.use": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
    sns.set_theme(context="notebook", style="ticks", palette="colorblind", rc=settings)


def show(fig: Figure, alt: str) -> None:
    """Display a figure with its alternative text, a sentence that says what there is to see, and close it."""
    display(fig, metadata={"image/png": {"alt": alt}})
    plt.close(fig)


def grid(limits: tuple = LIMITS, n: int = 100) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates X and Y (n, n) of a regular grid, and the same as points (n * n, 2)."""
    left, right, bottom, top = limits
    x = torch.linspace(left, right, n)
    y = torch.linspace(bottom, top, n)
    X, Y = torch.meshgrid(x, y, indexing="xy")
    return X, Y, torch.stack([X.flatten(), Y.flatten()], dim=1)


def plot_density(
    log_prob: LogDensity, ax: Axes | None = None, limits: tuple = LIMITS, fill: bool = True, **style
) -> Axes:
    """Contours of a density given by `log_prob` (points (n, 2) -> (n,)): filled grey, or lines."""
    ax = ax or plt.subplots()[1]
    X, Y, points = grid(limits)
    p = log_prob(points).exp().reshape(X.shape)
    levels = float(p.max()) * np.array([0.02, 0.08, 0.2, 0.4, 0.7, 1.0])
    if fill:
        ax.contourf(X, Y, p, **{"levels": levels, "cmap": "Greys", "alpha": 0.55, "zorder": 0} | style)
    else:
        ax.contour(X, Y, p, **{"levels": levels[:-1], "colors": EXACT, "linewidths": 0.8} | style)
    return square(ax, limits)


def square(ax: Axes, limits: tuple = LIMITS) -> Axes:
    """The same scale on both axes, within `limits` (left, right, bottom, top)."""
    ax.set(xlim=limits[:2], ylim=limits[2:], xlabel="coordinate 1", ylabel="coordinate 2", aspect="equal")
    return ax


def plot_samples(x: Tensor, ax: Axes | None = None, limits: tuple = LIMITS, **style) -> Axes:
    """Points (n, 2) as small dots."""
    ax = ax or plt.subplots()[1]
    ax.scatter(*x.detach().cpu().T, **{"s": 6, "color": DATA, "alpha": 0.6, "linewidths": 0} | style)
    return square(ax, limits)


def plot_vector_field(
    velocity: Velocity,
    t: float,
    ax: Axes | None = None,
    limits: tuple = LIMITS,
    n: int = 18,
    **style,
) -> Axes:
    """Arrows of a velocity (x, t) -> (n, 2) at one time, on an n x n grid, all drawn to one scale."""
    ax = ax or plt.subplots()[1]
    X, Y, points = grid(limits, n)
    with torch.no_grad():
        u = velocity(points, torch.tensor(float(t)))
    ax.quiver(X, Y, *u.T.reshape(2, n, n), **{"color": NOISE, "width": 0.004, "zorder": 3} | style)
    return square(ax, limits)


def plot_trajectories(trajectory: Tensor, ax: Axes | None = None, limits: tuple = LIMITS, **style) -> Axes:
    """Curves of a trajectory (T, n, 2), each in the colour of its starting angle, with a dot at its end."""
    ax = ax or plt.subplots()[1]
    trajectory = trajectory.detach().cpu()
    colors = get_angle_colors(trajectory[0])
    for curve, color in zip(trajectory.transpose(0, 1), colors, strict=True):
        ax.plot(*curve.T, **{"color": color, "lw": 1.0, "alpha": 0.8} | style)
    ax.scatter(*trajectory[-1].T, c=colors, s=10, zorder=3)
    return square(ax, limits)


def plot_trajectory_panels(
    trajectory: Tensor,
    t: Tensor,
    mixture: GaussianMixture | None = None,
    path: AffineGaussianPath | None = None,
    times: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    limits: tuple = LIMITS,
) -> Figure:
    """Six moments of a flow: points coloured by the angle they started at, over the exact density of p_t."""
    _validate.same_shape(trajectory[:, 0, 0], "trajectory[:, 0, 0]", t, "t")
    fig, axes = plt.subplots(2, 3, figsize=(10.5, 6.8), sharex=True, sharey=True)
    colors = get_angle_colors(trajectory[0])
    for ax, moment in zip(axes.flat, times, strict=True):
        i = int((t - moment).abs().argmin())
        if mixture is not None:
            log_prob = partial(_log_prob_at, float(t[i]), mixture, path)
            plot_density(log_prob, ax, limits, fill=False, zorder=3)
        ax.scatter(*trajectory[i].T, c=colors, s=7, linewidths=0)
        square(ax, limits).set_title(f"t = {float(t[i]):.1f}")
        ax.label_outer()
    angle_key(axes[0, 0])
    return fig


def _log_prob_at(t: float, mixture: GaussianMixture, path: AffineGaussianPath, x: Tensor) -> Tensor:
    """log p_t at points x (n, 2), with x last."""
    return marginal_log_prob(mixture, path, x, t)


def plot_loss(
    history: "TrainingHistory", floor: float | None = None, ax: Axes | None = None, window: int = 100
) -> Axes:
    """Losses by step: every one faintly, their running mean, and the exact floor as a dashed line."""
    ax = ax or plt.subplots(figsize=(8, 4))[1]
    smooth = history.smoothed(window)
    n_steps = len(history.losses)
    ax.plot(history.losses, color=LEARNED, alpha=0.25, lw=0.5, label="loss of each batch")
    ax.plot(
        range(n_steps - len(smooth), n_steps), smooth, color=LEARNED, lw=2, label=f"mean of {window} steps"
    )
    if floor is not None:
        ax.axhline(floor, color=EXACT, ls="--", label=f"exact floor, {floor:.4g}")
    ax.set(xlabel="training step", ylabel="CFM loss")
    ax.legend()
    return ax


def plot_error_vs_nfe(
    results: dict[str, tuple], floor: float | None = None, ax: Axes | None = None, ylabel: str = "error"
) -> Axes:
    """Errors on log-log axes from {name: (NFE list, error list)}, a marker for each name, and a floor."""
    ax = ax or plt.subplots(figsize=(7.5, 4.8))[1]
    for (name, (nfe, error)), marker in zip(results.items(), "osD^vP*X", strict=False):
        ax.loglog(nfe, error, marker=marker, label=name)
    if floor is not None:
        ax.axhline(floor, color=EXACT, ls="--", label="statistical floor")
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.set(xlabel="function evaluations (NFE)", ylabel=ylabel)
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def plot_conditional_and_marginal(conditional: Tensor, marginal: Tensor, limits: tuple = LIMITS) -> Figure:
    """Side by side: conditional paths (T, n, 2), and marginal trajectories, of which no two ever meet."""
    fig, axes = plt.subplots(1, 2, figsize=(11, 5.2), sharex=True, sharey=True)
    plot_trajectories(conditional, axes[0], limits).set_title("conditional paths: straight, and they cross")
    plot_trajectories(marginal, axes[1], limits).set_title("marginal trajectories: no two ever meet")
    angle_key(axes[1])
    return fig
