"""Interactive figure: what the coupling does to Euler's method."""

from collections.abc import Callable

import ipywidgets
import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from torch import Tensor

from fmtutorial import _validate, exact, plotting
from fmtutorial.distributions import GaussianMixture, standard_mixture
from fmtutorial.metrics import sliced_wasserstein, sliced_wasserstein_floor, straightness
from fmtutorial.paths import StraightPath
from fmtutorial.sampling import integrate_flow
from fmtutorial.widgets.explorer import SEED, Explorer, choice, control, generator

MOST_STEPS = 16
SHOWN = 80  # trajectories drawn
WIDER = 1.1  # the third panel, than the others
COLORS = (plotting.NOISE, plotting.DATA, plotting.LEARNED, "#CC79A7")  # beside a marker for each


def coupling_explorer(
    models: dict[str, Callable] | None = None, mixture: GaussianMixture | None = None, n_samples: int = 500
) -> "CouplingExplorer":
    """Controls for the coupling (one velocity of `models` each) and the number of Euler steps.

    `models` maps names to velocities (x, t); without it, the exact velocity of independent pairs.
    `numbers`: error (sliced W2 of the end points to the truth), floor (the same for exact samples), gap (rms
    distance of the end points from those of 64 midpoint steps) and straightness (of these 64).
    """
    mixture = mixture or standard_mixture()
    if models is None:
        models = {"independent": exact.velocity_field(mixture, StraightPath(0.0))}
    if not isinstance(models, dict) or not models:
        raise TypeError(f"models must be a dict of at least one velocity by its name, got {models!r}")
    return CouplingExplorer(models, mixture, _validate.positive_int(n_samples, "n_samples"))


class CouplingExplorer(Explorer):
    """See `coupling_explorer`."""

    def __init__(self, models: dict[str, Callable], mixture: GaussianMixture, n_samples: int):
        self._x0 = torch.randn(n_samples, mixture.dim, generator=generator())
        self._truth = mixture.sample(n_samples, generator().manual_seed(SEED + 1), stratified=True)
        self._floor, _ = sliced_wasserstein_floor(mixture, n_samples, 10, generator(), stratified=True)
        self._runs = {name: self._all_runs(model) for name, model in models.items()}
        figure, axes = three_panels()
        for ax in axes[:2]:
            plotting.plot_density(mixture.log_prob, ax, fill=False)
            plotting.square(ax).label_outer()
        steps = range(1, MOST_STEPS + 1)
        for i, (name, (_, numbers)) in enumerate(self._runs.items()):
            look = {"marker": "osD^vP*X"[i % 8], "color": COLORS[i % 4], "ms": 4, "lw": 1.2}
            axes[2].plot(steps, [row["error"] for row in numbers], label=name, **look)
        axes[2].axhline(self._floor, color=plotting.EXACT, ls="--", lw=1, label="exact samples")
        axes[2].legend(fontsize=8, frameon=False)
        colors = plotting.get_angle_colors(self._x0)
        self._lines = axes[0].add_collection(LineCollection([], colors=colors[:SHOWN], lw=0.9, alpha=0.9))
        self._few = axes[0].scatter(*self._x0[:SHOWN].T, c=colors[:SHOWN], s=12, zorder=3)
        self._all = axes[1].scatter(*self._x0.T, c=colors, s=7, linewidths=0, zorder=3)
        (self._here,) = axes[2].plot([], [], "o", ms=13, mfc="none", mec=plotting.EXACT, mew=1.8)
        controls = {
            "n_steps": control(ipywidgets.IntSlider, "Euler steps", value=1, min=1, max=MOST_STEPS),
            "coupling": choice("coupling", list(models)),
        }
        super().__init__(figure, [self._lines, self._few, self._all, self._here], controls)

    def update(self) -> None:
        """Redraw the three panels for the values of coupling and steps."""
        n, (trajectories, numbers) = self.n_steps.value, self._runs[self.coupling.value]
        trajectory, self.numbers = trajectories[n - 1], numbers[n - 1]
        self._lines.set_segments(trajectory[:, :SHOWN].transpose(0, 1).numpy())
        self._few.set_offsets(trajectory[-1, :SHOWN].numpy())
        self._all.set_offsets(trajectory[-1].numpy())
        self._here.set_data([n], [self.numbers["error"]])

    def describe(self) -> str:
        """The settings and the numbers in words."""
        told, n = self.numbers, self.n_steps.value
        return (
            f"Coupling: {self.coupling.value}; {n} Euler step{'s' * (n > 1)}. "
            f"Sliced W2 from the end points to the truth {told['error']:.3f} "
            f"(exact samples {told['floor']:.3f}); "
            f"rms distance to the same flow solved well {told['gap']:.3f}. "
            f"The trajectories' deviation from straight lines is {told['straightness']:.3f}."
        )

    def _all_runs(self, model: Callable) -> tuple[list[Tensor], list[dict]]:
        """The trajectory and the numbers for each number of Euler steps."""
        tight, t = integrate_flow(model, self._x0, n_steps=64, method="midpoint")
        curved = straightness(tight, t)
        steps = range(1, MOST_STEPS + 1)
        trajectories = [integrate_flow(model, self._x0, n_steps=n, method="euler")[0] for n in steps]
        numbers = [
            {
                "error": sliced_wasserstein(x[-1], self._truth, 128, generator()),
                "floor": self._floor,
                "gap": float((x[-1] - tight[-1]).square().sum(1).mean().sqrt()),
                "straightness": curved,
            }
            for x in trajectories
        ]
        return trajectories, numbers


def three_panels() -> tuple[Figure, list]:
    """Two square panels in the course's window, and one for the error against the steps."""
    figure = Figure(figsize=(11, 3.9), dpi=90, layout="constrained")
    axes = list(figure.subplots(1, 3, width_ratios=(1, 1, WIDER)))
    for ax, title in zip(axes, ("trajectories", "end points, $t = 1$", "error"), strict=True):
        ax.set_title(title, fontsize=11)
    axes[1].sharey(axes[0])
    left, right, bottom, top = plotting.LIMITS
    axes[2].set_box_aspect((top - bottom) / (right - left) / WIDER)  # as high as the square ones
    axes[2].set_xscale("log", base=2)
    axes[2].set_yscale("log")
    axes[2].grid(alpha=0.3)
    axes[2].set(xlabel="Euler steps", ylabel="sliced W2 to the truth", xlim=(0.85, 1.2 * MOST_STEPS))
    axes[2].set_xticks([1, 2, 4, 8, 16])
    axes[2].xaxis.set_major_formatter(ScalarFormatter())
    axes[2].set_yticks([0.1, 0.2, 0.5, 1.0], ["0.1", "0.2", "0.5", "1"])
    axes[2].yaxis.set_minor_formatter(NullFormatter())
    return figure, axes
