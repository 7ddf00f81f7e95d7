"""Interactive figures: what sigma_min does, and what the number of solver steps does."""

import ipywidgets
import torch
from matplotlib.collections import LineCollection
from torch import Tensor

from fmtutorial import exact, plotting
from fmtutorial.distributions import GaussianMixture, standard_mixture
from fmtutorial.metrics import sliced_wasserstein, sliced_wasserstein_floor
from fmtutorial.paths import StraightPath
from fmtutorial.sampling import CountEvaluations, integrate_flow
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


def step_count_explorer(
    model=None, mixture: GaussianMixture | None = None, path=None, n_samples: int = 500
) -> "StepCountExplorer":
    """Controls for the number of steps, t, the solver and the velocity (exact, or `model` if it is given).

    `numbers`: nfe, error (sliced W2 of the end points to the truth), floor (the same for exact samples) and
    gap (rms distance of the end points from those of the exact flow).
    """
    return StepCountExplorer(model, mixture or standard_mixture(), path or StraightPath(), n_samples)


class StepCountExplorer(Explorer):
    """See `step_count_explorer`."""

    def __init__(self, model, mixture: GaussianMixture, path, n_samples: int):
        self._mixture, self._path, self._cache = mixture, path, {}
        self._fields = {"exact": exact.velocity_field(mixture, path)} | ({"trained": model} if model else {})
        self._x0 = torch.randn(n_samples, mixture.dim, generator=generator())
        self._colors = plotting.get_angle_colors(self._x0)
        self._truth = mixture.sample(n_samples, generator().manual_seed(SEED + 1), stratified=True)
        self._floor, _ = sliced_wasserstein_floor(mixture, n_samples, 10, generator(), stratified=True)
        self._ideal = integrate_flow(self._fields["exact"], self._x0, n_steps=50, method="rk4")[0][-1]
        figure, axes = panels(["trajectories", "samples at time $t$ over the exact $p_t$"])
        plotting.plot_density(mixture.log_prob, axes[0], fill=False)
        plotting.square(axes[0])
        self._lines = axes[0].add_collection(LineCollection([], colors=self._colors[:60], lw=0.9, alpha=0.9))
        self._density = density_image(axes[1])
        self._few = axes[0].scatter(*self._x0[:60].T, c=self._colors[:60], s=12, zorder=3)
        self._all = axes[1].scatter(*self._x0.T, c=self._colors, s=7, linewidths=0, zorder=3)
        controls = {
            "n_steps": control(ipywidgets.IntSlider, "steps", value=8, min=1, max=64),
            "t": control(ipywidgets.FloatSlider, "time t", value=1.0, min=0.0, max=1.0, step=0.02),
            "method": choice("solver", ["euler", "midpoint", "rk4"]),
            "velocity": choice("velocity", list(self._fields)),
        }
        super().__init__(figure, [self._lines, self._few, self._density, self._all], controls)

    def update(self) -> None:
        """Redraw both panels for the values of the steps, t, the solver and the velocity."""
        trajectory, self.numbers = self._for(self.velocity.value, self.method.value, self.n_steps.value)
        x_t = interpolate(trajectory, self.t.value)
        self._lines.set_segments(trajectory[:, :60].transpose(0, 1).numpy())
        self._few.set_offsets(x_t[:60].numpy())
        self._all.set_offsets(x_t.numpy())
        t = torch.tensor(self.t.value)
        show_density(self._density, lambda x: exact.marginal_log_prob(self._mixture, self._path, x, t))

    def describe(self) -> str:
        """The settings and the numbers in words."""
        told = self.numbers
        return (
            f"{self.method.value}, {self.n_steps.value} steps, {self.velocity.value} velocity, "
            f"t = {self.t.value:.2f}: {told['nfe']} function evaluations. "
            f"Sliced W2 from the end points to the truth {told['error']:.3f} "
            f"(exact samples {told['floor']:.3f}); "
            f"rms distance to the exact flow's end points {told['gap']:.4f}."
        )

    def _for(self, velocity: str, method: str, n_steps: int) -> tuple[Tensor, dict]:
        """The trajectory and the numbers for one setting: they do not depend on t."""
        key = velocity, method, n_steps
        if key not in self._cache:
            counted = CountEvaluations(self._fields[velocity])
            trajectory, _ = integrate_flow(counted, self._x0, n_steps=n_steps, method=method)
            end = trajectory[-1]
            numbers = {
                "nfe": counted.nfe,
                "error": sliced_wasserstein(end, self._truth, 128, generator()),
                "floor": self._floor,
                "gap": float((end - self._ideal).square().sum(1).mean().sqrt()),
            }
            self._cache[key] = trajectory, numbers
        return self._cache[key]


def interpolate(trajectory: Tensor, t: float) -> Tensor:
    """The points at time t on straight segments between the equally spaced states of a trajectory."""
    place = t * (len(trajectory) - 1)
    i = min(int(place), len(trajectory) - 2)
    return torch.lerp(trajectory[i], trajectory[i + 1], place - i)
