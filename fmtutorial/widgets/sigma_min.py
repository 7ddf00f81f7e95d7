"""Interactive figure: what sigma_min does."""

import math

import ipywidgets
import torch
from matplotlib.collections import LineCollection
from torch import Tensor

from fmtutorial import exact, plotting
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture, standard_mixture
from fmtutorial.metrics import sliced_wasserstein, sliced_wasserstein_floor
from fmtutorial.paths import StraightPath
from fmtutorial.widgets.explorer import (
    SEED,
    Explorer,
    choice,
    control,
    density_image,
    generator,
    panels,
    show_density,
)


def sigma_min_explorer(mixture: GaussianMixture | None = None, n_samples: int = 500) -> "SigmaMinExplorer":
    """Controls for sigma_min, t and the data (an exact mixture or n points); shows paths, p_t and p_1.

    `numbers`: floor (of the CFM loss) and floor_error (its standard error); nearest (mean distance of an end
    point to the closest data point; NaN for the mixture itself); distance (sliced W2 of the end points to the
    truth) and distance_floor (the same for exact samples).
    """
    return SigmaMinExplorer(mixture or standard_mixture(), n_samples)


class SigmaMinExplorer(Explorer):
    """See `sigma_min_explorer`."""

    def __init__(self, mixture: GaussianMixture, n_samples: int):
        self._mixture, self._cache = mixture, {}
        self._x0 = torch.randn(n_samples, mixture.dim, generator=generator())
        self._truth = mixture.sample(n_samples, generator().manual_seed(SEED + 1), stratified=True)
        self._truth_floor, _ = sliced_wasserstein_floor(mixture, n_samples, 10, generator(), stratified=True)
        figure, axes = panels(["conditional paths", "marginal density $p_t$", "end points, $t = 1$"])
        plotting.plot_density(mixture.log_prob, axes[2], fill=False)
        plotting.square(axes[2]).label_outer()
        self._lines = axes[0].add_collection(LineCollection([], colors=plotting.NOISE, lw=0.8, alpha=0.7))
        self._circles = axes[0].add_collection(LineCollection([], colors=plotting.DATA, lw=1.2))
        (self._now,) = axes[0].plot([], [], "o", color=plotting.NOISE, ms=4)
        self._density = density_image(axes[1])
        (self._ends,) = axes[2].plot([], [], ".", color=plotting.NOISE, ms=3, alpha=0.6)
        (self._points,) = axes[2].plot([], [], "x", color=plotting.DATA, ms=6)
        moving = [self._lines, self._circles, self._now, self._density, self._ends, self._points]
        sources = [("exact mixture", 0)] + [(f"{n} points", n) for n in (8, 32, 128)]
        controls = {
            "sigma_min": control(
                ipywidgets.FloatLogSlider, "sigma_min", value=0.1, min=-4, max=math.log10(0.5), step=0.05,
                readout_format=".4f",
            ),
            "t": control(ipywidgets.FloatSlider, "time t", value=0.6, min=0.0, max=1.0, step=0.02),
            "data": choice("data", sources),
        }  # fmt: skip
        super().__init__(figure, moving, controls)

    def update(self) -> None:
        """Redraw the three panels for the values of sigma_min, t and data."""
        path, t = StraightPath(self.sigma_min.value), torch.tensor(self.t.value)
        source, x1, end, self.numbers = self._for(self.sigma_min.value, self.data.value)
        x0, few = self._x0[:14], x1[:14]
        self._lines.set_segments(torch.stack([x0, path.sample(x0, few, 1.0)], dim=1).numpy())
        self._now.set_data(*path.sample(x0, few, t).T)
        angle = torch.linspace(0, 2 * math.pi, 40)
        circle = torch.stack([angle.cos(), angle.sin()], dim=1)
        self._circles.set_segments((path.alpha(t) * few[:, None] + path.sigma(t) * circle).numpy())
        show_density(self._density, lambda x: exact.marginal_log_prob(source, path, x, t))
        self._ends.set_data(*end.T)
        self._points.set_data(*(source.x1.T if self.data.value else [[], []]))

    def describe(self) -> str:
        """The settings and the numbers in words."""
        n, told = self.data.value, self.numbers
        nearest = f"An end point lies {told['nearest']:.3f} from its nearest data point. " if n else ""
        return (
            f"sigma_min = {self.sigma_min.value:.4f}, t = {self.t.value:.2f}, "
            f"{f'{n} data points' if n else 'exact mixture'}: "
            f"loss floor {told['floor']:.3f} ± {told['floor_error']:.3f}. {nearest}"
            f"Sliced W2 from the end points to the truth {told['distance']:.3f} "
            f"(exact samples {told['distance_floor']:.3f})."
        )

    def _for(self, sigma_min: float, n: int):
        """The data distribution, data x1, end points and numbers for one setting: they do not depend on t."""
        if (sigma_min, n) not in self._cache:
            path = StraightPath(sigma_min)
            source = EmpiricalDistribution(self._mixture.sample(n, generator())) if n else self._mixture
            x1 = source.sample(len(self._x0), generator().manual_seed(SEED + 2))
            if not n:  # the same counts of each component as in the truth
                x1 = source.sample(len(self._x0), generator().manual_seed(SEED + 2), stratified=True)
                x1 = x1[torch.randperm(len(x1), generator=generator())]
            end = path.sample(self._x0, x1, 1.0)
            floor, floor_error = exact.loss_floor(source, path, 4000 if n else 30_000, generator())
            numbers = {
                "floor": floor,
                "floor_error": floor_error,
                "nearest": nearest_distance(end, source.x1) if n else math.nan,
                "distance": sliced_wasserstein(end, self._truth, 128, generator()),
                "distance_floor": self._truth_floor,
            }
            self._cache[sigma_min, n] = source, x1, end, numbers
        return self._cache[sigma_min, n]


def nearest_distance(a: Tensor, b: Tensor) -> float:
    """The mean distance from a point of a to the closest of b, exact also where it is tiny."""
    return float(torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").min(1).values.mean())
