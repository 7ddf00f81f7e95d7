"""Interactive figure: what the coupling does to Euler's method."""

import ipywidgets
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from torch import Tensor

from fmtutorial import _validate, exact, plotting
from fmtutorial._types import Velocity
from fmtutorial.distributions import GaussianMixture, standard_mixture
from fmtutorial.metrics import straightness
from fmtutorial.paths import StraightPath
from fmtutorial.sampling import integrate_flow
from fmtutorial.widgets.explorer import Explorer, Yardstick, choice, control, rms_gap

MOST_STEPS = 16
N_TRAJECTORIES = 80  # trajectories drawn
THIRD_PANEL_WIDTH = 1.1  # in widths of the first two
COLORS = (plotting.NOISE, plotting.DATA, plotting.LEARNED, "#CC79A7")
MARKERS = "osD^vP*X"  # beside a colour for each curve


def coupling_explorer(
    models: dict[str, Velocity] | None = None, mixture: GaussianMixture | None = None, n_samples: int = 500
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
    """Three panels for one coupling: Euler's trajectories, their end points, and the error of every count.

    Artists: `trajectory_lines`, `trajectory_ends`, `end_points` and `ring`, around the error shown.
    """

    def __init__(self, models: dict[str, Velocity], mixture: GaussianMixture, n_samples: int):
        self.yardstick = Yardstick(mixture, n_samples)
        self._flows = {name: self._flow_by_steps(velocity) for name, velocity in models.items()}
        # the still parts: contours, and a curve of errors for each coupling
        figure, axes = three_panels()
        for ax in axes[:2]:
            plotting.plot_density(mixture.log_prob, ax, fill=False)
            plotting.square(ax).label_outer()
        self._draw_errors(axes[2])
        # the artists that move
        x0 = self.yardstick.x0
        plotting.angle_key(axes[0])
        colors = plotting.get_angle_colors(x0)
        few = colors[:N_TRAJECTORIES]
        self.trajectory_lines = axes[0].add_collection(LineCollection([], colors=few, lw=0.9, alpha=0.9))
        self.trajectory_ends = axes[0].scatter(*x0[:N_TRAJECTORIES].T, c=few, s=12, zorder=3)
        self.end_points = axes[1].scatter(*x0.T, c=colors, s=7, linewidths=0, zorder=3)
        (self.ring,) = axes[2].plot([], [], "o", ms=13, mfc="none", mec=plotting.EXACT, mew=1.8)
        moving = [self.trajectory_lines, self.trajectory_ends, self.end_points, self.ring]
        # the controls
        controls = {
            "n_steps": control(ipywidgets.IntSlider, "Euler steps", value=1, min=1, max=MOST_STEPS),
            "coupling": choice("coupling", list(models)),
        }
        super().__init__(figure, moving, controls)

    def _flow_by_steps(self, velocity: Velocity) -> list[tuple[Tensor, dict[str, float]]]:
        """For 1, 2, ... Euler steps, the trajectory (n_steps + 1, n, 2) and its numbers."""
        x0 = self.yardstick.x0
        well_solved, t = integrate_flow(velocity, x0, n_steps=64, method="midpoint")
        curved = straightness(well_solved, t)
        flows = []
        for n_steps in range(1, MOST_STEPS + 1):
            trajectory, _ = integrate_flow(velocity, x0, n_steps=n_steps, method="euler")
            numbers = {
                "error": self.yardstick.error(trajectory[-1]),
                "floor": self.yardstick.floor,
                "gap": rms_gap(trajectory[-1], well_solved[-1]),
                "straightness": curved,
            }
            flows.append((trajectory, numbers))
        return flows

    def _draw_errors(self, ax: Axes) -> None:
        """Draw each coupling's error against the number of Euler steps, and the floor."""
        steps = range(1, MOST_STEPS + 1)
        for i, (name, flows) in enumerate(self._flows.items()):
            errors = [numbers["error"] for _, numbers in flows]
            marker = MARKERS[i % len(MARKERS)]
            color = COLORS[i % len(COLORS)]
            ax.plot(steps, errors, marker=marker, color=color, ms=4, lw=1.2, label=name)
        ax.axhline(self.yardstick.floor, color=plotting.EXACT, ls="--", lw=1, label="exact samples")
        ax.legend(fontsize=10, frameon=False)

    def update(self) -> None:
        """Redraw the three panels for the values of coupling and steps."""
        n_steps = self.n_steps.value
        trajectory, self.numbers = self._flows[self.coupling.value][n_steps - 1]
        self.trajectory_lines.set_segments(trajectory[:, :N_TRAJECTORIES].transpose(0, 1).numpy())
        self.trajectory_ends.set_offsets(trajectory[-1, :N_TRAJECTORIES].numpy())
        self.end_points.set_offsets(trajectory[-1].numpy())
        self.ring.set_data([n_steps], [self.numbers["error"]])

    def describe(self) -> str:
        """The settings and the numbers in words."""
        numbers = self.numbers
        n_steps = self.n_steps.value
        return (
            f"Coupling: {self.coupling.value}; {n_steps} Euler step{'s' * (n_steps > 1)}. "
            f"Sliced W2 from the end points to the truth {numbers['error']:.3f} "
            f"(exact samples {numbers['floor']:.3f}); "
            f"rms distance to the same flow solved well {numbers['gap']:.3f}. "
            f"The trajectories' deviation from straight lines is {numbers['straightness']:.3f}."
        )


def three_panels() -> tuple[Figure, list[Axes]]:
    """Two square panels in the course's window, and one for the error against the steps."""
    figure = Figure(figsize=(11, 3.9), dpi=90, layout="constrained")
    axes = list(figure.subplots(1, 3, width_ratios=(1, 1, THIRD_PANEL_WIDTH)))
    for ax, title in zip(axes, ("trajectories", "end points, $t = 1$", "error"), strict=True):
        ax.set_title(title, fontsize=11)
    axes[1].sharey(axes[0])
    # the third panel is as high as the square ones
    left, right, bottom, top = plotting.LIMITS
    axes[2].set_box_aspect((top - bottom) / (right - left) / THIRD_PANEL_WIDTH)
    # its axes are logarithmic, with plain numbers
    axes[2].set_xscale("log", base=2)
    axes[2].set_yscale("log")
    axes[2].grid(alpha=0.3)
    axes[2].set(xlabel="Euler steps", ylabel="sliced W2 to the truth", xlim=(0.85, 1.2 * MOST_STEPS))
    axes[2].set_xticks([1, 2, 4, 8, 16])
    axes[2].xaxis.set_major_formatter(ScalarFormatter())
    axes[2].set_yticks([0.1, 0.2, 0.5, 1.0], ["0.1", "0.2", "0.5", "1"])
    axes[2].yaxis.set_minor_formatter(NullFormatter())
    return figure, axes
