"""An interactive figure: what the strength of guidance does to samples, and to what judges them."""

import ipywidgets
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from fmtutorial import _validate
from fmtutorial.plotting import INK, mosaic
from fmtutorial.widgets.explorer import Explorer, choice, control

COLORS, MARKERS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), "osD^"


def guidance_explorer(
    strengths: Tensor, views: dict[str, Tensor], curves: dict[str, Tensor], columns: int = 10
) -> "GuidanceExplorer":
    """A slider for the strength w; shows images for that w beside the curves of some numbers over all w.

    strengths (W,), equally spaced; views: {name: images (W, n, side * side)} to choose from; curves:
    {name: values (W,)}, at most four. All is computed beforehand, so moving the slider costs a redraw only.
    `numbers`: strength, and each curve's value there.
    """
    strengths = torch.as_tensor(strengths, dtype=torch.float64)
    if strengths.ndim != 1 or len(strengths) < 2 or not bool((strengths.diff() > 0).all()):
        raise ValueError(f"strengths must be at least two increasing numbers, got {strengths.tolist()}")
    if not torch.allclose(strengths.diff(), strengths.diff().mean().expand(len(strengths) - 1)):
        raise ValueError(f"strengths must be equally spaced, got {strengths.tolist()}")
    if not views or not 1 <= len(curves) <= 4:
        raise ValueError(
            f"views must have one entry or more and curves one to four, got {len(views)} and {len(curves)}"
        )
    for name, images in views.items():
        if not isinstance(images, Tensor) or images.ndim != 3 or len(images) != len(strengths):
            raise ValueError(f"views[{name!r}] must have the shape ({len(strengths)}, n, side * side)")
    for name, values in curves.items():
        if len(values) != len(strengths):
            raise ValueError(f"curves[{name!r}] must have {len(strengths)} values, got {len(values)}")
    _validate.positive_int(columns, "columns")
    return GuidanceExplorer(strengths, views, curves, columns)


class GuidanceExplorer(Explorer):
    """See `guidance_explorer`."""

    def __init__(self, strengths: Tensor, views: dict, curves: dict, columns: int):
        self._strengths = strengths
        self._sheets = {name: [mosaic(x, columns) for x in images] for name, images in views.items()}
        self._curves = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
        first = next(iter(self._sheets.values()))[0]
        figure = Figure(figsize=(9.6, 4.2), dpi=90, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
        self._picture = left.imshow(first, cmap=INK, vmin=-2, vmax=2)
        left.set_axis_off()
        dots = []
        for (name, values), color, marker in zip(self._curves.items(), COLORS, MARKERS, strict=False):
            right.plot(strengths, values, color=color, marker=marker, ms=4, alpha=0.8, label=name)
            dots += right.plot([], [], color=color, marker=marker, ms=11, mec="#222222", mew=1.5)
        self._dots, self._line = dots, right.axvline(float(strengths[0]), color="#222222", ls="--", lw=1)
        right.set(xlabel="guidance strength $w$", ylabel="measure", xmargin=0.04)
        right.legend(loc="best", fontsize=9, framealpha=0.9)
        right.grid(alpha=0.3)
        step = float(strengths[1] - strengths[0])
        ends = {"min": float(strengths[0]), "max": float(strengths[-1]), "step": step}
        controls = {
            "w": control(ipywidgets.FloatSlider, "strength w", value=ends["min"], **ends),
            "view": choice("show", list(self._sheets)),
        }
        super().__init__(figure, [self._picture, self._line, *dots], controls)

    def update(self) -> None:
        """Show the images and mark the numbers for the values of w and view."""
        i = int((self._strengths - self.w.value).abs().argmin())
        w = float(self._strengths[i])
        self._picture.set_data(self._sheets[self.view.value][i])
        self._line.set_xdata([w, w])
        self.numbers = {"strength": w} | {name: float(values[i]) for name, values in self._curves.items()}
        for dot, values in zip(self._dots, self._curves.values(), strict=True):
            dot.set_data([w], [values[i]])

    def describe(self) -> str:
        """The settings and the numbers in words."""
        told = ", ".join(f"{name} {self.numbers[name]:.3f}" for name in self._curves)
        return f"Guidance strength w = {self.numbers['strength']:.2f}, shown: {self.view.value}. {told}."
