"""Figures of the course: functions take and return axes or figures; `show` displays one with its alt text."""

import math
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter
from torch import Tensor

from fmtutorial import _validate
from fmtutorial.exact import marginal_log_prob

NOISE, DATA, LEARNED, EXACT = "#0072B2", "#D55E00", "#009E73", "#222222"  # Okabe & Ito 2008
LIMITS = (-3.5, 5.0, -3.5, 4.5)  # a window that holds the noise and the standard mixture

# Around an ellipse in lightness and blue-yellow, the two contrasts that every kind of colour vision keeps.
ANGLES = LinearSegmentedColormap.from_list(
    "angles",
    [
        "#C8B1AF",
        "#DCA079",
        "#C6873F",
        "#966E08",
        "#665500",
        "#4B4011",
        "#473533",
        "#4B3861",
        "#485095",
        "#4074C2",
        "#5899DA",
        "#93AFD3",
        "#C8B1AF",
    ],
)


def set_theme() -> None:
    """The course's look: seaborn's "ticks" style in a colour-blind-safe palette, on a white page."""
    sns.set_theme(context="notebook", style="ticks", palette="colorblind", rc={
        "figure.dpi": 96, "figure.constrained_layout.use": True, "axes.spines.top": False,
        "axes.spines.right": False, "legend.frameon": False,
    })  # fmt: skip


def show(fig: Figure, alt: str) -> None:
    """Display a figure with its alternative text, a sentence that says what there is to see, and close it."""
    display(fig, metadata={"image/png": {"alt": alt}})
    plt.close(fig)


def get_angle_colors(positions) -> np.ndarray:
    """A colour (n, 4) for each point (n, 2) by its angle about the origin, from a cyclic colour map."""
    positions = np.asarray(
        positions.detach().cpu() if isinstance(positions, Tensor) else positions, dtype=float
    )
    if positions.ndim != 2 or positions.shape[1] != 2:
        raise ValueError(f"positions must have the shape (n, 2), got {positions.shape}")
    if not np.isfinite(positions).all():
        raise ValueError("positions must be finite, got NaN or infinite values")
    return ANGLES(np.arctan2(positions[:, 1], positions[:, 0]) / (2 * math.pi) % 1.0)


def grid(limits=LIMITS, n: int = 100) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates X and Y (n, n) of a regular grid, and the same as points (n * n, 2)."""
    x, y = torch.linspace(limits[0], limits[1], n), torch.linspace(limits[2], limits[3], n)
    X, Y = torch.meshgrid(x, y, indexing="xy")
    return X, Y, torch.stack([X.flatten(), Y.flatten()], dim=1)


def plot_density(
    log_prob: Callable[[Tensor], Tensor], ax: Axes | None = None, limits=LIMITS, fill=True, **style
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


def square(ax: Axes, limits=LIMITS) -> Axes:
    """The same scale on both axes, within `limits` (left, right, bottom, top)."""
    ax.set(xlim=limits[:2], ylim=limits[2:], xlabel="coordinate 1", ylabel="coordinate 2", aspect="equal")
    return ax


def plot_samples(x: Tensor, ax: Axes | None = None, limits=LIMITS, **style) -> Axes:
    """Points (n, 2) as small dots."""
    ax = ax or plt.subplots()[1]
    ax.scatter(*x.detach().cpu().T, **{"s": 6, "color": DATA, "alpha": 0.6, "linewidths": 0} | style)
    return square(ax, limits)


def plot_vector_field(
    velocity: Callable[[Tensor, Tensor], Tensor],
    t: float,
    ax: Axes | None = None,
    limits=LIMITS,
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


def plot_trajectories(trajectory: Tensor, ax: Axes | None = None, limits=LIMITS, **style) -> Axes:
    """Curves of a trajectory (T, n, 2), each in the colour of its starting angle, with a dot at its end."""
    ax = ax or plt.subplots()[1]
    trajectory = trajectory.detach().cpu()
    for curve, color in zip(trajectory.transpose(0, 1), get_angle_colors(trajectory[0]), strict=True):
        ax.plot(*curve.T, **{"color": color, "lw": 1.0, "alpha": 0.8} | style)
    ax.scatter(*trajectory[-1].T, c=get_angle_colors(trajectory[0]), s=10, zorder=3)
    return square(ax, limits)


def plot_trajectory_panels(
    trajectory: Tensor,
    t: Tensor,
    mixture=None,
    path=None,
    times=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    limits=LIMITS,
) -> Figure:
    """Six moments of a flow: points coloured by the angle they started at, over the exact density of p_t."""
    _validate.same_shape(trajectory[:, 0, 0], "trajectory[:, 0, 0]", t, "t")
    fig, axes = plt.subplots(2, 3, figsize=(10.5, 6.8), sharex=True, sharey=True)
    colors = get_angle_colors(trajectory[0])
    for ax, moment in zip(axes.flat, times, strict=True):
        i = int((t - moment).abs().argmin())
        if mixture is not None:
            plot_density(
                lambda x, s=float(t[i]): marginal_log_prob(mixture, path, x, s),
                ax,
                limits,
                fill=False,
                zorder=3,
            )
        ax.scatter(*trajectory[i].T, c=colors, s=7, linewidths=0)
        square(ax, limits).set_title(f"t = {float(t[i]):.1f}")
        ax.label_outer()
    return fig


def plot_loss(history, floor: float | None = None, ax: Axes | None = None, window: int = 100) -> Axes:
    """Losses by step: every one faintly, their running mean, and the exact floor as a dashed line."""
    ax = ax or plt.subplots(figsize=(8, 4))[1]
    smooth = history.smoothed(window)
    ax.plot(history.losses, color=LEARNED, alpha=0.25, lw=0.5, label="loss of each batch")
    first = len(history.losses) - len(smooth)
    ax.plot(range(first, len(history.losses)), smooth, color=LEARNED, lw=2, label=f"mean of {window} steps")
    if floor is not None:
        ax.axhline(floor, color=EXACT, ls="--", label=f"exact floor, {floor:.4g}")
    ax.set(xlabel="training step", ylabel="CFM loss")
    ax.legend()
    return ax


def plot_error_vs_nfe(
    results: dict, floor: float | None = None, ax: Axes | None = None, ylabel="error"
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


def plot_conditional_and_marginal(conditional: Tensor, marginal: Tensor, limits=LIMITS) -> Figure:
    """Side by side: conditional paths (T, n, 2), and marginal trajectories, of which no two ever meet."""
    fig, axes = plt.subplots(1, 2, figsize=(11, 5.2), sharex=True, sharey=True)
    plot_trajectories(conditional, axes[0], limits).set_title("conditional paths: straight, and they cross")
    plot_trajectories(marginal, axes[1], limits).set_title("marginal trajectories: no two ever meet")
    return fig
