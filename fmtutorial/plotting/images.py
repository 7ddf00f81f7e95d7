"""Small grey images (n, d), d = side * side, as one large picture."""

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from fmtutorial import _validate

INK = "gray_r"  # paper is white, ink black


def mosaic(x: Tensor, columns: int = 10, low: float = -2.0) -> np.ndarray:
    """Images (n, side * side), row after row, as one array with a margin of one pixel, of value `low`.

    `columns` images in each row; a row that n does not fill is filled up with `low`.
    """
    x = _validate.points(x, "x")
    columns = _validate.positive_int(columns, "columns")
    side = math.isqrt(x.shape[1])
    if side * side != x.shape[1]:
        raise ValueError(f"x must have the shape (n, side * side), got {tuple(x.shape)}")
    rows = max(1, math.ceil(len(x) / columns))
    # one tile for each place, with a margin below and to its right
    tile = side + 1
    tiles = np.full((rows * columns, tile, tile), low)
    tiles[: len(x), :-1, :-1] = x.detach().cpu().reshape(-1, side, side).numpy()
    # side by side: (rows, columns, y, x) -> (rows, y, columns, x)
    sheet = tiles.reshape(rows, columns, tile, tile).transpose(0, 2, 1, 3)
    return sheet.reshape(rows * tile, columns * tile)[:-1, :-1]


def plot_images(
    x: Tensor,
    ax: Axes | None = None,
    columns: int = 10,
    limits: tuple[float, float] = (-2.0, 2.0),
    **style,
) -> Axes:
    """Images (n, side * side) in rows of `columns`; limits[0] is paper and limits[1] ink."""
    sheet = mosaic(x, columns, limits[0])
    if ax is None:
        width = 0.55 * columns
        _, ax = plt.subplots(figsize=(width, width * sheet.shape[0] / sheet.shape[1]))
    ax.imshow(sheet, **{"cmap": INK, "vmin": limits[0], "vmax": limits[1]} | style)
    ax.set_axis_off()
    return ax
