"""Interactive figure: the noise of a bridge and the noise of its sampler, over exact contours."""

import ipywidgets
import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from fmtutorial import _validate, plotting
from fmtutorial.distributions import GaussianMixture
from fmtutorial.metrics import sliced_wasserstein
from fmtutorial.variants import Bridge, bridge_fields, bridge_log_prob, sample_bridge
from fmtutorial.widgets.explorer import GRID, SEED, Explorer, control, density_image, generator

N_STEPS = 60  # of the sampler; the slider of t stops at every third
N_TRAJECTORIES = 10  # trajectories drawn
N_FLOOR = 5  # pairs of exact samples whose distance is the floor
WINDOW = (-4.5, 4.5, -4.5, 4.5)


def bridge_noise_explorer(
    mixture0: GaussianMixture | None = None,
    mixture1: GaussianMixture | None = None,
    n_samples: int = 400,
) -> "BridgeNoiseExplorer":
    """Controls for the noise s of the bridge, the noise level epsilon of its sampler, and the time t.

    Velocity and score are exact, the steps are 60 of Euler-Maruyama. `numbers`: error (sliced W2 of the
    sampler's points at t to exact ones), floor (the same for exact points) and spread (the trace of the exact
    covariance of x_t).
    """
    if mixture0 is None:
        mixture0 = GaussianMixture(
            [{"mean": [-2.0, 1.5], "std": 0.4}, {"mean": [-2.0, -1.5], "std": [0.7, 0.3]}], [0.4, 0.6]
        )
    if mixture1 is None:
        mixture1 = GaussianMixture([{"mean": [2.0, 2.0], "std": 0.5}, {"mean": [2.0, -1.5], "std": 0.35}])
    bridge_fields(mixture0, mixture1, Bridge())  # checks both
    return BridgeNoiseExplorer(mixture0, mixture1, _validate.positive_int(n_samples, "n_samples"))


class BridgeNoiseExplorer(Explorer):
    """Two panels: a few trajectories up to t between the two ends, and all points at t over the exact p_t.

    Artists: `trajectory_lines`, `trajectory_ends`, `density` and `points`.
    """

    def __init__(self, mixture0: GaussianMixture, mixture1: GaussianMixture, n_samples: int):
        self.mixture0 = mixture0
        self.mixture1 = mixture1
        self.x0 = mixture0.sample(n_samples, generator(), stratified=True)
        self.x0 = self.x0[torch.randperm(n_samples, generator=generator(SEED + 1))]
        self._exact: dict[tuple[float, float], tuple[Tensor, float]] = {}
        side_x, side_y, _ = plotting.grid(WINDOW, GRID)
        self._grid = torch.stack([side_x.flatten(), side_y.flatten()], dim=1)
        # the still parts: contours of both ends, axes
        figure = Figure(figsize=(8.4, 4.5), dpi=90, layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for ax, title in (
            (left, "trajectories up to t"),
            (right, "all points at t, and exact $p_t$ (shaded)"),
        ):
            plotting.square(ax, WINDOW).set_title(title, fontsize=11)
            ax.label_outer()
        contours = {"fill": False, "limits": WINDOW}
        plotting.plot_density(mixture0.log_prob, left, colors=plotting.NOISE, **contours)
        plotting.plot_density(mixture1.log_prob, left, colors=plotting.DATA, linestyles="dashed", **contours)
        left.plot([], [], color=plotting.NOISE, label="contours of $p_0$")
        left.plot([], [], color=plotting.DATA, ls="--", label="contours of $p_1$")
        left.legend(loc="upper left", fontsize=9)
        # the artists that move
        self.trajectory_lines = left.add_collection(LineCollection([], colors=plotting.EXACT, lw=0.8))
        (self.trajectory_ends,) = left.plot([], [], "o", color=plotting.LEARNED, ms=5)
        self.density = density_image(right)
        self.density.set_extent(WINDOW)
        (self.points,) = right.plot([], [], ".", color=plotting.LEARNED, ms=4)
        moving = [self.trajectory_lines, self.trajectory_ends, self.density, self.points]
        # the controls
        slider = ipywidgets.FloatSlider
        controls = {
            "s": control(slider, "s of the path", value=1.0, min=0.0, max=3.0, step=0.25),
            "noise_level": control(slider, "epsilon", value=0.5, min=0.0, max=4.0, step=0.25),
            "time": control(slider, "time t", value=1.0, min=0.0, max=1.0, step=0.05),
        }
        super().__init__(figure, moving, controls)

    def update(self) -> None:
        """Redraw both panels for the values of s, epsilon and t."""
        s = self.s.value
        t = round(self.time.value, 4)
        trajectory = self.run_for(s, self.noise_level.value)
        last = round(t * N_STEPS)
        shown = trajectory[last]
        truth, floor = self.exact_points(s, t)
        self.numbers = {
            "error": sliced_wasserstein(shown, truth, 64, generator()),
            "floor": floor,
            "spread": self.spread(s, t),
        }
        self.trajectory_lines.set_segments(trajectory[: last + 1, :N_TRAJECTORIES].transpose(0, 1).numpy())
        self.trajectory_ends.set_data(*shown[:N_TRAJECTORIES].T)
        self.points.set_data(*shown.T)
        log_density = bridge_log_prob(self.mixture0, self.mixture1, Bridge(s), self._grid, t)
        density = log_density.exp().reshape(GRID, GRID)
        self.density.set_data(density.numpy())
        self.density.set_clim(0, float(density.max()))

    def describe(self) -> str:
        """The settings and the numbers in words."""
        numbers = self.numbers
        return (
            f"Bridge with s = {self.s.value:.2f}, sampled with epsilon = {self.noise_level.value:.2f}, at "
            f"t = {self.time.value:.2f}: sliced W2 to exact points {numbers['error']:.3f} "
            f"(exact points among themselves {numbers['floor']:.3f}). "
            f"Variance of both coordinates together {numbers['spread']:.2f}."
        )

    def run(self, s: float, noise_level: float) -> Tensor:
        """The sampler's trajectory (N_STEPS + 1, n, 2) for one setting."""
        velocity, score = bridge_fields(self.mixture0, self.mixture1, Bridge(s))
        return sample_bridge(velocity, score, self.x0, N_STEPS, noise_level, generator(SEED + 2))[0]

    def exact_points(self, s: float, t: float) -> tuple[Tensor, float]:
        """Exact points at t (n, 2), and the floor: the mean distance of such sets from this one."""
        if (s, t) not in self._exact:
            g = generator(SEED + 3)
            n = len(self.x0)
            sets = []
            for _ in range(N_FLOOR + 1):
                x0 = self.mixture0.sample(n, g)
                x1 = self.mixture1.sample(n, g)
                sets.append(Bridge(s).sample(x0, x1, t, g))
            truth = sets[0]
            distances = [sliced_wasserstein(other, truth, 64, generator()) for other in sets[1:]]
            self._exact[s, t] = truth, sum(distances) / N_FLOOR
        return self._exact[s, t]

    def spread(self, s: float, t: float) -> float:
        """The trace of (1 - t)^2 Cov(x0) + t^2 Cov(x1) + gamma^2 I."""
        traces = (1 - t) ** 2 * self.mixture0.covariance.trace() + t**2 * self.mixture1.covariance.trace()
        return float(traces) + self.mixture0.dim * Bridge(s).variance(t)
