"""Interactive figure: what the strength of guidance does to samples, and to what judges them."""

import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from fmtutorial import _validate, plotting
from fmtutorial.widgets.explorer import Explorer, choice, control

COLORS = (plotting.NOISE, plotting.DATA, plotting.LEARNED, "#CC79A7")
MARKERS = "osD^"  # beside a colour for each curve


def guidance_explorer(
    strengths: Tensor, views: dict[str, Tensor], curves: dict[str, Tensor], columns: int = 10
) -> "GuidanceExplorer":
    """A slider for the strength w; shows images for that w beside the curves of some numbers over all w.

    strengths (W,), equally spaced; views: {name: images (W, n, side * side)} to choose from; curves:
    {name: values (W,)}, at most four. All is computed beforehand, so moving the slider costs a redraw only.
    `numbers`: strength, and each curve's value there.
    """
    strengths = torch.as_tensor(strengths, dtype=torch.float64)
    _check_strengths(strengths)
    _check_views_and_curves(views, curves, len(strengths))
    _validate.positive_int(columns, "columns")
    return GuidanceExplorer(strengths, views, curves, columns)


def _check_strengths(strengths: Tensor) -> None:
    """Refuse what is not at least two increasing, equally spaced numbers."""
    if strengths.ndim != 1 or len(strengths) < 2 or not bool((strengths.diff() > 0).all()):
        raise ValueError(f"strengths must be at least two increasing numbers, got {strengths.tolist()}")
    steps = strengths.diff()
    if not torch.allclose(steps, steps.mean().expand_as(steps)):
        raise ValueError(f"strengths must be equally spaced, got {strengths.tolist()}")


def _check_views_and_curves(views: dict[str, Tensor], curves: dict[str, Tensor], n: int) -> None:
    """Refuse images and values that are not there for each of the n strengths."""
    if not views or not 1 <= len(curves) <= 4:
        raise ValueError(
            f"views must have one entry or more and curves one to four, got {len(views)} and {len(curves)}"
        )
    for name, images in views.items():
        if not isinstance(images, Tensor) or images.ndim != 3 or len(images) != n:
            raise ValueError(f"views[{name!r}] must have the shape ({n}, n, side * side)")
    for name, values in curves.items():
        if len(values) != n:
            raise ValueError(f"curves[{name!r}] must have {n} values, got {len(values)}")


class GuidanceExplorer(Explorer):
    """Two panels for one strength of guidance: images, and a mark on each curve of what judges them.

    Artists: `picture`, `strength_line` and `dots`, one for each curve.
    """

    def __init__(self, strengths: Tensor, views: dict[str, Tensor], curves: dict[str, Tensor], columns: int):
        self._strengths = strengths
        self._sheets = {}
        for name, images in views.items():
            self._sheets[name] = [plotting.mosaic(x, columns) for x in images]
        self._curves = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
        # the images
        figure = Figure(figsize=(9.6, 4.2), dpi=90, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
        first_view = next(iter(self._sheets.values()))
        self.picture = left.imshow(first_view[0], cmap=plotting.INK, vmin=-2, vmax=2)
        left.set_axis_off()
        # the curves, with a dot on each
        self.dots = self._draw_curves(right)
        first = float(strengths[0])
        last = float(strengths[-1])
        self.strength_line = right.axvline(first, color=plotting.EXACT, ls="--", lw=1)
        # the controls
        step = float(strengths[1] - strengths[0])
        slider = {"value": first, "min": first, "max": last, "step": step}
        controls = {
            "w": control(ipywidgets.FloatSlider, "strength w", **slider),
            "view": choice("show", list(self._sheets)),
        }
        super().__init__(figure, [self.picture, self.strength_line, *self.dots], controls)

    def _draw_curves(self, ax: Axes) -> list:
        """Draw the curves over all strengths; return the dot, not yet placed, that will mark each."""
        dots = []
        for (name, values), color, marker in zip(self._curves.items(), COLORS, MARKERS, strict=False):
            ax.plot(self._strengths, values, color=color, marker=marker, ms=4, alpha=0.8, label=name)
            dots += ax.plot([], [], color=color, marker=marker, ms=11, mec=plotting.EXACT, mew=1.5)
        ax.set(xlabel="guidance strength $w$", ylabel="measure", xmargin=0.04)
        ax.legend(loc="best", fontsize=9, framealpha=0.9)
        ax.grid(alpha=0.3)
        return dots

    def update(self) -> None:
        """Show the images and mark the numbers for the values of w and view."""
        i = int((self._strengths - self.w.value).abs().argmin())
        w = float(self._strengths[i])
        self.picture.set_data(self._sheets[self.view.value][i])
        self.strength_line.set_xdata([w, w])
        self.numbers = {"strength": w} | {name: float(values[i]) for name, values in self._curves.items()}
        for dot, values in zip(self.dots, self._curves.values(), strict=True):
            dot.set_data([w], [values[i]])

    def describe(self) -> str:
        """The settings and the numbers in words."""
        measures = ", ".join(f"{name} {self.numbers[name]:.3f}" for name in self._curves)
        return f"Guidance strength w = {self.numbers['strength']:.2f}, shown: {self.view.value}. {measures}."
