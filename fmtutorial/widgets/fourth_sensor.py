"""Interactive figure: where the fourth sensor on the heated rod should go."""

import ipywidgets
import torch
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from fmtutorial import plotting
from fmtutorial.problems import HeatRod
from fmtutorial.widgets.explorer import Explorer, choice, control, generator

POSITIONS = torch.linspace(0, 1, 33, dtype=torch.float64)


def expected_uncertainty(
    position: float | None, n: int = 4000, rod: HeatRod | None = None
) -> tuple[float, float]:
    """What a fourth sensor at `position` leaves unknown, on average over n simulated observations.

    Returns the entropy of the hot spot's side in bits, E[H(k | y)], and the variance of the whole field,
    E[tr Cov(x1 | y)]; `position=None` is the rod with the sensors that it has. The same rods and the same
    noise at every position, so that differences between positions are not chance.
    """
    rod = rod or HeatRod()
    sensors = rod.sensors if position is None else (*rod.sensors, float(position))
    rod = HeatRod(sensors, rod.time, rod.noise, len(rod.x))
    x1 = rod.prior.sample(n, generator(), stratified=True, dtype=torch.float64)
    z = torch.randn(n, 8, generator=generator().manual_seed(1), dtype=torch.float64)[:, : len(sensors)]
    posterior = rod.posterior(x1 @ rod.matrix.T + rod.noise * z)
    entropy = -torch.special.xlogy(posterior.weights, posterior.weights).sum(1) / torch.log(torch.tensor(2.0))
    return float(entropy.mean()), float(posterior.std.square().sum(1).mean())


def fourth_sensor_explorer(learned: dict | None = None, rod: HeatRod | None = None) -> "FourthSensorExplorer":
    """A slider for the fourth sensor, and choices of the true rod and of what is to be found out.

    `learned` maps a goal, "side" or "field", to positions and values from a network, drawn as rings in units
    of what three sensors leave. `numbers`: left (the share of uncertainty that stays, on average), p_right
    (the probability of the right side in the posterior shown) and error (rms of its mean).
    """
    return FourthSensorExplorer(learned or {}, rod or HeatRod())


class FourthSensorExplorer(Explorer):
    """See `fourth_sensor_explorer`."""

    def __init__(self, learned: dict, rod: HeatRod):
        self._rod = rod
        table = torch.tensor([expected_uncertainty(s, rod=rod) for s in POSITIONS.tolist()])
        without = torch.tensor(expected_uncertainty(None, rod=rod))
        self._left = dict(zip(("side", "field"), (table / without).T, strict=True))
        self._learned = learned
        self._truths = {
            name: rod.prior.means[k] + 0.1 * torch.cos(3 * torch.pi * rod.x)
            for name, k in (("left", 0), ("right", 1))
        }
        # noise with which the three sensors, and a fourth in the middle, cannot tell where the left spot is
        noise = torch.randn(1, 4, generator=generator().manual_seed(58), dtype=torch.float64)
        self._shown = {place: self._posteriors(place, rod.noise * noise) for place in POSITIONS.tolist()}
        figure = Figure(figsize=(10, 4), dpi=90, layout="constrained")
        axes = figure.subplots(1, 2)
        axes[0].set_title("this rod: posterior and truth", fontsize=11)
        axes[1].set_title("uncertainty left, on average", fontsize=11)
        self._draw_axes(*axes)
        controls = {
            "position": control(
                ipywidgets.FloatSlider,
                "4th sensor",
                value=0.5,
                min=0.0,
                max=1.0,
                step=1 / 32,
                readout_format=".2f",
            ),
            "truth": choice("hot spot", ["left", "right"]),
            "goal": choice("find out", ["side", "field"]),
        }
        moving = [self._draws, self._mean, self._truth, self._sensor, self._curve, self._rings, self._mark]
        super().__init__(figure, moving, controls)

    def _posteriors(self, place: float, noise) -> dict:
        """For each true rod, what a fourth sensor at `place` makes of it: posterior draws, mean, P(right)."""
        rod = HeatRod((*self._rod.sensors, place), self._rod.time, self._rod.noise, len(self._rod.x))
        found = {}
        for name, truth in self._truths.items():
            posterior = rod.posterior(truth[None] @ rod.matrix.T + noise)
            draws = posterior.sample(20, generator())[0]
            lines = torch.stack([rod.x.expand_as(draws), draws], dim=2).numpy()
            found[name] = lines, posterior.mean[0], float(posterior.weights[0, 1])
        return found

    def _draw_axes(self, rod_axes, curve_axes) -> None:
        """The still parts, and the empty moving ones."""
        rod_axes.set(xlim=(0, 1), ylim=(-1.2, 3.6), xlabel="place on the rod", ylabel="initial temperature")
        low = [-1.05] * len(self._rod.sensors)
        rod_axes.plot(self._rod.sensors, low, "^", color=plotting.EXACT, ms=7, label="sensors")
        lines = LineCollection([], colors=plotting.LEARNED, lw=0.8, alpha=0.6, label="posterior samples")
        self._draws = rod_axes.add_collection(lines)
        (self._mean,) = rod_axes.plot([], [], color=plotting.EXACT, ls="--", lw=2, label="posterior mean")
        (self._truth,) = rod_axes.plot([], [], color=plotting.DATA, lw=2.5, label="truth")
        (self._sensor,) = rod_axes.plot([], [], "v", color=plotting.NOISE, ms=10, label="4th sensor")
        rod_axes.legend(loc="upper center", ncols=2, fontsize=9)
        top = max([1.1] + [float(max(values)) + 0.08 for _, values in self._learned.values()])
        curve_axes.set(
            xlim=(0, 1), ylim=(0, top), xlabel="place of the 4th sensor", ylabel="share of three sensors'"
        )
        (self._curve,) = curve_axes.plot([], [], color=plotting.EXACT, lw=2, label="exact")
        (self._rings,) = curve_axes.plot(
            [], [], "o", mfc="none", color=plotting.LEARNED, ms=7, label="learnt"
        )
        (self._mark,) = curve_axes.plot([], [], "v", color=plotting.NOISE, ms=11, label="your sensor")
        curve_axes.legend(loc="upper left", fontsize=9)

    def update(self) -> None:
        """Redraw both panels for the sensor's place, the truth and the goal."""
        k = int((POSITIONS - self.position.value).abs().argmin())
        place, truth, left = float(POSITIONS[k]), self._truths[self.truth.value], self._left[self.goal.value]
        lines, mean, p_right = self._shown[place][self.truth.value]
        self._draws.set_segments(lines)
        self._mean.set_data(self._rod.x, mean)
        self._truth.set_data(self._rod.x, truth)
        self._sensor.set_data([place], [-1.0])
        self._curve.set_data(POSITIONS, left)
        self._rings.set_data(*self._learned.get(self.goal.value, ([], [])))
        self._mark.set_data([place], [float(left[k]) + 0.04])
        error = float((mean - truth).square().mean().sqrt())
        self.numbers = {"left": float(left[k]), "p_right": p_right, "error": error}

    def describe(self) -> str:
        """The settings and the numbers in words."""
        told, goal = self.numbers, {"side": "side's entropy", "field": "field's variance"}[self.goal.value]
        return (
            f"Fourth sensor at {self.position.value:.3f}, hot spot {self.truth.value}: the probability of "
            f"right is {told['p_right']:.3f}, the posterior mean is off by {told['error']:.3f}. On average "
            f"over all rods {told['left']:.3f} of the {goal} that three sensors leave stays."
        )
