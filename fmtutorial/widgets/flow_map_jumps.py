"""Interactive figure: where learnt jumps land, beside where the exact flow does."""

from collections.abc import Mapping

import ipywidgets
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from torch import Tensor

from fmtutorial import _validate, plotting
from fmtutorial._types import AverageVelocity
from fmtutorial.distributions import GaussianMixture, standard_mixture
from fmtutorial.paths import StraightPath
from fmtutorial.variants import exact_average_velocity, exact_flow_map
from fmtutorial.widgets.explorer import Explorer, Yardstick, choice, control, rms_gap

MOST_JUMPS = 8
TICKS = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)  # of the axis of gaps
THIRD_PANEL_WIDTH = 1.1  # in widths of the first two


def flow_map_explorer(
    models: Mapping[str, AverageVelocity] | None = None,
    mixture: GaussianMixture | None = None,
    n_samples: int = 800,
) -> "FlowMapExplorer":
    """Controls for the recipe (one average velocity of `models` each), the number of jumps and the departure.

    `models` maps names to average velocities (x, s, t) of the straight path with sigma_min = 0; without it,
    the exact one. A cloud is carried exactly to the departure, and from there by the model to t = 1.
    `numbers`: gap (rms distance to the exact landing points), error (sliced W2 to the truth) and floor (the
    same for the exact landing points).
    """
    mixture = mixture or standard_mixture()
    if models is None:
        models = {"exact": exact_jumps(mixture)}
    if not isinstance(models, Mapping) or not models:
        raise TypeError(f"models must be a dict of at least one average velocity by its name, got {models!r}")
    return FlowMapExplorer(models, mixture, _validate.positive_int(n_samples, "n_samples"))


class FlowMapExplorer(Explorer):
    """Three panels: the exact landing points, the learnt ones, and the gap against the number of jumps.

    Artists: `landing_points` (the learnt ones), `curve` and `star`, on the curve.
    """

    def __init__(self, models: Mapping[str, AverageVelocity], mixture: GaussianMixture, n_samples: int):
        self.models = dict(models)
        self.mixture = mixture
        self.yardstick = Yardstick(mixture, n_samples)
        self._places: dict[float, Tensor] = {}
        self.exact_ends = self.place_at(1.0)
        self._floor = self.yardstick.error(self.exact_ends)
        # the still parts: contours, the exact landing points, axes
        figure, (left, middle, right) = three_panels()
        for ax in (left, middle):
            plotting.plot_density(mixture.log_prob, ax, fill=False)
            plotting.square(ax).label_outer()
        colors = plotting.get_angle_colors(self.yardstick.x0)
        left.scatter(*self.exact_ends.T, c=colors, s=7, linewidths=0, zorder=3)
        plotting.angle_key(left)
        # the artists that move
        self.landing_points = middle.scatter(*self.exact_ends.T, c=colors, s=7, linewidths=0, zorder=3)
        (self.curve,) = right.plot([], [], "o-", color=plotting.LEARNED, ms=4, lw=1.2)
        (self.star,) = right.plot([], [], "*", color=plotting.DATA, ms=15)
        # the controls
        controls = {
            "n_jumps": control(ipywidgets.IntSlider, "jumps", value=1, min=1, max=MOST_JUMPS),
            "departure": control(
                ipywidgets.FloatSlider, "departure s", value=0.0, min=0.0, max=0.9, step=0.05
            ),
            "recipe": choice("recipe", list(models)),
        }
        super().__init__(figure, [self.landing_points, self.curve, self.star], controls)

    def update(self) -> None:
        """Redraw the landing points and the curve for the values of the controls."""
        recipe = self.recipe.value
        departure = round(self.departure.value, 4)
        ends = [self.run_for(recipe, departure, n) for n in range(1, MOST_JUMPS + 1)]
        gaps = [rms_gap(points, self.exact_ends) for points in ends]
        n_jumps = self.n_jumps.value
        shown = ends[n_jumps - 1]
        self.numbers = {
            "gap": gaps[n_jumps - 1],
            "error": self.yardstick.error(shown),
            "floor": self._floor,
        }
        self.landing_points.set_offsets(shown.numpy())
        self.curve.set_data(range(1, MOST_JUMPS + 1), gaps)
        self.star.set_data([n_jumps], [self.numbers["gap"]])

    def describe(self) -> str:
        """The settings and the numbers in words."""
        numbers = self.numbers
        n_jumps = self.n_jumps.value
        return (
            f"Recipe: {self.recipe.value}; {n_jumps} jump{'s' * (n_jumps > 1)} from s = "
            f"{self.departure.value:.2f} to t = 1. Paired gap to the exact landing points "
            f"{numbers['gap']:.3f}; sliced W2 to the truth {numbers['error']:.3f} "
            f"(exact landing points {numbers['floor']:.3f})."
        )

    @torch.no_grad()
    def run(self, recipe: str, departure: float, n_jumps: int) -> Tensor:
        """Where n_jumps equal jumps from the departure to t = 1 land, (n, d)."""
        model = self.models[recipe]
        x = self.place_at(departure)
        length = (1.0 - departure) / n_jumps
        for k in range(n_jumps):
            s = torch.full_like(x[:, :1], departure + k * length)
            t = torch.full_like(x[:, :1], min(1.0, departure + (k + 1) * length))
            x = x + (t - s) * model(x, s, t)
        return x

    def place_at(self, time: float) -> Tensor:
        """Where the exact flow has carried the noise at this time, (n, d): computed once for each time."""
        if time not in self._places:
            x0 = self.yardstick.x0.double()
            self._places[time] = exact_flow_map(self.mixture, StraightPath(0.0), x0, 0.0, time).float()
        return self._places[time]


def exact_jumps(mixture: GaussianMixture) -> AverageVelocity:
    """The exact average velocity of the straight path, for points of any precision."""

    def average_velocity(x: Tensor, s: Tensor, t: Tensor) -> Tensor:
        """u(x, s, t), computed in double precision."""
        u = exact_average_velocity(mixture, StraightPath(0.0), x.double(), s.double(), t.double())
        return u.to(x.dtype)

    return average_velocity


def three_panels() -> tuple[Figure, list[Axes]]:
    """Two square panels in the course's window, and one for the gap against the jumps."""
    figure = Figure(figsize=(11, 3.9), dpi=90, layout="constrained")
    axes = list(figure.subplots(1, 3, width_ratios=(1, 1, THIRD_PANEL_WIDTH)))
    titles = ("exact landing points", "landing points of the jumps", "gap to the exact ones")
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, fontsize=11)
    axes[1].sharey(axes[0])
    # the third panel is as high as the square ones
    left, right, bottom, top = plotting.LIMITS
    axes[2].set_box_aspect((top - bottom) / (right - left) / THIRD_PANEL_WIDTH)
    axes[2].set(xlabel="jumps", ylabel="paired gap", yscale="log")
    axes[2].set(xlim=(0.5, MOST_JUMPS + 0.5), ylim=(TICKS[0] / 1.5, 1.5 * TICKS[-1]))
    axes[2].set_yticks(TICKS, [f"{gap:g}" for gap in TICKS])
    axes[2].yaxis.set_minor_formatter(NullFormatter())
    axes[2].grid(alpha=0.3)
    return figure, axes
