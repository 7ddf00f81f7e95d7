"""Interactive figure: where the fourth sensor on the heated rod should go."""

import ipywidgets
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from fmtutorial import plotting
from fmtutorial.problems import HeatRod
from fmtutorial.widgets.explorer import Explorer, choice, control, generator

POSITIONS = torch.linspace(0, 1, 33, dtype=torch.float64)
UNCERTAINTY = {"side": "side's entropy", "field": "field's variance"}  # what is to be found out, in words


def expected_uncertainty(
    position: float | None, n: int = 4000, rod: HeatRod | None = None
) -> tuple[float, float]:
    """What a fourth sensor at `position` leaves unknown, on average over n simulated observations.

    Returns the entropy of the hot spot's side in bits, E[H(k | y)], and the variance of the whole field,
    E[tr Cov(x1 | y)]; `position=None` is the rod with the sensors that it has. The same rods and the same
    noise at every position, so that differences between positions are not chance.
    """
    rod = rod or HeatRod()
    if position is not None:
        rod = with_sensor(rod, float(position))
    # simulate
    x1 = rod.prior.sample(n, generator(), stratified=True, dtype=torch.float64)
    z = torch.randn(n, 8, generator=generator(1), dtype=torch.float64)[:, : len(rod.sensors)]
    posterior = rod.posterior(x1 @ rod.matrix.T + rod.noise * z)
    # average
    weights = posterior.weights
    entropy = -torch.special.xlogy(weights, weights).sum(1) / torch.log(torch.tensor(2.0))
    variance = posterior.std.square().sum(1)
    return float(entropy.mean()), float(variance.mean())


def with_sensor(rod: HeatRod, position: float) -> HeatRod:
    """The same rod with one sensor more."""
    return HeatRod((*rod.sensors, position), rod.time, rod.noise, len(rod.x))


def fourth_sensor_explorer(
    learned: dict[str, tuple] | None = None, rod: HeatRod | None = None
) -> "FourthSensorExplorer":
    """A slider for the fourth sensor, and choices of the true rod and of what is to be found out.

    `learned` maps a goal, "side" or "field", to positions and values from a network, drawn as rings in units
    of what three sensors leave. `numbers`: left (the share of uncertainty that stays, on average), p_right
    (the probability of the right side in the posterior shown) and error (rms of its mean).
    """
    return FourthSensorExplorer(learned or {}, rod or HeatRod())


class FourthSensorExplorer(Explorer):
    """Two panels for one place of the sensor: this rod's posterior, and the uncertainty left on average.

    Artists: `posterior_lines`, `mean_line`, `truth_line`, `sensor`, `curve`, `rings` (the network's values)
    and `curve_mark`.
    """

    def __init__(self, learned: dict[str, tuple], rod: HeatRod):
        self._rod = rod
        self._learned = learned
        # the share of uncertainty that each position leaves, of what three sensors leave
        fourth = torch.tensor([expected_uncertainty(s, rod=rod) for s in POSITIONS.tolist()])
        three = torch.tensor(expected_uncertainty(None, rod=rod))
        side, field = (fourth / three).T
        self._shares = {"side": side, "field": field}
        # two true rods, each with its posterior for every position
        ripple = 0.1 * torch.cos(3 * torch.pi * rod.x)
        self._truths = {"left": rod.prior.means[0] + ripple, "right": rod.prior.means[1] + ripple}
        # seed 58: noise for which three sensors leave both sides possible, also with a fourth in the middle
        noise = torch.randn(1, 4, generator=generator(58), dtype=torch.float64)
        self._posteriors = {s: self._posteriors_at(s, rod.noise * noise) for s in POSITIONS.tolist()}
        # the figure
        figure = Figure(figsize=(10, 4), dpi=90, layout="constrained")
        rod_axes, curve_axes = figure.subplots(1, 2)
        self._draw_rod(rod_axes)
        self._draw_curve(curve_axes)
        moving = [self.posterior_lines, self.mean_line, self.truth_line, self.sensor]
        moving += [self.curve, self.rings, self.curve_mark]
        # the controls
        place = {"value": 0.5, "min": 0.0, "max": 1.0, "step": 1 / 32, "readout_format": ".2f"}
        controls = {
            "position": control(ipywidgets.FloatSlider, "4th sensor", **place),
            "truth": choice("hot spot", ["left", "right"]),
            "goal": choice("find out", ["side", "field"]),
        }
        super().__init__(figure, moving, controls)

    def _posteriors_at(self, position: float, noise: Tensor) -> dict[str, tuple]:
        """For each true rod, what a fourth sensor there makes of it: posterior draws, mean, P(right)."""
        rod = with_sensor(self._rod, position)
        found = {}
        for name, truth in self._truths.items():
            posterior = rod.posterior(truth[None] @ rod.matrix.T + noise)
            draws = posterior.sample(20, generator())[0]
            lines = torch.stack([rod.x.expand_as(draws), draws], dim=2)  # (20, len(x), 2)
            found[name] = lines.numpy(), posterior.mean[0], float(posterior.weights[0, 1])
        return found

    def _draw_rod(self, ax: Axes) -> None:
        """Draw the three sensors, and the empty artists of the posterior and the truth."""
        ax.set_title("this rod: posterior and truth", fontsize=11)
        ax.set(xlim=(0, 1), ylim=(-1.2, 3.6), xlabel="place on the rod", ylabel="initial temperature")
        low = [-1.05] * len(self._rod.sensors)
        ax.plot(self._rod.sensors, low, "^", color=plotting.EXACT, ms=7, label="sensors")
        lines = LineCollection([], colors=plotting.LEARNED, lw=0.8, alpha=0.6, label="posterior samples")
        self.posterior_lines = ax.add_collection(lines)
        (self.mean_line,) = ax.plot([], [], color=plotting.EXACT, ls="--", lw=2, label="posterior mean")
        (self.truth_line,) = ax.plot([], [], color=plotting.DATA, lw=2.5, label="truth")
        (self.sensor,) = ax.plot([], [], "v", color=plotting.NOISE, ms=10, label="4th sensor")
        ax.legend(loc="upper center", ncols=2, fontsize=9)

    def _draw_curve(self, ax: Axes) -> None:
        """Draw the empty artists of the uncertainty at every position, in axes that hold them all."""
        ax.set_title("uncertainty left, on average", fontsize=11)
        top = max([1.1] + [float(max(values)) + 0.08 for _, values in self._learned.values()])
        ax.set(xlim=(0, 1), ylim=(0, top), xlabel="place of the 4th sensor", ylabel="share of three sensors'")
        (self.curve,) = ax.plot([], [], color=plotting.EXACT, lw=2, label="exact")
        (self.rings,) = ax.plot(
            [], [], "o", mfc="none", color=plotting.LEARNED, ms=7, label="network", zorder=4
        )
        (self.curve_mark,) = ax.plot([], [], "v", color=plotting.NOISE, ms=11, label="your sensor")
        ax.legend(loc="upper left", fontsize=9)

    def update(self) -> None:
        """Redraw both panels for the sensor's place, the truth and the goal."""
        k = int((POSITIONS - self.position.value).abs().argmin())
        position = float(POSITIONS[k])
        truth = self._truths[self.truth.value]
        shares = self._shares[self.goal.value]
        # this rod
        lines, mean, p_right = self._posteriors[position][self.truth.value]
        self.posterior_lines.set_segments(lines)
        self.mean_line.set_data(self._rod.x, mean)
        self.truth_line.set_data(self._rod.x, truth)
        self.sensor.set_data([position], [-1.0])
        # all rods
        self.curve.set_data(POSITIONS, shares)
        self.rings.set_data(*self._learned.get(self.goal.value, ([], [])))
        self.curve_mark.set_data([position], [float(shares[k]) + 0.04])
        error = float((mean - truth).square().mean().sqrt())
        self.numbers = {"left": float(shares[k]), "p_right": p_right, "error": error}

    def describe(self) -> str:
        """The settings and the numbers in words."""
        numbers = self.numbers
        return (
            f"Fourth sensor at {self.position.value:.3f}, hot spot {self.truth.value}: the probability of "
            f"right is {numbers['p_right']:.3f}, the posterior mean is off by {numbers['error']:.3f}. "
            f"On average over all rods {numbers['left']:.3f} of the {UNCERTAINTY[self.goal.value]} "
            f"that three sensors leave stays."
        )
