"""Colours of the course: one for each kind of thing, and one for each direction."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

# Okabe & Ito 2008
NOISE = "#0072B2"
DATA = "#D55E00"
LEARNED = "#009E73"
EXACT = "#222222"

# Right is light, top orange, left dark and bottom blue: contrasts of lightness, of blue against yellow and of
# green against red, so that each kind of colour vision keeps at least two of them.
ANGLES = LinearSegmentedColormap.from_list(
    "angles",
    [
        "#DDB6AB",  # right
        "#E9A47B",
        "#E88F4B",
        "#D97520",
        "#BF5601",  # top
        "#9C3209",
        "#790F1B",
        "#5D0030",
        "#491050",  # left
        "#352F7A",
        "#1555AA",
        "#0780D5",
        "#40A6F3",  # bottom
        "#75BFFE",
        "#A2C8F3",
        "#C5C3D5",
        "#DDB6AB",  # right again
    ],
    N=720,  # colours, two for each degree
)


def get_angle_colors(positions: Tensor | np.ndarray) -> np.ndarray:
    """A colour (n, 4) for each point (n, 2) by its angle about the origin, from a cyclic colour map."""
    if isinstance(positions, Tensor):
        positions = positions.detach().cpu()
    positions = np.asarray(positions, dtype=float)
    if positions.ndim != 2 or positions.shape[1] != 2:
        raise ValueError(f"positions must have the shape (n, 2), got {positions.shape}")
    if not np.isfinite(positions).all():
        raise ValueError("positions must be finite, got NaN or infinite values")
    turns = np.arctan2(positions[:, 1], positions[:, 0]) / (2 * math.pi)
    return ANGLES(turns % 1.0)


def angle_key(ax: Axes, label: str = "direction\nof the start", corner: str = "lower right") -> Axes:
    """A little wheel in a corner of `ax` that says what the colours of `get_angle_colors` mean.

    Each direction from the wheel's middle has its colour; `label` stands beside it. corner: "lower right",
    "lower left", "upper right" or "upper left".
    """
    vertical, _, horizontal = corner.partition(" ")
    if vertical not in ("lower", "upper") or horizontal not in ("left", "right"):
        raise ValueError(f'corner must be "lower" or "upper" and "left" or "right", got {corner!r}')
    # a ring of colours, clear inside and outside
    side = np.linspace(-1.0, 1.0, 201)
    X, Y = np.meshgrid(side, side)
    radius = np.hypot(X, Y)
    colors = get_angle_colors(np.stack([X.ravel(), Y.ravel()], axis=1)).reshape(201, 201, 4)
    colors[..., 3] = (radius > 0.45) & (radius < 0.98)
    # in axes of their own, with the label towards the middle of `ax`
    left = {"left": 0.02, "right": 0.82}[horizontal]
    bottom = {"lower": 0.02, "upper": 0.82}[vertical]
    key = ax.inset_axes((left, bottom, 0.16, 0.16), zorder=5)
    key.imshow(colors, extent=(-1, 1, -1, 1), origin="lower", interpolation="bilinear")
    x, alignment = {"left": (1.2, "left"), "right": (-1.2, "right")}[horizontal]
    key.text(x, 0, label, ha=alignment, va="center", fontsize=8)
    key.set_axis_off()
    return key
