"""Interactive figure: the kernel density estimate that a finite training set would be learnt as."""

import math

import ipywidgets
import numpy as np
import torch
from matplotlib.figure import Figure

from fmtutorial import plotting
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture, standard_mixture
from fmtutorial.paths import StraightPath
from fmtutorial.widgets.explorer import (
    SEED,
    Explorer,
    choice,
    control,
    density_image,
    generator,
    nearest_distance,
    show_density,
)

SIZES = (8, 32, 128)
STYLES = {8: "s:", 32: "^--", 128: "o-"}
WIDTHS = np.geomspace(0.05, 0.95, 24)


def kernel_width_explorer(
    mixture: GaussianMixture | None = None, n_test: int = 1500
) -> "KernelWidthExplorer":
    """Controls for sigma_min and the number of training points; shows the exact optimum's density and its KL.

    `numbers`: kl and kl_error (KL of the truth to the density, on `n_test` samples of the truth, and its
    standard error), best_width and best_kl (the least of the curve), nearest and nearest_fresh (mean distance
    to the nearest training point of the density's samples and of fresh data).
    """
    return KernelWidthExplorer(mixture or standard_mixture(), n_test)


class KernelWidthExplorer(Explorer):
    """Two panels for one kernel width: the density around the training points, and the KL of every width.

    Artists: `density`, `training_points` and `star`, on the curve of KL.
    """

    def __init__(self, mixture: GaussianMixture, n_test: int):
        self._test = mixture.sample(n_test, generator(SEED + 1))
        self._log_truth = mixture.log_prob(self._test.double())
        self._noise = torch.randn(n_test, mixture.dim, generator=generator())
        self._data = {n: EmpiricalDistribution(mixture.sample(n, generator())) for n in SIZES}
        self._curves = {n: np.array([self._kl(n, width)[0] for width in WIDTHS]) for n in SIZES}
        # the density, over the truth's contours
        figure = Figure(figsize=(8.2, 4.1), dpi=90, layout="constrained")
        left, right = figure.subplots(1, 2)
        plotting.plot_density(mixture.log_prob, left, fill=False)
        left.set_title("exact optimum (shaded), truth (lines)", fontsize=11)
        self.density = density_image(left)
        (self.training_points,) = left.plot([], [], "x", color=plotting.DATA, ms=6)
        # a curve of KL for each number of points
        for n, curve in self._curves.items():
            right.plot(WIDTHS, curve, STYLES[n], color=plotting.NOISE, ms=4, lw=1, label=f"{n} points")
        right.set(xscale="log", yscale="log", xlabel="sigma_min", ylabel="KL(data || density) in nats")
        right.set_title("how far it is from the truth", fontsize=11)
        right.set_xticks([0.05, 0.1, 0.2, 0.5], ["0.05", "0.1", "0.2", "0.5"])
        right.legend(fontsize=9)
        (self.star,) = right.plot([], [], "*", color=plotting.DATA, ms=15)
        moving = [self.density, self.training_points, self.star]
        # the controls
        controls = {
            "sigma_min": control(
                ipywidgets.FloatLogSlider,
                "sigma_min",
                value=0.1,
                min=math.log10(WIDTHS[0]),
                max=math.log10(WIDTHS[-1]),
                step=0.04,
                readout_format=".3f",
            ),
            "points": choice("points", [(str(n), n) for n in SIZES]),
        }
        super().__init__(figure, moving, controls)

    def update(self) -> None:
        """Redraw the density and the star for the values of sigma_min and points."""
        data = self._data[self.points.value]
        path = StraightPath(self.sigma_min.value)
        self.numbers = self.run_for(self.points.value, self.sigma_min.value)
        show_density(self.density, data, path, 1.0)
        self.training_points.set_data(*data.x1.T)
        self.star.set_data([self.sigma_min.value], [self.numbers["kl"]])

    def describe(self) -> str:
        """The settings and the numbers in words."""
        numbers = self.numbers
        return (
            f"{self.points.value} training points, sigma_min = {self.sigma_min.value:.3f}: "
            f"KL from the data {numbers['kl']:.3f} ± {numbers['kl_error']:.3f} nats "
            f"(least {numbers['best_kl']:.3f}, near sigma_min {numbers['best_width']:.2f}). "
            f"A sample lies {numbers['nearest']:.3f} from its nearest training point, "
            f"fresh data {numbers['nearest_fresh']:.3f}."
        )

    def run(self, n: int, width: float) -> dict[str, float]:
        """The numbers for one setting."""
        x1 = self._data[n].x1
        kl, kl_error = self._kl(n, width)
        best = int(self._curves[n].argmin())
        samples = x1[torch.arange(len(self._noise)) % n] + width * self._noise
        return {
            "kl": kl,
            "kl_error": kl_error,
            "best_width": float(WIDTHS[best]),
            "best_kl": float(self._curves[n][best]),
            "nearest": nearest_distance(samples, x1),
            "nearest_fresh": nearest_distance(self._test, x1),
        }

    def _kl(self, n: int, width: float) -> tuple[float, float]:
        """KL of the truth to the kernel density estimate q, and its standard error.

        log q(x) = logsumexp_i(-|x - x_i|^2 / (2 width^2)) - log n - d log(width sqrt(2 pi))
        """
        dim = self._test.shape[1]
        squares = torch.cdist(self._test, self._data[n].x1).double().square()
        log_q = torch.logsumexp(-squares / (2 * width**2), 1) - math.log(n)
        gaps = self._log_truth - log_q + dim * math.log(width * math.sqrt(2 * math.pi))
        return float(gaps.mean()), float(gaps.std() / math.sqrt(len(gaps)))
