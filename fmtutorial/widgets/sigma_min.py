"""Interactive figure: what sigma_min does."""

import math

import ipywidgets
import torch
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from torch import Tensor

from fmtutorial import exact, plotting
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture, standard_mixture
from fmtutorial.paths import StraightPath
from fmtutorial.widgets.explorer import (
    SEED,
    Explorer,
    Yardstick,
    choice,
    control,
    density_image,
    generator,
    nearest_distance,
    panels,
    show_density,
)

N_PATHS = 14  # conditional paths drawn
KEY = {"loc": "upper left", "fontsize": 8, "frameon": False}  # of the panels' legends


def sigma_min_explorer(mixture: GaussianMixture | None = None, n_samples: int = 500) -> "SigmaMinExplorer":
    """Controls for sigma_min, t and the data (an exact mixture or n points); shows paths, p_t and p_1.

    `numbers`: floor (of the CFM loss) and floor_error (its standard error); nearest (mean distance of an end
    point to the closest data point; NaN for the mixture itself); distance (sliced W2 of the end points to the
    truth) and distance_floor (the same for exact samples).
    """
    return SigmaMinExplorer(mixture or standard_mixture(), n_samples)


class SigmaMinExplorer(Explorer):
    """Three panels for one sigma_min: conditional paths, the density p_t, and end points beside the data.

    Artists: `path_lines`, `circles` (one sigma_t around each mean), `moving_points`, `density`, `end_points`
    and `data_points`.
    """

    def __init__(self, mixture: GaussianMixture, n_samples: int):
        self.mixture = mixture
        self.yardstick = Yardstick(mixture, n_samples)
        # the artists that move, over the truth's contours
        figure, axes = panels(["conditional paths", "marginal density $p_t$", "end points, $t = 1$"])
        plotting.plot_density(mixture.log_prob, axes[2], fill=False)
        plotting.square(axes[2]).label_outer()
        lines = LineCollection([], colors=plotting.NOISE, lw=0.8, alpha=0.7)
        self.path_lines = axes[0].add_collection(lines)
        self.circles = axes[0].add_collection(LineCollection([], colors=plotting.DATA, lw=1.2))
        (self.moving_points,) = axes[0].plot([], [], "o", color=plotting.NOISE, ms=4)
        axes[0].legend(
            [lines, self.circles, self.moving_points],
            ["path of one pair", r"$\sigma_t$ around $\alpha_t x_1$", "$x_t$ of the pair"],
            **KEY,
        )
        self.density = density_image(axes[1])
        (self.end_points,) = axes[2].plot([], [], ".", color=plotting.NOISE, ms=3, alpha=0.6)
        (self.data_points,) = axes[2].plot([], [], "x", color=plotting.DATA, ms=6)
        contours = Line2D([], [], color=plotting.EXACT, lw=0.8)
        names = ["end points", "data points, if any", "truth"]
        axes[2].legend([self.end_points, self.data_points, contours], names, **KEY)
        moving = [
            self.path_lines,
            self.circles,
            self.moving_points,
            self.density,
            self.end_points,
            self.data_points,
        ]
        # the controls
        sources = [("exact mixture", 0)] + [(f"{n} points", n) for n in (8, 32, 128)]
        controls = {
            "sigma_min": control(
                ipywidgets.FloatLogSlider,
                "sigma_min",
                value=0.1,
                min=-4,
                max=math.log10(0.5),
                step=0.05,
                readout_format=".4f",
            ),
            "t": control(ipywidgets.FloatSlider, "time t", value=0.6, min=0.0, max=1.0, step=0.02),
            "data": choice("data", sources),
        }
        super().__init__(figure, moving, controls)

    def update(self) -> None:
        """Redraw the three panels for the values of sigma_min, t and data."""
        path = StraightPath(self.sigma_min.value)
        t = torch.tensor(self.t.value)
        source, x1, end, self.numbers = self.run_for(self.sigma_min.value, self.data.value)
        self._draw_paths(path, x1[:N_PATHS], t)
        show_density(self.density, source, path, t)
        self.end_points.set_data(*end.T)
        self.data_points.set_data(*(source.x1.T if self.data.value else [[], []]))

    def _draw_paths(self, path: StraightPath, x1: Tensor, t: Tensor) -> None:
        """Draw the conditional path to each data point x1 (n, 2), and where it stands at time t."""
        x0 = self.yardstick.x0[: len(x1)]
        whole = torch.stack([x0, path.sample(x0, x1, 1.0)], dim=1)
        self.path_lines.set_segments(whole.numpy())
        self.moving_points.set_data(*path.sample(x0, x1, t).T)
        angle = torch.linspace(0, 2 * math.pi, 40)
        circle = torch.stack([angle.cos(), angle.sin()], dim=1)
        around_means = path.alpha(t) * x1[:, None] + path.sigma(t) * circle
        self.circles.set_segments(around_means.numpy())

    def describe(self) -> str:
        """The settings and the numbers in words."""
        n = self.data.value
        numbers = self.numbers
        data = "exact mixture"
        nearest = ""
        if n:
            data = f"{n} data points"
            nearest = f"An end point lies {numbers['nearest']:.3f} from its nearest data point. "
        return (
            f"sigma_min = {self.sigma_min.value:.4f}, t = {self.t.value:.2f}, {data}: "
            f"loss floor {numbers['floor']:.3f} ± {numbers['floor_error']:.3f}. {nearest}"
            f"Sliced W2 from the end points to the truth {numbers['distance']:.3f} "
            f"(exact samples {numbers['distance_floor']:.3f})."
        )

    def run(self, sigma_min: float, n: int) -> tuple:
        """The data distribution, data x1, end points and numbers: they do not depend on t."""
        path = StraightPath(sigma_min)
        source, x1 = self._source_and_data(n)
        end = path.sample(self.yardstick.x0, x1, 1.0)
        floor, floor_error = exact.loss_floor(source, path, 4000 if n else 30_000, generator())
        numbers = {
            "floor": floor,
            "floor_error": floor_error,
            "nearest": nearest_distance(end, source.x1) if n else math.nan,
            "distance": self.yardstick.error(end),
            "distance_floor": self.yardstick.floor,
        }
        return source, x1, end, numbers

    def _source_and_data(self, n: int) -> tuple[GaussianMixture | EmpiricalDistribution, Tensor]:
        """The mixture itself for n = 0, else n of its points; and one draw of it for each point of noise."""
        n_samples = len(self.yardstick.x0)
        if n:
            source = EmpiricalDistribution(self.mixture.sample(n, generator()))
            return source, source.sample(n_samples, generator(SEED + 2))
        # the same counts of each component as in the truth, in random order
        x1 = self.mixture.sample(n_samples, generator(SEED + 2), stratified=True)
        return self.mixture, x1[torch.randperm(n_samples, generator=generator())]
