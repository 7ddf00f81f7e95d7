"""An interactive figure: the kernel density estimate that a finite training set would be learnt as."""

import math

import ipywidgets
import numpy as np
import torch
from matplotlib.figure import Figure

from fmtutorial import exact, plotting
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture, standard_mixture
from fmtutorial.paths import StraightPath
from fmtutorial.widgets.explorer import (
    SEED,
    Explorer,
    choice,
    control,
    density_image,
    generator,
    show_density,
)

SIZES, WIDTHS = (8, 32, 128), np.geomspace(0.05, 0.95, 24)
STYLES = dict(zip(SIZES, ("s:", "^--", "o-"), strict=True))


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
    """See `kernel_width_explorer`."""

    def __init__(self, mixture: GaussianMixture, n_test: int):
        self._test = mixture.sample(n_test, generator().manual_seed(SEED + 1))
        self._log_truth = mixture.log_prob(self._test.double())
        self._noise = torch.randn(n_test, mixture.dim, generator=generator())
        self._data = {n: EmpiricalDistribution(mixture.sample(n, generator())) for n in SIZES}
        self._curves = {n: np.array([self._kl(n, w)[0] for w in WIDTHS]) for n in SIZES}
        figure = Figure(figsize=(8.2, 4.1), dpi=90, layout="constrained")
        left, right = figure.subplots(1, 2)
        plotting.plot_density(mixture.log_prob, left, fill=False)
        left.set_title("density of the exact optimum", fontsize=11)
        self._density = density_image(left)
        (self._points,) = left.plot([], [], "x", color=plotting.DATA, ms=6)
        for n, curve in self._curves.items():
            right.plot(WIDTHS, curve, STYLES[n], color=plotting.NOISE, ms=4, lw=1, label=f"{n} points")
        right.set(xscale="log", yscale="log", xlabel="sigma_min", ylabel="KL(data || density) in nats")
        right.set_title("how far it is from the truth", fontsize=11)
        right.set_xticks([0.05, 0.1, 0.2, 0.5], ["0.05", "0.1", "0.2", "0.5"])
        right.legend(fontsize=9)
        (self._now,) = right.plot([], [], "*", color=plotting.DATA, ms=15)
        slider = control(
            ipywidgets.FloatLogSlider, "sigma_min", value=0.1, min=math.log10(WIDTHS[0]),
            max=math.log10(WIDTHS[-1]), step=0.04, readout_format=".3f",
        )  # fmt: skip
        points = choice("points", [(str(n), n) for n in SIZES])
        super().__init__(
            figure, [self._density, self._points, self._now], {"sigma_min": slider, "points": points}
        )

    def update(self) -> None:
        """Redraw the density and the star for the values of sigma_min and points."""
        n, width = self.points.value, self.sigma_min.value
        data, path = self._data[n], StraightPath(width)
        show_density(self._density, lambda x: exact.marginal_log_prob(data, path, x, 1.0))
        self._points.set_data(*data.x1.T)
        kl, error = self._kl(n, width)
        self._now.set_data([width], [kl])
        best = int(self._curves[n].argmin())
        self.numbers = {
            "kl": kl,
            "kl_error": error,
            "best_width": float(WIDTHS[best]),
            "best_kl": float(self._curves[n][best]),
            "nearest": nearest(data.x1[torch.arange(len(self._noise)) % n] + width * self._noise, data.x1),
            "nearest_fresh": nearest(self._test, data.x1),
        }

    def describe(self) -> str:
        """The settings and the numbers in words."""
        told = self.numbers
        return (
            f"{self.points.value} training points, sigma_min = {self.sigma_min.value:.3f}: "
            f"KL from the data {told['kl']:.3f} ± {told['kl_error']:.3f} nats "
            f"(least {told['best_kl']:.3f}, near sigma_min {told['best_width']:.2f}). "
            f"A sample lies {told['nearest']:.3f} from its nearest training point, "
            f"fresh data {told['nearest_fresh']:.3f}."
        )

    def _kl(self, n: int, width: float) -> tuple[float, float]:
        """KL of the truth to the kernel density estimate, and its standard error."""
        square = torch.cdist(self._test, self._data[n].x1).double().square()
        log_q = torch.logsumexp(-square / (2 * width**2), 1) - math.log(n)
        gaps = self._log_truth - log_q + self._test.shape[1] * math.log(width * math.sqrt(2 * math.pi))
        return float(gaps.mean()), float(gaps.std() / math.sqrt(len(gaps)))


def nearest(a: torch.Tensor, b: torch.Tensor) -> float:
    """The mean distance from a point of a to the closest of b."""
    return float(torch.cdist(a, b).min(1).values.mean())
