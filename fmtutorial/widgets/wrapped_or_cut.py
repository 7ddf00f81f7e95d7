"""Interactive figure: angles on their way to one mode, wrapped on the torus or cut at the seam."""

import math

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from fmtutorial import plotting
from fmtutorial.variants import WrappedNormalMixture, cut_density, geodesic_density, seam_mass
from fmtutorial.widgets.explorer import Explorer, choice, control

STD = 0.5  # of the mode
SIDE = 64  # points along each side of the picture
TIMES = torch.linspace(0, 1, 21).tolist()  # of the curves
DENSITIES = {"wrapped": geodesic_density, "cut": cut_density}


def wrapped_or_cut_explorer(width: float = 0.15) -> "WrappedOrCutExplorer":
    """Controls for the place of a mode on the torus, the time, and the path; shows the exact density.

    width: how near to the seam mass is counted. `numbers`: mass (within `width` of the seam, on the chosen
    path), other_mass (on the other path at the same time), uniform_mass (at t = 0).
    """
    return WrappedOrCutExplorer(width)


class WrappedOrCutExplorer(Explorer):
    """Two panels: the density on the unrolled torus, and the mass near the seam over time on both paths.

    Artists: `picture`, `cross` at the mode, `curves` by path, and `star`, on the chosen curve.
    """

    def __init__(self, width: float):
        self.width = width
        middles = math.pi * ((2 * torch.arange(SIDE, dtype=torch.float64) + 1) / SIDE - 1)
        self._points = torch.cartesian_prod(middles, middles)
        # the density as a picture
        figure = Figure(figsize=(8.2, 4.0), dpi=90, layout="constrained")
        left, right = figure.subplots(1, 2)
        square = (-math.pi, math.pi, -math.pi, math.pi)
        self.picture = left.imshow([[0.0]], cmap="cividis", origin="lower", extent=square)
        (self.cross,) = left.plot([], [], "x", color="w", ms=9, mew=2)
        left.set(xlabel="angle 1", ylabel="angle 2")
        left.set_title("density (cross: the mode)", fontsize=11)
        for axis in (left.xaxis, left.yaxis):
            axis.set_ticks([-math.pi, 0, math.pi], ["−π", "0", "π"])
        # the mass near the seam
        (wrapped,) = right.plot([], [], "-", color=plotting.EXACT, label="wrapped path")
        (cut,) = right.plot([], [], "--", color=plotting.NOISE, label="cut path")
        self.curves = {"wrapped": wrapped, "cut": cut}
        (self.star,) = right.plot([], [], "*", color=plotting.DATA, ms=15, label="you are here")
        right.set(xlabel="t", ylabel=f"mass within {width:g} of the seam", xlim=(-0.03, 1.03), ylim=(0, 0.5))
        right.legend(loc="upper left", fontsize=9)
        # the controls
        angle = {"min": -3.1, "max": 3.1, "step": 0.1}
        controls = {
            "angle1": control(ipywidgets.FloatSlider, "angle 1", value=3.1, **angle),
            "angle2": control(ipywidgets.FloatSlider, "angle 2", value=0.0, **angle),
            "t": control(ipywidgets.FloatSlider, "t", value=0.7, min=0.0, max=1.0, step=0.05),
            "path": choice("path", list(DENSITIES)),
        }
        super().__init__(figure, [self.picture, self.cross, *self.curves.values(), self.star], controls)

    def update(self) -> None:
        """Redraw the picture, the curves and the star for the values of the controls."""
        mode = self.angle1.value, self.angle2.value
        t, path = self.t.value, self.path.value
        other = "cut" if path == "wrapped" else "wrapped"
        mixture = WrappedNormalMixture([mode], STD)
        self.numbers = {
            "mass": seam_mass(DENSITIES[path], mixture, t, self.width),
            "other_mass": seam_mass(DENSITIES[other], mixture, t, self.width),
            "uniform_mass": 1 - (1 - self.width / math.pi) ** 2,
        }
        density = self.density(mixture, path, t)
        self.picture.set_data(density.numpy())
        self.picture.set_clim(0, float(density.max()))
        self.cross.set_data([mode[0]], [mode[1]])
        for name, masses in zip(self.curves, self.run_for(*mode), strict=True):
            self.curves[name].set_data(TIMES, masses)
        self.star.set_data([t], [self.numbers["mass"]])

    def describe(self) -> str:
        """The settings and the numbers in words."""
        other = "cut" if self.path.value == "wrapped" else "wrapped"
        return (
            f"Mode at ({self.angle1.value:.1f}, {self.angle2.value:.1f}), t = {self.t.value:.2f}: "
            f"within {self.width:g} of the seam the {self.path.value} path has the mass "
            f"{self.numbers['mass']:.4f}, the {other} path {self.numbers['other_mass']:.4f} "
            f"(at t = 0 both {self.numbers['uniform_mass']:.4f})."
        )

    def density(self, mixture: WrappedNormalMixture, path: str, t: float) -> Tensor:
        """The picture (SIDE, SIDE), with angle 1 to the right."""
        return DENSITIES[path](mixture, self._points, t).reshape(SIDE, SIDE).T

    def run(self, angle1: float, angle2: float) -> tuple[list[float], list[float]]:
        """The curves of both paths for one mode."""
        mixture = WrappedNormalMixture([[angle1, angle2]], STD)
        return tuple([seam_mass(d, mixture, t, self.width) for t in TIMES] for d in DENSITIES.values())
